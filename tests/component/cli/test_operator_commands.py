"""What only an operator may do: accounts, their first keys, caps, countries, and paces of trunks."""

import json
import os
from collections.abc import Mapping
from copy import replace
from typing import Any
from unittest import mock

import botocore.session
import pytest
from botocore.exceptions import ClientError

from cli.model.failures import Refused, Usage
from cli.model.profiles import OnThisMachine, Profile
from cli.reach.deployment import Deployment, find_deployment
from ringline.accounts.account import Account, hash_of
from ringline.accounts.authorize import Authorize, Authorized, Refusal
from ringline.accounts.key_rows import where_keys_stand
from ringline.accounts.store import AccountStore
from ringline.calls.capacity.days import Use
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.store import CallStore
from ringline.routing.records import Agent, Number, Trunk
from ringline.routing.store import RoutingStore
from ringline.runtime.items import to_item
from ringline.runtime.table import KEY_PREFIX, account_pk
from ringline.runtime.vault.document import new_document
from ringline.runtime.vault.kept import TABLE_KEY
from ringline.runtime.vault.row_secrets import AGENT, RowSecrets
from ringline.runtime.vault.sealed import Sealer
from tests.builders import ACCOUNT, NOW
from tests.component.cli.in_process import URL
from tests.component.cli.terminal import Terminal


def accounts_of(terminal: Terminal) -> AccountStore:
    return AccountStore(terminal.local.dynamodb, terminal.local.table_name)


def verdict(terminal: Terminal, raw_key: str) -> Any:
    return Authorize(accounts_of(terminal)).verdict({"authorization": f"Bearer {raw_key}"})


def test_a_cap_is_shown_and_changed_and_the_doorbell_rings_for_those_who_wait(terminal: Terminal) -> None:
    assert terminal.done("account", "show", ACCOUNT) == f"{ACCOUNT}: 0 of 2 lines in use\n"
    assert terminal.local.messages() == [], "looking rings nobody"
    assert terminal.done("account", "set", ACCOUNT, "--max-calls", "7") == f"{ACCOUNT}: 0 of 7 lines in use\n"
    assert CallStore(terminal.local.dynamodb, terminal.local.table_name).gate(ACCOUNT).cap == 7
    (message,) = terminal.local.messages()
    assert json.loads(message["Body"]) == {"account_id": ACCOUNT}


def test_lines_are_kept_for_callers_and_given_back(terminal: Terminal) -> None:
    terminal.done("account", "set", ACCOUNT, "--inbound-reserve", "1")
    assert terminal.document("account", "show", ACCOUNT)["inbound_reserve"] == 1
    assert len(terminal.local.messages()) == 1
    assert terminal.document("account", "set", ACCOUNT, "--inbound-reserve", "")["inbound_reserve"] is None


def test_what_an_account_may_ask_for_is_set_shown_and_taken_back(terminal: Terminal) -> None:
    shown = terminal.done("account", "set", ACCOUNT, "--requests-per-minute", "600")
    assert shown == f"{ACCOUNT}: 0 of 2 lines in use, requests per minute 600\n"
    assert terminal.document("account", "show", ACCOUNT)["requests_per_minute"] == 600
    taken_back = terminal.document("account", "set", ACCOUNT, "--requests-per-minute", "")
    assert taken_back["requests_per_minute"] is None
    assert terminal.local.messages() == [], "nobody who waits may go for it"


def test_what_an_account_may_use_up_on_a_day_is_set_and_rings_for_those_who_wait(terminal: Terminal) -> None:
    terminal.done("account", "set", ACCOUNT, "--calls-per-day", "500", "--minutes-per-day", "90")
    assert len(terminal.local.messages()) == 1
    gate = CallStore(terminal.local.dynamodb, terminal.local.table_name).gate(ACCOUNT)
    assert (gate.daily.cap(Use.CALLS), gate.daily.cap(Use.TALK_MS)) == (500, 90 * 60_000)
    shown = terminal.document("account", "set", ACCOUNT, "--calls-per-day", "")
    assert (shown["calls_per_day"], shown["minutes_per_day"], shown["new_numbers_per_day"]) == (None, 90, None)


