"""What `local.stack.seed` leaves in the table is enough to call with."""

from pathlib import Path

import pytest

from local.aws import deploy
from local.stack.seed import EVERY_COUNTRY, FROM_NUMBER, add_runner_agent, seed
from ringline.accounts.authorize import Authorize, Authorized
from ringline.accounts.store import AccountStore
from ringline.calls.tables.store import CallStore
from ringline.routing.destinations import may_be_called
from ringline.routing.resolve import OutboundRouting
from ringline.routing.store import RoutingStore
from ringline.webhooks.model.event_type import FormerName
from ringline.webhooks.tables.endpoints import EndpointStore
from tests.component.one_table import local_aws


def test_the_seeded_key_calls_with_the_seeded_pipe_and_agent() -> None:
    with local_aws() as aws:
        seeded = seed(aws.table_name, aws.dynamodb.meta.endpoint_url, cap=2)
        accounts = AccountStore(aws.dynamodb, aws.table_name)
        headers = {"authorization": f"Token {seeded['api_key']}", "org-handle": "acme"}
        verdict = Authorize(accounts).verdict(headers)
        assert isinstance(verdict, Authorized) and verdict.account_id == seeded["account_id"]
        account = accounts.account(verdict.account_id)
        assert account is not None and account.cap == 2
        routing = OutboundRouting(RoutingStore(aws.dynamodb, aws.table_name))
        by_pipe = routing.resolve(verdict.account_id, pipe_id=seeded["pipe_id"])
        assert by_pipe == routing.resolve(verdict.account_id, agent_id=seeded["agent_id"], from_number=FROM_NUMBER)
        assert by_pipe.from_number == seeded["from_number"] == FROM_NUMBER
        assert seeded["webhook_secret"] is None
        assert EndpointStore(aws.dynamodb, aws.table_name).endpoints(verdict.account_id) == []


def test_a_stack_is_filled_whatever_the_users_own_aws_settings_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[profile other]\nregion = eu-west-1\n")
    deploy._nobodys_session.cache_clear()
    with local_aws() as aws:
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_PROFILE", "staging")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATHEIROWN")
        seeded = seed(aws.table_name, aws.dynamodb.meta.endpoint_url, cap=2)
        pipe_id = add_runner_agent(
            aws.table_name, aws.dynamodb.meta.endpoint_url, str(seeded["account_id"]), "another", FROM_NUMBER
        )
        assert RoutingStore(aws.dynamodb, aws.table_name).pipe(str(seeded["account_id"]), pipe_id) is not None


def test_a_webhook_url_becomes_an_endpoint_for_every_event() -> None:
    with local_aws() as aws:
        seeded = seed(aws.table_name, aws.dynamodb.meta.endpoint_url, cap=2, webhook_url="http://127.0.0.1:9000/hook")
        (endpoint,) = EndpointStore(aws.dynamodb, aws.table_name).endpoints(str(seeded["account_id"]))
    assert (endpoint.url, endpoint.event_types) == ("http://127.0.0.1:9000/hook", tuple(FormerName))
    assert endpoint.secrets == (seeded["webhook_secret"],)


@pytest.mark.parametrize(("rings_nobody", "listed"), [(True, EVERY_COUNTRY), (False, None)])
def test_where_all_phones_are_the_sandboxs_every_country_may_be_called(
    rings_nobody: bool, listed: tuple[str, ...] | None
) -> None:
    with local_aws() as aws:
        seeded = seed(aws.table_name, aws.dynamodb.meta.endpoint_url, cap=1, rings_nobody=rings_nobody)
        gate = CallStore(aws.dynamodb, aws.table_name).gate(str(seeded["account_id"]))
    assert gate.allowed_prefixes == listed
    assert may_be_called("+918847348129", EVERY_COUNTRY, tuple)
    assert not may_be_called("+19005550100", EVERY_COUNTRY, tuple)


def test_seeding_twice_makes_two_accounts() -> None:
    with local_aws() as aws:
        first, second = (seed(aws.table_name, aws.dynamodb.meta.endpoint_url, cap=1) for _ in range(2))
    assert first["account_id"] != second["account_id"]
    assert first["api_key"] != second["api_key"]
    assert first["from_number"] != second["from_number"], "a number has one owner"
