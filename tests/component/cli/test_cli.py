"""The operator's command, over the table and the doorbell's queue."""

import json
import os
from typing import Any
from unittest import mock

import botocore.session
import pytest
from botocore.exceptions import ClientError

import cli.__main__ as cli
from cli.deployment import find_deployment
from ringline.accounts.account import Account, hash_of
from ringline.accounts.authorize import Authorize, Authorized, Refusal
from ringline.accounts.store import AccountStore
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.store import CallStore
from ringline.routing.records import Agent, Number, Pipe, VoicemailWindows
from ringline.routing.resolve import InboundRouting, OutboundRouting
from ringline.routing.store import RoutingStore
from tests.builders import ACCOUNT, NOW
from tests.component.one_table import LocalAws

API_URL = "https://api.example.com"
OURS, THEIRS = "+15551230001", "+15551230002"


@pytest.fixture
def deployed(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    deployment = cli.Deployment(local.dynamodb, local.sqs, local.table_name, local.queue_url, API_URL)
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


def test_looking_at_an_unknown_account_is_told_so(deployed: LocalAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["account", "acc_nobody"]) == 1
    assert "no such account: acc_nobody" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["account", "a", "--max-calls", "-1"],
        ["account", "create"],
        ["account", "create", "Acme", "--max-calls", "many"],
        ["trunk", "t", "--calls-per-second", "x"],
        ["pipe", "put", "a", "p", "--from-number", "5551230001"],
        ["pipe", "put", "a", "p", "--ring-timeout-s", "600"],
        ["pipe", "put", "a", "p", "--greeting-max-s", "-1"],
        ["pipe", "put", "a", "p", "--voicemail-policy", "shout"],
        ["pipe", "put", "a", "no/pipe"],
        ["agent", "put", "a", "d", "--brain", "playbook"],
        ["agent", "put", "a", "d", "--endpoint-url", "brain.example"],
        ["agent", "put", "a", "d", "--endpoint-kind", "poem"],
        ["number", "put", "a", "5551230001"],
        ["key", "revoke", "a"],
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "find_deployment", lambda _stack: pytest.fail("asked"))
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert exit_.value.code == 2


# ---------------------------------------------------------------- from nothing to a call