def test_an_account_is_made_with_a_key_that_opens_the_api(terminal: Terminal) -> None:
    made = terminal.document("account", "create", "Globex & Sons", "--max-calls", "20", "--country", "de")
    assert (made["account_id"], made["api_url"]) == ("globex-sons", URL)
    authorized = verdict(terminal, made["raw_key"])
    assert isinstance(authorized, Authorized) and authorized.account_id == "globex-sons"
    kept = Account("globex-sons", "Globex & Sons", "globex-sons", 20, "DE")
    assert accounts_of(terminal).account("globex-sons") == kept
    items = json.dumps(terminal.local.items())
    assert made["raw_key"] not in items and hash_of(made["raw_key"]) in items


def test_an_account_made_again_stays_what_it_was(terminal: Terminal) -> None:
    terminal.done("account", "create", "Globex", "--max-calls", "3")
    again = terminal.refused("account", "create", "globex", "--max-calls", "9")
    assert "There is an account globex" in again and "sk_" not in again
    assert terminal.document("account", "show", "globex")["cap"] == 3
    assert terminal.document("account", "create", "globex", "--id", "other")["account_id"] == "other"
    assert "--id" in terminal.refused("account", "create", "株式会社", exit_code=2)


def test_a_new_accounts_key_is_kept_as_a_profile_that_calls(terminal: Terminal) -> None:
    assert "profile globex" in terminal.done("account", "create", "Globex", "--save-profile", "globex")
    assert terminal.config.stat().st_mode & 0o777 == 0o600
    assert terminal.document("--profile", "globex", "calls") == {"data": [], "next_cursor": None}
    assert "local" in terminal.refused("account", "create", "Initech", "--save-profile", "local", exit_code=2)
    assert accounts_of(terminal).account("initech") is None


def test_a_key_of_an_account_is_made_listed_and_revoked_by_an_operator(terminal: Terminal) -> None:
    made = terminal.document("account", "key", ACCOUNT, "--name", "lost")
    assert isinstance(verdict(terminal, made["raw_key"]), Authorized)
    listed = {row["key_id"]: row["status"] for row in terminal.document("account", "keys", ACCOUNT)["data"]}
    assert listed[made["key_id"]] == "active"
    assert terminal.done("account", "revoke-key", ACCOUNT, made["key_id"]) == f"{made['key_id']}: revoked\n"
    assert verdict(terminal, made["raw_key"]) is Refusal.INVALID_KEY
    assert "was revoked before" in terminal.done("account", "revoke-key", ACCOUNT, made["key_id"])
    assert terminal.refused("account", "revoke-key", ACCOUNT, "key_0") == f"{ACCOUNT} has no key key_0"


def test_an_account_is_given_its_country_and_may_lose_it(terminal: Terminal) -> None:
    assert "numbers of US" in terminal.done("account", "set", ACCOUNT, "--country", "us")
    assert "numbers of US" in terminal.done("account", "set", ACCOUNT, "--max-calls", "3")
    assert terminal.done("account", "set", ACCOUNT, "--country", "") == f"{ACCOUNT}: 0 of 3 lines in use\n"
    assert accounts_of(terminal).country_of(ACCOUNT) is None


def test_an_account_is_given_the_number_that_it_usually_calls_from(terminal: Terminal) -> None:
    routing = RoutingStore(terminal.local.dynamodb, terminal.local.table_name)
    option = "--default-number"
    assert "is none of" in terminal.refused("account", "set", ACCOUNT, option, "+15550100000", exit_code=2)
    routing.put_number(ACCOUNT, Number(number="+15550100000", number_id="num_1"))
    terminal.done("account", "set", ACCOUNT, option, "+1 555 010 0000")
    assert routing.default_number(ACCOUNT) == "+15550100000"
    terminal.done("account", "set", ACCOUNT, option, "")
    assert routing.default_number(ACCOUNT) is None


