"""The documented way: `sam build && sam deploy`, here against an emulator of its own, and what the layers hold."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws import build, deploy, emulator
from local.tools import processes
from local.tools.loopback import ask, free_port
from local.tools.places import LOCAL, ROOT

SAM = LOCAL / "sam" / "bin" / "sam"
PARAMETERS = (
    "LivekitUrl=http://127.0.0.1:9 LivekitApiKey=devkey LivekitApiSecret=secret-of-at-least-thirty-two-bytes"
    " SipTrunkId=ST_none"
)


@pytest.fixture(scope="module")
def emulator_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("emulator"), free_port()
    child = emulator.start(port, folder / "run", folder / "logs")
    try:
        emulator.await_ready(child, port)
        yield emulator.url(port)
    finally:
        processes.stop(child)


def run(*command: str) -> str:
    """The output of a command in the repository. A failure shows all of it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), str(Path(build.find_uv()).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "SAM_CLI_TELEMETRY": "0"}
    outcome = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert outcome.returncode == 0, f"{command}:\n{outcome.stdout}{outcome.stderr}"
    return outcome.stdout


def test_what_sam_builds_and_deploys_answers_a_request(emulator_url: str, tmp_path: Path) -> None:
    built = str(tmp_path / "built")
    with deploy.emulator_credentials(emulator_url):
        run(str(SAM), "build", "--build-dir", built, "--cache-dir", str(tmp_path / "cache"))
        run(
            str(SAM), "deploy", "--template-file", f"{built}/template.yaml", "--stack-name", "ringline", "--resolve-s3",
            "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar",
            "--parameter-overrides", PARAMETERS,
        )  # fmt: skip
        api_url = run(sys.executable, "-m", "local.aws.deploy", "--adopt", "ringline").strip()
        assert run(sys.executable, "-m", "local.aws.deploy", "--adopt", "ringline").strip() == api_url
    assert ask("GET", f"{api_url}/v1/calls") == 401


def test_a_deploy_without_what_it_needs_fails_at_once_and_says_what_is_missing(emulator_url: str) -> None:
    empty = dict.fromkeys(("LivekitUrl", "LivekitApiKey", "LivekitApiSecret", "SipTrunkId"), "")
    for parameters in ({}, empty):
        with deploy.emulator_credentials(emulator_url), pytest.raises(processes.StackError, match="Livekit"):
            deploy.deploy(build.build_all(), parameters, emulator_url, "empty")


def test_a_secret_that_is_not_there_is_no_secret(emulator_url: str) -> None:
    """Whoever types `none` does not get a hook that believes what is signed with `none`."""
    given = dict(parameter.split("=", 1) for parameter in PARAMETERS.split())
    with deploy.emulator_credentials(emulator_url), pytest.raises(processes.StackError, match="none"):
        deploy.deploy(build.build_all(), {**given, "SipHookSecretName": "none"}, emulator_url, "secretless")


def test_a_stack_that_is_not_there_cannot_be_adopted(emulator_url: str) -> None:
    with deploy.emulator_credentials(emulator_url), pytest.raises(processes.StackError, match="has no stack elsewhere"):
        deploy.adopt("elsewhere", emulator_url)


@pytest.mark.parametrize("function", sorted(build.build_functions()))
def test_the_layers_hold_all_that_a_function_imports(function: str) -> None:
    """Without the packages of this environment, which the emulator would lend."""
    built = build.build_all()
    folders = [str(built.functions[function]), *(str(path / "python") for path in built.layers.values())]
    program = f"import sys; sys.path[:0] = {folders!r}; import handler; handler.lambda_handler"
    environment = dict.fromkeys(
        (
            *("LIVEKIT_URL", "RUNNER_CONNECTIONS_URL"),
            *("DOORBELL_QUEUE_URL", "LOOK_QUEUE_URL", "DELIVERY_QUEUE_URL", "TRANSFER_QUEUE_URL"),
        ),
        "http://127.0.0.1:9",
    )
    environment |= dict.fromkeys(("TABLE_NAME", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "AGENT_NAME"), "x" * 40)
    environment |= dict.fromkeys(("SIP_TRUNK_ID", "RECORDS_BUCKET", "STACK_ID", "TRUNK_KEY_ID"), "none")
    environment["AWS_DEFAULT_REGION"] = "us-east-1"
    command = [sys.executable, "-S", "-I", "-c", program]
    outcome = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )
    assert outcome.returncode == 0, outcome.stderr


def test_bytecode_in_the_layers_is_taken_without_a_look_at_the_source() -> None:
    for layer in build.build_all().layers.values():
        sources = set(layer.rglob("*.py"))
        compiled = list(layer.rglob("*.cpython-313.pyc"))
        assert len(compiled) >= 0.95 * len(sources) > 0
        for path in compiled[::50]:
            # PEP 552: bit 0 of the flags says hash-based, bit 1 that the hash is to be checked.
            assert int.from_bytes(path.read_bytes()[4:8], "little") == 0b01
