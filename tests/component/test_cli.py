"""The operator's command, over the table and the doorbell's queue."""

import json

import pytest

import cli.__main__ as cli
from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.store import CallStore
from ringline.calls.trunk_paces import TrunkPaces
from tests.builders import ACCOUNT, NOW
from tests.component.one_table import LocalAws


@pytest.fixture
def deployed(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    deployment = cli.Deployment(local.dynamodb, local.sqs, local.table_name, local.queue_url)
    monkeypatch.setattr(cli, "find_deployment", lambda _stack: deployment)
    return local


def test_a_cap_is_shown_and_changed_and_the_doorbell_rings_for_those_who_wait(
    deployed: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["account", ACCOUNT]) == 0
    assert deployed.messages() == [], "looking rings nobody"
    assert cli.main(["account", ACCOUNT, "--max-calls", "7"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{ACCOUNT}: 0 of {cap} lines in use" for cap in (2, 7)]
    assert CallStore(deployed.dynamodb, deployed.table_name).gate(ACCOUNT).cap == 7
    (message,) = deployed.messages()
    assert json.loads(message["Body"]) == {"account_id": ACCOUNT}


def test_a_trunk_is_given_its_pace(deployed: LocalAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["trunk", "ST_1", "--calls-per-second", "2"]) == 0
    assert capsys.readouterr().out == "ST_1: 2 calls a second\n"
    assert TrunkPaces(deployed.dynamodb, deployed.table_name).look("ST_1").interval_ms == 500
    assert cli.main(["trunk", "ST_1", "--calls-per-second", "0"]) == 0
    assert TrunkPaces(deployed.dynamodb, deployed.table_name).take("ST_1", NOW) == NOW


def test_an_unknown_account_is_told_so(deployed: LocalAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["account", "acc_nobody", "--max-calls", "3"]) == 1
    assert "no such account" in capsys.readouterr().err
    assert deployed.messages() == []


@pytest.mark.parametrize(
    "arguments", [["account", "a", "--max-calls", "-1"], ["trunk", "t", "--calls-per-second", "x"]]
)
def test_a_number_that_cannot_be_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert exit_.value.code == 2