def test_an_account_is_told_where_it_may_call_and_goes_by_its_numbers_again(terminal: Terminal) -> None:
    prefixes = "--allowed-prefixes"
    assert "may call +1, +4420" in terminal.done("account", "set", ACCOUNT, prefixes, "+1,+4420")
    assert "may call nobody" in terminal.done("account", "set", ACCOUNT, prefixes, "none")
    assert "may call" not in terminal.done("account", "set", ACCOUNT, prefixes, "")
    wrong = terminal.refused("account", "set", ACCOUNT, prefixes, "+1,44", exit_code=2)
    assert "is not the beginning of an E.164 number" in wrong


def test_a_trunk_is_given_its_pace(terminal: Terminal) -> None:
    paces = TrunkPaces(terminal.local.dynamodb, terminal.local.table_name)
    assert terminal.done("trunk", "pace", "ST_1", "--calls-per-second", "2") == "ST_1: 2 calls a second\n"
    assert paces.look("ST_1").interval_ms == 500
    assert terminal.done("trunk", "pace", "ST_1", "--calls-per-second", "0") == "ST_1: no limit\n"
    assert paces.take("ST_1", NOW) == NOW


def test_a_trunk_is_given_a_country_and_who_sees_its_callers(terminal: Terminal) -> None:
    routing = RoutingStore(terminal.local.dynamodb, terminal.local.table_name)
    terminal.done("trunk", "callers", "ST_1", "--country", "GB", "--account", ACCOUNT)
    assert routing.trunk("ST_1") == Trunk(trunk_id="ST_1", country="GB", account_id=ACCOUNT)
    assert "the usual country" in terminal.done("trunk", "callers", "ST_1", "--country", "")
    assert routing.trunk("ST_1") == Trunk(trunk_id="ST_1", account_id=ACCOUNT)
    assert "no such account" in terminal.refused("trunk", "callers", "ST_1", "--account", "acc_nobody")


@pytest.mark.parametrize(
    ("words", "says", "exit_code"),
    [
        (("account", "show", "acc_nobody"), "no such account: acc_nobody", 1),
        (("account", "set", "acc_nobody", "--max-calls", "3"), "no such account", 1),
        (("account", "key", "acc_nobody"), "no such account", 1),
        (("account", "keys", "acc_nobody"), "no such account: acc_nobody", 1),
        (("account", "set", ACCOUNT), "Nothing to change", 2),
        (("account", "set", ACCOUNT, "--max-calls", ""), "--max-calls", 2),
        (("account", "set", ACCOUNT, "--max-calls", "-1"), "--max-calls", 2),
        (("account", "set", ACCOUNT, "--set", "mood=good"), "No such option", 2),
        (("account", "set", ACCOUNT, "--country", "XX"), "--country", 2),
        (("account", "create"), "Missing argument", 2),
        (("trunk", "pace", "ST_1", "--calls-per-second", "x"), "--calls-per-second", 2),
        (("trunk", "callers", "ST_1"), "Nothing to change", 2),
        (("trunk", "callers", "ST_1", "--country", "USA"), "--country", 2),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    terminal: Terminal, words: tuple[str, ...], says: str, exit_code: int
) -> None:
    before = terminal.local.items()
    assert says in terminal.refused(*words, exit_code=exit_code)
    assert terminal.local.items() == before and terminal.local.messages() == []


# ---------------------------------------------------------------- the deployment


class OneStack:
    """CloudFormation with the one stack `mine`, as botocore's session makes its client."""

    def __init__(self, outputs: Mapping[str, str], parameters: Mapping[str, str] | None = None, **told: Any) -> None:
        self._told = told
        self._outputs = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in (parameters or {}).items()]
        self._parameters = {} if parameters is None else {"Parameters": given}

    def create_client(self, _service: str, **_settings: Any) -> "OneStack":
        return self

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        if StackName != "mine":
            told = {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}
            raise ClientError({"Error": told}, "DescribeStacks")
        return {"Stacks": [self._told | self._parameters | ({"Outputs": self._outputs} if self._outputs else {})]}


