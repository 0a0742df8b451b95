"""Where numbers without a country's code are, and who sees a trunk's callers: the operator's to say."""

import pytest

import cli.__main__ as cli
from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.routing.records import Trunk
from ringline.routing.store import RoutingStore
from tests.builders import ACCOUNT
from tests.component.one_table import LocalAws


@pytest.fixture
def deployed(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    deployment = cli.Deployment(local.dynamodb, local.sqs, local.table_name, local.queue_url, "")
    monkeypatch.setattr(cli, "find_deployment", lambda _stack: deployment)
    return local


def test_an_account_is_given_its_country_and_may_lose_it(
    deployed: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["account", ACCOUNT, "--country", "us"]) == 0
    assert cli.main(["account", ACCOUNT, "--max-calls", "3"]) == 0
    assert cli.main(["account", ACCOUNT, "--country", ""]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{ACCOUNT}: 0 of 2 lines in use, numbers of US",
        f"{ACCOUNT}: 0 of 3 lines in use, numbers of US",
        f"{ACCOUNT}: 0 of 3 lines in use",
    ]
    assert cli.main(["account", "create", "Globex", "--country", "DE"]) == 0
    assert AccountStore(deployed.dynamodb, deployed.table_name).country_of("globex") == "DE"


def test_a_trunk_is_given_a_country_and_who_sees_its_callers(
    deployed: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    routing = RoutingStore(deployed.dynamodb, deployed.table_name)
    assert routing.trunk("ST_1") is None
    assert cli.main(["trunk", "ST_1", "--calls-per-second", "2", "--country", "GB"]) == 0
    assert cli.main(["trunk", "ST_1", "--account", ACCOUNT]) == 0
    assert routing.trunk("ST_1") == Trunk(trunk_id="ST_1", country="GB", account_id=ACCOUNT)
    assert cli.main(["trunk", "ST_1", "--country", ""]) == 0
    assert routing.trunk("ST_1") == Trunk(trunk_id="ST_1", account_id=ACCOUNT)
    assert cli.main(["trunk", "ST_1", "--account", "acc_nobody"]) == 1
    assert cli.main(["trunk", "ST_1"]) == 1
    assert "must be given" in capsys.readouterr().err


@pytest.mark.parametrize("country", ["XX", "USA", "1"])
def test_what_is_no_country_is_refused(deployed: LocalAws, country: str) -> None:
    with pytest.raises(SystemExit):
        cli.main(["trunk", "ST_1", "--country", country])
