"""What the layers hold, as they are built."""

import re
import subprocess
import sys

import pytest

from local.aws import build
from local.bench import imports
from local.tools.places import ROOT


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


@pytest.mark.parametrize("function", sorted(build.build_functions()))
def test_the_benchmark_can_import_each_function(function: str) -> None:
    """With values for all settings that each of them reads."""
    built = build.build_all()
    assert imports.import_ms(function, "import handler", built.functions[function], imports.environment_of(built)) > 0


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