def test_a_deployment_is_found_by_its_stacks_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = {"TableName": "calls", "DoorbellQueueUrl": "https://queue", "ApiUrl": URL}
    monkeypatch.setattr(botocore.session, "Session", lambda profile: OneStack(outputs))
    found = find_deployment(Profile(name="mine", stack="mine"))
    assert (found.table_name, found.doorbell_url, found.api_url) == ("calls", "https://queue", URL)
    with pytest.raises(ClientError, match="does not exist"):
        find_deployment(Profile(name="yours", stack="yours"))


@pytest.mark.parametrize(
    ("parameters", "apart"),
    [(None, False), ({"AskedApart": "true"}, False), ({"KeysApart": "false"}, False), ({"KeysApart": "true"}, True)],
)
def test_an_operator_writes_keys_where_the_stacks_functions_do(
    parameters: Mapping[str, str] | None, apart: bool, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = {"TableName": terminal.local.table_name, "DoorbellQueueUrl": terminal.local.queue_url}
    monkeypatch.setattr(botocore.session, "Session", lambda profile: OneStack(outputs, parameters))
    found = find_deployment(Profile(name="mine", stack="mine"))
    assert found.keys_apart is apart
    terminal.find = lambda _profile: replace(found, dynamodb=terminal.local.dynamodb, stack=None)
    before = {row["key_id"] for row in terminal.local.items() if row["sk"].startswith(KEY_PREFIX)}
    terminal.done("account", "key", ACCOUNT, "--name", "server")
    rows = [row for row in terminal.local.items() if row["sk"].startswith(KEY_PREFIX) and row["key_id"] not in before]
    assert [row["pk"] for row in rows] == [where_keys_stand(ACCOUNT, apart=apart)]
    moved = f"({len(before)} key of an account)"
    assert (moved in terminal.done("migrate")) is apart


def test_a_deployment_says_since_when_it_is_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs, times = {"TableName": "calls", "DoorbellQueueUrl": "https://queue"}, {"CreationTime": "once"}
    for told, deployed_at in (({}, ""), (times, "once"), (times | {"LastUpdatedTime": "again"}, "again")):
        monkeypatch.setattr(botocore.session, "Session", lambda profile, told=told: OneStack(outputs, **told))
        assert find_deployment(Profile(name="mine", stack="mine")).deployed_at == deployed_at


@pytest.mark.parametrize("outputs", [{}, {"Url": "https://example.com"}, {"TableName": "calls"}])
def test_a_stack_that_is_not_ringlines_is_told_so(outputs: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.session, "Session", lambda profile: OneStack(outputs))
    with pytest.raises(Refused, match="The stack mine has no output"):
        find_deployment(Profile(name="mine", stack="mine"))


def test_a_profile_without_a_stack_is_no_operators() -> None:
    with pytest.raises(Usage, match="names no CloudFormation stack"):
        find_deployment(Profile(name="acme", api_url=URL, api_key="sk_1"))


def test_the_stack_on_this_machine_needs_no_credentials() -> None:
    machine = OnThisMachine(
        endpoint_url="http://127.0.0.1:9",
        table_name="calls",
        doorbell_url="http://127.0.0.1:9/queue",
        livekit_url="http://127.0.0.1:9",
        livekit_api_key="devkey",
        livekit_api_secret="secret",
        sip_trunk_id="ST_1",
        hooks_url="http://127.0.0.1:9/hooks/livekit",
        agent_name="agent",
    )
    found = find_deployment(Profile(name="local", api_url=URL, on_this_machine=machine))
    assert found.dynamodb.meta.endpoint_url == "http://127.0.0.1:9"
    assert (found.table_name, found.stack, found.keys_apart) == ("calls", None, True)


def test_aws_that_refuses_or_is_away_is_told_without_a_traceback(terminal: Terminal) -> None:
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    terminal.find = find_deployment
    terminal.done("profile", "add", "prod", "--stack", "ringline")
    with mock.patch.dict(os.environ, nowhere):
        for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
            os.environ.pop(name, None)
        told = terminal.refused("--profile", "prod", "account", "show", ACCOUNT)
    assert "region" in told and "export AWS_DEFAULT_REGION=" in told and "--region" in told


def test_rows_are_migrated_with_a_look_beforehand_and_a_word_on_each_kind(terminal: Terminal) -> None:
    store = RoutingStore(terminal.local.dynamodb, terminal.local.table_name)
    store.put_trunk(Trunk(trunk_id="ST_old"))
    key = {"pk": {"S": "TRUNK#ST_old"}, "sk": {"S": "INBOUND"}}
    terminal.local.dynamodb.update_item(
        TableName=terminal.local.table_name,
        Key=key,
        UpdateExpression="REMOVE #schema",
        ExpressionAttributeNames={"#schema": "schema"},
    )
    looked = terminal.document("migrate", "--dry-run")
    assert (looked["dry_run"], looked["changed"], looked["by_kind"]) == (True, 1, {"trunk": 1})
    assert "1 changed (1 trunk)" in terminal.done("migrate")
    again = terminal.document("migrate")
    assert (again["changed"], again["to_schema"], again["went_on"]) == (0, 2, False)


def test_keys_that_cannot_be_moved_are_told_with_what_to_do(terminal: Terminal) -> None:
    local = terminal.local
    made = {"pk": account_pk(ACCOUNT), "sk": f"{KEY_PREFIX}key_0", "name": "of nobody"}
    local.dynamodb.put_item(TableName=local.table_name, Item=to_item(made))
    terminal.find = lambda _profile: Deployment(
        local.dynamodb, local.sqs, local.table_name, local.queue_url, URL, keys_apart=True
    )
    looked, told, document = (
        terminal.type(*words) for words in (("migrate", "--dry-run"), ("migrate",), ("--json", "migrate"))
    )
    assert [each.exit_code for each in (looked, told, document)] == [1, 1, 1]
    assert "1 rows of keys cannot be moved" in looked.err
    assert "1 rows of keys could not be moved" in told.err and f"    {made['pk']} / {made['sk']}\n" in told.err
    assert "Delete or mend them as docs/upgrading.md says" in told.err
    assert document.document["in_the_way"] == [{"pk": made["pk"], "sk": made["sk"]}]
    local.dynamodb.delete_item(TableName=local.table_name, Key=to_item({name: made[name] for name in ("pk", "sk")}))
    assert "moved" not in terminal.done("migrate")


def test_secrets_that_a_release_of_before_kept_plain_are_sealed_with_the_stacks_own_key(terminal: Terminal) -> None:
    local, session, known = terminal.local, botocore.session.Session(), {"region_name": "us-east-1"}
    deployment = Deployment(
        local.dynamodb, local.sqs, local.table_name, local.queue_url, URL, None, session, "ringline", known
    )
    terminal.find = lambda _profile: deployment
    manager, document = deployment.client("secretsmanager"), new_document(1)
    keyless = replace(document, secrets={})
    manager.create_secret(Name="ringline", SecretString='{"password": "hunter2"}')
    routing = RoutingStore(local.dynamodb, local.table_name)
    routing.put_agent(ACCOUNT, Agent(agent_id="desk", name="Desk", brain="endpoint", endpoint_key="sk-plain"))
    assert "something else than a stack's secrets" in terminal.refused("migrate", exit_code=2)
    manager.put_secret_value(SecretId="ringline", SecretString=keyless.as_text())
    assert "rotate table-key" in terminal.refused("migrate", exit_code=2)
    manager.put_secret_value(SecretId="ringline", SecretString=document.as_text())
    assert "(1 agent)" in terminal.done("migrate")
    agent, key = routing.agent(ACCOUNT, "desk"), document.secrets[TABLE_KEY][0].value
    assert agent is not None and agent.endpoint_key is not None and "sk-plain" not in str(local.items())
    assert RowSecrets(lambda: Sealer(lambda: (key,)), AGENT).open(ACCOUNT, "desk", agent.endpoint_key) == "sk-plain"
