"""Where things are: the repository, what is built from it, and the state of a running stack."""

import os
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"
LOCAL = ROOT / ".local"
BUILD = LOCAL / "build"
EMULATOR_PYTHON = LOCAL / "emulator" / "bin" / "python"


def default_state_dir() -> Path:
    """Where `make up` keeps its stack: `.local`, or RINGLINE_STATE_DIR for a second stack beside it."""
    return Path(os.environ.get("RINGLINE_STATE_DIR") or LOCAL).resolve()


def naming(state_dir: Path) -> str:
    """What stands in front of a command for it to be about the stack of that folder: nothing for that of `.local`."""
    if state_dir.resolve() == LOCAL.resolve():
        return ""
    return f"RINGLINE_STATE_DIR={shlex.quote(str(state_dir))} "
