"""The documented way: `sam build && sam deploy`, here against an emulator of its own, and what the layers hold."""

import os
import re
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
PARAMETERS = "LivekitUrl=http://127.0.0.1:9 SecretsName=ringline SipTrunkId=ST_none"
LIVEKIT_KEY = "devkey:secret-of-at-least-thirty-two-bytes"


@pytest.fixture(scope="module")
def emulator_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("emulator"), free_port()
    child = emulator.start(port, folder / "run", folder / "logs")
    try:
        emulator.await_ready(child, port)
        yield emulator.url(port)
    finally:
        processes.stop(child)


def run(*command: str, stdin: str = "") -> str:
    """The output of a command in the repository. A failure shows all of it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), str(Path(build.find_uv()).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "SAM_CLI_TELEMETRY": "0"}
    outcome = subprocess.run(
        command, cwd=ROOT, env=environment, input=stdin, capture_output=True, text=True, timeout=300, check=False
    )
    assert outcome.returncode == 0, f"{command}:\n{outcome.stdout}{outcome.stderr}"
    return outcome.stdout


def test_what_sam_builds_and_deploys_answers_a_request(emulator_url: str, tmp_path: Path) -> None:
    built = str(tmp_path / "built")
    with deploy.emulator_credentials(emulator_url):
        run(str(SAM), "build", "--build-dir", built, "--cache-dir", str(tmp_path / "cache"))
        run(sys.executable, "-m", "cli", "secrets", "set", "livekit", "--secret", "ringline", stdin=LIVEKIT_KEY)
        run(
            str(SAM), "deploy", "--template-file", f"{built}/template.yaml", "--stack-name", "ringline", "--resolve-s3",
            "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar",
            "--parameter-overrides", PARAMETERS,
        )  # fmt: skip
        api_url = run(sys.executable, "-m", "local.aws.deploy", "--adopt", "ringline").strip()
        assert run(sys.executable, "-m", "local.aws.deploy", "--adopt", "ringline").strip() == api_url
    assert ask("GET", f"{api_url}/v1/calls") == 401


def test_a_deploy_without_what_it_needs_fails_at_once_and_says_what_is_missing(emulator_url: str) -> None:
    empty = dict.fromkeys(("LivekitUrl", "SipTrunkId"), "")
    for parameters in ({}, empty):
        with (
            deploy.emulator_credentials(emulator_url),
            pytest.raises(processes.StackError, match=r"LivekitUrl|SipTrunkId"),
        ):
            deploy.deploy(build.build_all(), parameters, emulator_url, f"empty{len(parameters)}")


def test_a_stack_whose_secrets_are_not_there_is_not_made(emulator_url: str) -> None:
    given = dict(parameter.split("=", 1) for parameter in PARAMETERS.split())
    with deploy.emulator_credentials(emulator_url), pytest.raises(processes.StackError, match="secretless is ROLLBACK"):
        deploy.deploy(build.build_all(), {**given, "SecretsName": "nowhere"}, emulator_url, "secretless")


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
            *("DOORBELL_QUEUE_URL", "LOOK_QUEUE_URL", "DELIVERY_QUEUE_URL", "TRANSFER_QUEUE_URL", "RELAY_DLQ_URL"),
        ),
        "http://127.0.0.1:9",
    )
    environment |= dict.fromkeys(("TABLE_NAME", "STACK_SECRETS", "AGENT_NAME"), "x" * 40)
    environment |= dict.fromkeys(
        ("SIP_TRUNK_ID", "RECORDS_BUCKET", "PARKED_BUCKET", "STACK_ID", "TRUNK_KEY_ID"), "none"
    )
    environment["AWS_DEFAULT_REGION"] = "us-east-1"
    command = [sys.executable, "-S", "-I", "-c", program]
    outcome = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )
    assert outcome.returncode == 0, outcome.stderr


def test_the_layers_hold_what_each_client_of_aws_needs_and_of_no_other_service() -> None:
    """botocore finds out what a service takes when its client is made."""
    asked = sorted(
        set(
            re.findall(
                r'(?:create_client|_elsewhere)\(\s*"(\w+)"',
                (ROOT / "layers/core/ringline/runtime/aws.py").read_text(),
            )
        )
    )
    folders = [str(path / "python") for path in build.build_all().layers.values()]
    program = (
        f"import sys; sys.path[:0] = {folders!r}; import botocore.session; session = botocore.session.get_session();"
        f"[session.create_client(each, endpoint_url='http://127.0.0.1:9') for each in {asked!r}];"
        "print(*sorted(session.get_available_services()))"
    )
    environment = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    command = [sys.executable, "-S", "-I", "-c", program]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.split() == asked


def test_bytecode_in_the_layers_is_taken_without_a_look_at_the_source() -> None:
    for layer in build.build_all().layers.values():
        sources = set(layer.rglob("*.py"))
        compiled = list(layer.rglob("*.cpython-313.pyc"))
        assert len(compiled) >= 0.95 * len(sources) > 0
        for path in compiled[::50]:
            # PEP 552: bit 0 of the flags says hash-based, bit 1 that the hash is to be checked.
            assert int.from_bytes(path.read_bytes()[4:8], "little") == 0b01