def done(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command that succeeds prints."""
    status, told = cli.main(arguments), capsys.readouterr()
    assert (status, told.err) == (0, "")
    return told.out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The error of a command that fails. It prints nothing else."""
    status, told = cli.main(arguments), capsys.readouterr()
    assert (status, told.out) == (1, "") and told.err.startswith("error: ")
    return told.err.removeprefix("error: ").strip()


def key_in(told: str) -> str:
    return next(word for word in told.split() if word.startswith("sk_"))


def verdict(local: LocalAws, raw_key: str) -> Any:
    return Authorize(AccountStore(local.dynamodb, local.table_name)).verdict({"authorization": f"Bearer {raw_key}"})


def test_four_commands_make_an_account_that_calls_and_is_called(
    deployed: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    told = done(capsys, "account", "create", "Globex & Sons", "--max-calls", "20")
    assert API_URL in told
    done(capsys, "agent", "put", "globex-sons", "front-desk")
    done(capsys, "pipe", "put", "globex-sons", "support", "--agent", "front-desk", "--from-number", OURS)
    done(capsys, "number", "put", "globex-sons", OURS, "--pipe", "support")

    authorized = verdict(deployed, key_in(told))
    assert isinstance(authorized, Authorized) and authorized.account_id == "globex-sons"
    routing = RoutingStore(deployed.dynamodb, deployed.table_name)
    outbound = OutboundRouting(routing).resolve("globex-sons", pipe_id="support")
    assert (outbound.agent_id, outbound.from_number) == ("front-desk", OURS)
    assert routing.owner_of(OURS) == "globex-sons"
    inbound = InboundRouting(routing).resolve("globex-sons", OURS)
    assert inbound is not None and (inbound.pipe_id, inbound.agent_id) == ("support", "front-desk")
    assert AccountStore(deployed.dynamodb, deployed.table_name).account("globex-sons") == Account(
        "globex-sons", "Globex & Sons", "globex-sons", 20
    )


def test_a_key_is_shown_once_and_kept_as_its_hash(deployed: LocalAws, capsys: pytest.CaptureFixture[str]) -> None:
    raw_key = key_in(done(capsys, "account", "create", "Globex"))
    assert raw_key not in json.dumps(deployed.items()) and hash_of(raw_key) in json.dumps(deployed.items())
    again = refused(capsys, "account", "create", "Globex")
    assert "There is an account globex" in again and "sk_" not in again
    assert "sk_" not in done(capsys, "account", "globex") + done(capsys, "key", "list", "globex")


def test_an_account_made_again_stays_what_it_was(deployed: LocalAws, capsys: pytest.CaptureFixture[str]) -> None:
    done(capsys, "account", "create", "Globex", "--max-calls", "3")
    refused(capsys, "account", "create", "globex", "--max-calls", "9")
    assert done(capsys, "account", "globex") == "globex: 0 of 3 lines in use\n"
    assert done(capsys, "key", "list", "globex").count("valid") == 1
    assert "account  other" in done(capsys, "account", "create", "globex", "--id", "other")


def test_a_name_that_gives_no_id_needs_one(deployed: LocalAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--id" in refused(capsys, "account", "create", "株式会社")
    assert "--id" in refused(capsys, "account", "create", "Globex", "--id", "glo bex")


def test_a_revoked_key_opens_nothing_and_can_be_revoked_again(
    deployed: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    told = done(capsys, "key", "create", ACCOUNT, "--name", "server")
    key_id = next(word for word in done(capsys, "key", "list", ACCOUNT).split() if word.startswith("key_"))
    assert key_id in told and isinstance(verdict(deployed, key_in(told)), Authorized)
    assert done(capsys, "key", "revoke", ACCOUNT, key_id) == f"{key_id}: revoked\n"
    assert verdict(deployed, key_in(told)) is Refusal.INVALID_KEY
    assert done(capsys, "key", "revoke", ACCOUNT, key_id) == f"{key_id}: was revoked before\n"
    assert "revoked 2" in done(capsys, "key", "list", ACCOUNT)
    assert refused(capsys, "key", "revoke", ACCOUNT, "key_0") == f"{ACCOUNT} has no key key_0"


def test_a_number_of_another_account_is_refused_until_that_one_gives_it_up(
    deployed: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    done(capsys, "account", "create", "Globex")
    done(capsys, "number", "put", "globex", THEIRS)
    assert f"{THEIRS} is the number of globex" in refused(capsys, "number", "put", ACCOUNT, THEIRS)
    assert RoutingStore(deployed.dynamodb, deployed.table_name).numbers(ACCOUNT) == []
    done(capsys, "number", "delete", "globex", THEIRS)
    assert f"globex has no number {THEIRS}" in refused(capsys, "number", "delete", "globex", THEIRS)
    assert THEIRS in done(capsys, "number", "put", ACCOUNT, THEIRS)


def test_every_option_reaches_its_field(deployed: LocalAws, capsys: pytest.CaptureFixture[str]) -> None:
    store = RoutingStore(deployed.dynamodb, deployed.table_name)
    calling = ["--name", "Front desk", "--from-number", OURS, "--trunk", "ST_1", "--max-call-duration-s", "600"]
    done(capsys, "number", "put", ACCOUNT, OURS, "--trunk", "ST_2")
    (number,) = store.numbers(ACCOUNT)
    assert (number.number, number.trunk_id) == (OURS, "ST_2")
    done(capsys, "agent", "put", ACCOUNT, "desk", *calling)
    assert store.agents(ACCOUNT) == [
        Agent(agent_id="desk", name="Front desk", number=OURS, trunk_id="ST_1", max_call_duration_s=600)
    ]
    limits = ["--ring-timeout-s", "25", "--agent-join-timeout-s", "20", "--no-agent-first"]
    limits += ["--voicemail-policy", "leave_message"]
    voicemail = ["--voicemail-ring-min-s", "2.5", "--voicemail-ring-max-s", "18", "--greeting-max-s", "12"]
    told = done(
        capsys, "pipe", "put", ACCOUNT, "p", "--agent", "desk", "--voice-profile", "VP_1", "--recording",
        *calling, *limits, *voicemail,
    )  # fmt: skip
    assert store.pipes(ACCOUNT) == [
        Pipe(
            pipe_id="p",
            name="Front desk",
            agent_id="desk",
            number=OURS,
            trunk_id="ST_1",
            voice_profile_id="VP_1",
            recording=True,
            max_call_duration_s=600,
            ring_timeout_s=25,
            agent_join_timeout_s=20,
            agent_first=False,
            voicemail=VoicemailWindows(2.5, 18, greeting_max_s=12),
            voicemail_policy="leave_message",
        )
    ]
    assert told == done(capsys, "pipe", "list", ACCOUNT), "put shows what list shows"


def test_the_same_put_twice_is_as_once_and_what_is_not_named_stays(
    deployed: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    store = RoutingStore(deployed.dynamodb, deployed.table_name)
    done(capsys, "agent", "put", ACCOUNT, "desk")
    puts = (
        ("pipe", "put", ACCOUNT, "p", "--agent", "desk", "--from-number", OURS, "--greeting-max-s", "9"),
        ("number", "put", ACCOUNT, OURS, "--pipe", "p"),
    )
    for put in puts:
        done(capsys, *put)
    before = deployed.items()
    for put in puts:
        done(capsys, *put)
    assert deployed.items() == before
    done(capsys, "pipe", "put", ACCOUNT, "p", "--recording")
    assert store.pipe(ACCOUNT, "p") == Pipe(
        pipe_id="p",
        name="p",
        agent_id="desk",
        number=OURS,
        recording=True,
        voicemail=VoicemailWindows(greeting_max_s=9),
    )
    done(capsys, "pipe", "put", ACCOUNT, "p", "--no-recording", "--from-number", "")
    pipe = store.pipe(ACCOUNT, "p")
    assert pipe is not None and (pipe.number, pipe.recording) == (None, False)
    done(capsys, "number", "put", ACCOUNT, OURS, "--pipe", "")
    (number,) = store.numbers(ACCOUNT)
    assert number == Number(number=OURS, number_id=number.number_id)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["agent", "put", "nobody", "desk"], "no such account: nobody"),
        (["pipe", "put", "nobody", "p", "--agent", "desk"], "no such account: nobody"),
        (["number", "put", "nobody", OURS], "no such account: nobody"),
        (["number", "list", "nobody"], "no such account: nobody"),
        (["key", "create", "nobody"], "no such account"),
        (["key", "list", "nobody"], "no such account: nobody"),
        (["pipe", "put", ACCOUNT, "p", "--agent", "dsek"], f"has no agent dsek: `agent put {ACCOUNT} dsek` makes it"),
        (["pipe", "put", ACCOUNT, "p"], "--agent: must be given"),
        (["number", "put", ACCOUNT, OURS, "--pipe", "p"], "has no pipe p"),
        (["number", "put", ACCOUNT, OURS, "--agent", "dsek"], "has no agent dsek"),
        (["pipe", "delete", ACCOUNT, "p"], "has no pipe p"),
    ],
)
def test_what_leads_nowhere_is_refused_and_leaves_nothing(
    arguments: list[str], says: str, deployed: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    before = deployed.items()
    assert says in refused(capsys, *arguments)
    assert deployed.items() == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--brain", "endpoint"], "--endpoint-url: must be given"),
        (["--brain", "prompt"], "--prompt: must be given"),
        (["--brain", "runner", "--endpoint-url", "https://brain.example"], "--endpoint-url: is an endpoint's"),
    ],
)
def test_a_brain_without_what_it_needs_is_refused_and_leaves_nothing(
    arguments: list[str], says: str, deployed: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    before = deployed.items()
    assert says in refused(capsys, "agent", "put", ACCOUNT, "desk", *arguments)
    assert deployed.items() == before


def test_the_key_of_an_endpoint_is_kept_and_never_shown(deployed: LocalAws, capsys: pytest.CaptureFixture[str]) -> None:
    put = ("agent", "put", ACCOUNT, "desk", "--brain", "endpoint", "--endpoint-url", "https://brain.example/v1/chat")
    shown = done(capsys, *put, "--endpoint-key", "sk-of-the-brain", "--model", "small")
    assert "brain=endpoint" in shown and "model=small" in shown and "endpoint_key=(kept)" in shown
    assert "sk-of-the-brain" not in shown + done(capsys, "agent", "list", ACCOUNT)
    agent = RoutingStore(deployed.dynamodb, deployed.table_name).agent(ACCOUNT, "desk")
    assert agent is not None
    assert (agent.brain_of_ours, agent.endpoint_key) == ("endpoint", "sk-of-the-brain")
    assert "sk-of-the-brain" not in repr(agent)


def test_windows_that_exclude_each_other_are_refused(deployed: LocalAws, capsys: pytest.CaptureFixture[str]) -> None:
    done(capsys, "agent", "put", ACCOUNT, "desk")
    assert "--voicemail-ring-max-s" in refused(
        capsys, "pipe", "put", ACCOUNT, "p", "--agent", "desk", "--voicemail-ring-min-s", "30"
    )


def test_lists_that_are_empty_say_so(deployed: LocalAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert [done(capsys, noun, "list", ACCOUNT) for noun in ("key", "agent", "pipe", "number")] == [
        "no keys\n", "no agents\n", "no pipes\n", "no numbers\n",
    ]  # fmt: skip


def test_an_account_may_be_called_as_a_noun_is(deployed: LocalAws, capsys: pytest.CaptureFixture[str]) -> None:
    done(capsys, "account", "create", "account")
    assert done(capsys, "--stack", "account", "account", "account") == "account: 0 of 5 lines in use\n"
    assert done(capsys, "--stack=mine", "key", "list", "account").count("valid") == 1
    assert done(capsys, "account", "--max-calls", "2", "account") == "account: 0 of 2 lines in use\n"


# ---------------------------------------------------------------- the deployment


class OneStack:
    """CloudFormation with the one stack `mine`, as botocore's session makes its client."""

    def __init__(self, outputs: dict[str, str]) -> None:
        self._outputs = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]

    def create_client(self, _service: str) -> "OneStack":
        return self

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        if StackName != "mine":
            told = {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}
            raise ClientError({"Error": told}, "DescribeStacks")
        return {"Stacks": [{"Outputs": self._outputs} if self._outputs else {}]}


def test_a_deployment_is_found_by_its_stacks_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = {"TableName": "calls", "DoorbellQueueUrl": "https://queue", "ApiUrl": API_URL}
    monkeypatch.setattr(botocore.session, "get_session", lambda: OneStack(outputs))
    found = find_deployment("mine")
    assert (found.table_name, found.doorbell_url, found.api_url) == ("calls", "https://queue", API_URL)


@pytest.mark.parametrize("outputs", [{}, {"Url": "https://example.com"}, {"TableName": "calls"}])
def test_a_stack_that_is_not_ringlines_is_told_so(
    outputs: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(botocore.session, "get_session", lambda: OneStack(outputs))
    assert "The stack mine has no output" in refused(capsys, "--stack", "mine", "account", "a")
    assert "does not exist" in refused(capsys, "--stack", "yours", "account", "a")


def test_a_command_without_a_region_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    with mock.patch.dict(os.environ, nowhere):
        for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
            os.environ.pop(name, None)
        assert "region" in refused(capsys, "account", "a")
