"""The AWS emulator: ministack on a loopback port, enforcing IAM, with everything that it writes inside the state
folder."""

import urllib.error
import urllib.request
from pathlib import Path

from local.tools import processes
from local.tools.places import EMULATOR_PYTHON
from local.tools.processes import Child, StackError

REGION = "us-east-1"
_READY_WITHIN_S = 60.0
_LAUNCHER = Path(__file__).with_name("emulator_process.py")


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def start(port: int, run_dir: Path, log_dir: Path) -> Child:
    """Starts the emulator; it is there when `await_ready` returns. Raises StackError if it is not installed."""
    if not EMULATOR_PYTHON.exists():
        raise StackError("the emulator is not installed: run `make up` or `make .local/emulator/.synced`")
    scratch = run_dir / "emulator"
    scratch.mkdir(parents=True, exist_ok=True)
    environment = processes.clean_environment(
        {
            "GATEWAY_PORT": str(port),
            # Without this the emulator listens on every interface.
            "BIND_HOST": "127.0.0.1",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # A function without the right policy gets AccessDenied, as on AWS.
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "MINISTACK_REGION": REGION,
            "TMPDIR": str(scratch),
            "STATE_DIR": str(scratch / "state"),
            "S3_DATA_DIR": str(scratch / "s3"),
            "FUNCTION_LOG_DIR": str(log_dir),
        }
    )
    return processes.start("emulator", [str(EMULATOR_PYTHON), "-P", str(_LAUNCHER)], log_dir, environment)


def await_ready(child: Child, port: int) -> None:
    """Returns when the emulator answers. Raises StackError with the end of its log if it does not."""
    processes.wait_until(child, lambda: answers(url(port)), _READY_WITHIN_S)


def answers(emulator_url: str) -> bool:
    """Whether an emulator is ready at this URL."""
    try:
        with urllib.request.urlopen(f"{emulator_url}/_ministack/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
