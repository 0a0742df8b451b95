"""Deploys that must not come about, against an emulator of their own."""

from collections.abc import Iterator

import pytest

from local.aws import build, deploy, emulator
from local.tools import processes
from local.tools.loopback import free_port

PARAMETERS = "LivekitUrl=http://127.0.0.1:9 SecretsName=ringline SipTrunkId=ST_none"


@pytest.fixture(scope="module")
def emulator_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("emulator"), free_port()
    child = emulator.start(port, folder / "run", folder / "logs")
    try:
        emulator.await_ready(child, port)
        yield emulator.url(port)
    finally:
        processes.stop(child)


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
