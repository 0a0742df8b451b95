"""Asking for a transfer, through the API and on the word of the call's agent: who may have the call, what a repeat is
answered with, and that nobody gets round the pipe's lists."""

import json
from types import ModuleType
from typing import Any

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.events import AgentJoined, AgentReady
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.transfers.transfer import TransferState
from ringline.calls.model.transfers.transfer_events import TransferBegun, TransferFailed
from ringline.calls.progress.progress import Progress
from ringline.calls.tables.store import CallStore
from ringline.routing.records import Agent, Brain, Number, Pipe, Sound, VoiceBinding
from ringline.routing.store import RoutingStore
from ringline.runtime.clock import now_ms
from ringline.telephony.agent_dispatch import call_token
from tests.builders import a_call
from tests.component.calls_room import LOG
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT, CountingDoorbell
from tests.sample_events import event_of

ACCOUNT = "acct_demo"
CALL = "call_01JD5Z0000000000000000000A"
SESSION = f"{ACCOUNT}.{CALL}.1"
SECRET = "a-secret-of-more-than-32-characters"
NOWHERE = {"LIVEKIT_URL": "http://127.0.0.1:9", "LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": SECRET}
TO_NUMBER = {"to": {"type": "sip", "config": {"number": "+15550100888"}}, "mode": "warm", "warm_handoff_ms": 4000}


class Asking:
    """The two functions that are asked for transfers, and a call in which somebody talks."""

    def __init__(self, local: LocalAws) -> None:
        queues = {"DOORBELL_QUEUE_URL": local.queue_url, "LOOK_QUEUE_URL": local.queue_url, **NOWHERE}
        self.accounts = AccountStore(local.dynamodb, local.table_name)
        self.accounts.create_account(Account(ACCOUNT, "Acme", "acme", 2))
        RoutingStore(local.dynamodb, local.table_name).put_agent(
            ACCOUNT,
            Agent(
                agent_id="AGENT_2",
                name="Sales",
                brain=Brain.RUNNER,
                sound=Sound(greeting="This is sales."),
                voices=(VoiceBinding("VP_2"),),
            ),
        )
        self.local = local
        self.store = CallStore(local.dynamodb, local.table_name)
        self.manage: ModuleType = load_handler("manage", queues)
        self.reports: ModuleType = load_handler("receive_agent_event", queues)

    def talking(self, **fields: Any) -> Call:
        began = now_ms() - 60_000
        moments = {"created_at": began, "eligible_at": began, "dialed_at": began, "answered_at": began + 5000}
        known = {"account_id": ACCOUNT, **moments, "active_at": began + 5000, "agent_joined_at": began + 1000}
        call = a_call(**{"state": State.ACTIVE, **known, **fields})
        self.store.create(call)
        return call

    def call(self) -> Call:
        call = self.store.get(ACCOUNT, CALL)
        assert call is not None
        return call

    def ask(
        self, body: dict[str, Any], path: str = f"/v1/calls/{CALL}/transfers", key: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        return self._request(self.manage, "POST", path, body, {} if key is None else {"idempotency-key": key})

    def read(self, path: str) -> tuple[int, dict[str, Any]]:
        return self._request(self.manage, "GET", path, None, {})

    def agent_asks(self, body: dict[str, Any], token: str | None = None) -> tuple[int, dict[str, Any]]:
        bearer = {"authorization": f"Bearer {token or call_token(self.call(), SECRET)}"}
        return self._request(self.reports, "POST", f"/v1/calls/{CALL}/agent-transfers", body, bearer)

    def agent_reads(self, transfer_id: str) -> tuple[int, dict[str, Any]]:
        bearer = {"authorization": f"Bearer {call_token(self.call(), SECRET)}"}
        path = f"/v1/calls/{CALL}/agent-transfers/{transfer_id}"
        return self._request(self.reports, "GET", path, None, bearer)

    def agent_tells(self, report: dict[str, Any], token: str | None = None) -> str:
        bearer = {"authorization": f"Bearer {token or call_token(self.call(), SECRET)}"}
        _, body = self._request(self.reports, "POST", f"/v1/calls/{CALL}/agent-events", report, bearer)
        return str(body["results"][0]["result"])

    def happens(self, event: Any) -> None:
        Progress(self.store, CountingDoorbell(), now_ms, LOG).apply(ACCOUNT, CALL, event)

    def sent(self) -> list[dict[str, Any]]:
        """What is on its way to be carried out."""
        return [json.loads(message["Body"]) for message in self.local.messages()]

    def _request(
        self, handler: ModuleType, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        event = event_of("manage", "no_such_route") | {"rawPath": path}
        event["requestContext"]["http"] |= {"method": method, "path": path}
        event["headers"] = event.get("headers", {}) | headers
        if body is not None:
            event["body"] = json.dumps(body)
        answer = handler.lambda_handler(event, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"])

    def handed_over(self, *events: Any) -> str:
        """The token of the agent that had the call before `AGENT_2` was asked for, who is there by now."""
        former = call_token(self.call(), SECRET)
        self.ask({"to": {"type": "agent", "config": {"agent_id": "AGENT_2"}}})
        for event in events or (AgentJoined(now_ms(), 1, "PA_second"),):
            self.happens(event)
        return former


@pytest.fixture
def asking(local: LocalAws) -> Asking:
    return Asking(local)


def to(number: str, **more: Any) -> dict[str, Any]:
    return {"to": {"type": "sip", "config": {"number": number}}, **more}


def test_a_transfer_is_written_on_the_call_and_sent_on_its_way(asking: Asking) -> None:
    asking.talking()
    status, body = asking.ask(TO_NUMBER)
    assert (status, body["state"], body["to"], body["mode"]) == (202, "requested", TO_NUMBER["to"], "warm")
    assert asking.sent() == [{"account_id": ACCOUNT, "call_id": CALL, "transfer_id": body["transfer_id"]}]
    (transfer,) = asking.call().transfers
    assert (transfer.transfer_id, transfer.warm_handoff_ms, transfer.asked_by) == (body["transfer_id"], 4000, "api")


@pytest.mark.parametrize("named", [SESSION, CALL])
def test_a_session_is_transferred_by_its_own_id_and_by_its_calls(asking: Asking, named: str) -> None:
    call = asking.talking()
    status, body = asking.ask(TO_NUMBER, f"/orchestrator/v1/sessions/{named}/transfer")
    assert (status, body["session_id"], body["mode"]) == (200, SESSION, "warm")
    assert body["added_participant_id"] == f"sip-{CALL}-1-{body['transfer_id']}"
    assert body["removed_participant_id"] == call.agent_sid


def test_the_phone_itself_goes_in_a_cold_transfer(asking: Asking) -> None:
    call = asking.talking()
    _, body = asking.ask(to("+15550100888"), f"/v1/sessions/{SESSION}/transfer")
    assert (body["added_participant_id"], body["removed_participant_id"]) == ("+15550100888", call.leg_identity)


def test_transfers_are_listed_and_shown_with_their_call(asking: Asking) -> None:
    asking.talking()
    _, asked = asking.ask(TO_NUMBER)
    status, body = asking.read(f"/v1/calls/{CALL}/transfers")
    assert (status, [row["transfer_id"] for row in body["data"]]) == (200, [asked["transfer_id"]])
    assert asking.read(f"/v1/calls/{CALL}/transfers/{asked['transfer_id']}") == (200, asked)
    assert asking.read(f"/v1/calls/{CALL}")[1]["transfers"] == [asked]
    events = asking.read(f"/v1/calls/{CALL}/events")[1]["data"]
    assert [event["to"] for event in events if event["what"] == "transfer_requested"] == ["+15550100888"]
    assert asking.read(f"/v1/calls/{CALL}/transfers/transfer_none")[1]["code"] == "transfer_not_found"


def test_an_agent_that_is_asked_for_brings_its_own_voice_and_greeting(asking: Asking) -> None:
    asking.talking(voice_profile_id="VP_1", voice={"greeting": "Hello!"})
    asking.ask({"to": {"type": "agent", "config": {"agent_id": "AGENT_2"}}})
    call = asking.call()
    assert (call.brain, call.voice_profile_id, call.voice) == ("runner", "VP_2", {"greeting": "This is sales."})


def test_a_number_that_a_caller_is_put_through_to_is_called_through_the_trunk_of_the_one_they_dialled(
    asking: Asking,
) -> None:
    RoutingStore(asking.local.dynamodb, asking.local.table_name).put_number(
        ACCOUNT, Number(number="+15550100900", number_id="num_1", trunk_id="ST_own")
    )
    asking.talking(direction=Direction.INBOUND, to_number="+15550100900", trunk_id="ST_they_came_by")
    asking.ask(TO_NUMBER)
    assert asking.call().transfers[0].trunk_id == "ST_own"


# --- repeats ---------------------------------------------------------------------------------------------------------


def test_the_same_request_is_the_same_transfer_while_it_is_under_way(asking: Asking) -> None:
    asking.talking()
    first, second = asking.ask(TO_NUMBER), asking.ask(TO_NUMBER)
    assert first[1]["transfer_id"] == second[1]["transfer_id"]
    assert len(asking.call().transfers) == 1


def test_another_transfer_is_refused_while_one_is_under_way(asking: Asking) -> None:
    asking.talking()
    asking.ask(TO_NUMBER)
    status, body = asking.ask(to("+15550100889"))
    assert (status, body["code"]) == (409, "transfer_under_way")


def test_a_key_stands_for_its_transfer_also_when_that_is_over(asking: Asking) -> None:
    asking.talking()
    _, first = asking.ask(TO_NUMBER, key="k1")
    asking.happens(TransferFailed(now_ms(), 1, first["transfer_id"], EndReason.USER_BUSY.value, 486))
    _, again = asking.ask(TO_NUMBER, key="k1")
    assert (again["transfer_id"], again["state"], again["reason"]) == (first["transfer_id"], "failed", "USER_BUSY")
    assert asking.ask(to("+15550100889"), key="k1")[1]["code"] == "idempotency_key_reused"
    _, another = asking.ask(TO_NUMBER)
    assert another["transfer_id"] != first["transfer_id"]


def test_who_asks_again_while_a_fallback_is_tried_is_answered_with_that(asking: Asking) -> None:
    asking.talking()
    body = TO_NUMBER | {"fallback": [{"type": "agent", "config": {"agent_id": "AGENT_2"}}, "end"]}
    _, first = asking.ask(body)
    asking.happens(TransferBegun(now_ms(), 1, first["transfer_id"]))
    asking.happens(TransferFailed(now_ms(), 1, first["transfer_id"], EndReason.USER_BUSY.value, 486))
    _, again = asking.ask(body)
    assert (again["follows"], again["to"]["type"], again["fallback"]) == (first["transfer_id"], "agent", ["end"])


# --- who may have the call -------------------------------------------------------------------------------------------

LISTS: dict[str, Any] = {"transfer_allowed_numbers": ("+15550100700",), "transfer_allowed_prefixes": ("+4420",)}


@pytest.mark.parametrize("by", ["api", "agent"])
def test_nobody_gets_round_the_pipes_lists(asking: Asking, by: str) -> None:
    asking.talking(**LISTS)
    ask = asking.ask if by == "api" else asking.agent_asks
    for body in (to("+15550100888"), to("+15550100700", fallback=[to("+15550100888")["to"]])):
        status, answer = ask(body)
        assert (status, answer["code"]) == (422, "transfer_not_allowed"), body
    assert asking.call().transfers == () and asking.sent() == []
    asking.accounts.set_allowed_prefixes(ACCOUNT, ("+1", "+44"))
    assert ask(to("+44 20 7183 8750"))[0] == 202


@pytest.mark.parametrize("by", ["api", "agent"])
def test_nobody_gets_round_the_accounts_list_by_a_transfer(asking: Asking, by: str) -> None:
    # A pipe without lists allows every number, and whoever has the key may write them.
    asking.talking(from_number="+15550100000", to_number="+15550100200")
    ask = asking.ask if by == "api" else asking.agent_asks
    for number in ("+19005550100", "+881612345678", "+491711234567"):
        for body in (to(number), to("+15550100700", fallback=[to(number)["to"]])):
            status, answer = ask(body)
            assert (status, answer["code"]) == (403, "destination_not_allowed"), body
    assert asking.call().transfers == () and asking.sent() == []
    assert ask(to("+15550100700"))[0] == 202


def test_an_agent_does_not_get_round_them_by_a_report(asking: Asking) -> None:
    asking.talking(**LISTS)
    assert asking.agent_tells({"type": "transfer", "to": "+15550100888"}) == "not_allowed"
    assert asking.call().reports.transferred_at is None
    assert asking.agent_tells({"type": "transfer", "to": "+15550100700"}) == "applied"


def test_lists_without_a_number_allow_none(asking: Asking) -> None:
    asking.talking(transfer_allowed_numbers=(), transfer_allowed_prefixes=())
    assert asking.ask(to("+15550100888"))[1]["code"] == "transfer_not_allowed"


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"to": {"type": "webrtc", "config": {}}}, "transfer_target_not_served", "to.type"),
        ({"to": {"type": "livekit"}}, "transfer_target_not_served", "to.type"),
        ({"to": {"type": "agent", "config": {"agent_id": "nobody"}}}, "unknown_agent", "to.config.agent_id"),
        (to("sip:sales@example.com"), "invalid_request", "to.config.number"),
        ({"to": {"type": "sip", "config": {}}}, "invalid_request", "to.config.number"),
        ({"to": {"type": "sip", "config": {"number": "+1", "trunk": "x"}}}, "invalid_request", "to.config.trunk"),
        (to("+15550100888", warm_handoff_ms=5), "invalid_request", "warm_handoff_ms"),
        (to("+15550100888", drop_participant_id="x"), "invalid_request", "drop_participant_id"),
        (to("+15550100888", mode="lukewarm"), "invalid_request", "mode"),
        (to("+15550100888", hold_music="x"), "invalid_request", "hold_music"),
        (to("+15550100888", mode="warm", drop_participant_id="PA_leg"), "invalid_request", "drop_participant_id"),
        (
            {"to": {"type": "agent", "config": {"agent_id": "AGENT_2"}}, "mode": "warm"},
            "invalid_request",
            "mode",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_name(
    asking: Asking, body: dict[str, Any], code: str, field: str
) -> None:
    asking.talking()
    status, answer = asking.ask(body)
    assert (status, answer["code"], answer["errors"][0]["field"]) == (422, code, field)
    assert asking.call().transfers == ()


@pytest.mark.parametrize("state", [State.DIALING, State.ENDED])
def test_only_a_call_in_which_somebody_talks_is_handed_over(asking: Asking, state: State) -> None:
    asking.talking(state=state, answered_at=None, active_at=None)
    assert asking.ask(TO_NUMBER)[1]["code"] == "call_not_active"


def test_another_accounts_call_is_not_found(asking: Asking) -> None:
    asking.talking(account_id="acct_other")
    assert asking.ask(TO_NUMBER)[1]["code"] == "call_not_found"
    for named in (f"acct_other.{CALL}.1", CALL, SESSION):
        status, body = asking.ask(TO_NUMBER, f"/orchestrator/v1/sessions/{named}/transfer")
        assert (status, body["code"]) == (404, "session_not_found")


def test_a_session_whose_attempt_is_longer_than_any_number_is_not_found(asking: Asking) -> None:
    for named in (f"a.b.{'9' * 5000}", f"{ACCOUNT}.{CALL}.{'9' * 5000}", f"a.b.{'9' * 70}"):
        status, body = asking.ask(TO_NUMBER, f"/v1/sessions/{named}/transfer")
        assert (status, body["code"]) == (404, "session_not_found")


@pytest.mark.parametrize("agent_id", ["a" * 1100, "two words", "é" * 3])
def test_what_cannot_be_an_agents_id_is_no_agent_and_is_not_looked_for(
    asking: Asking, monkeypatch: pytest.MonkeyPatch, agent_id: str
) -> None:
    asking.talking()
    looked_for: list[object] = []
    monkeypatch.setattr(RoutingStore, "agent", lambda _, *named: looked_for.append(named))
    status, body = asking.ask({"to": {"type": "agent", "config": {"agent_id": agent_id}}})
    assert (status, body["code"], looked_for) == (422, "unknown_agent", [])


def test_an_agent_asks_for_its_own_call_alone_and_reads_how_it_stands(asking: Asking) -> None:
    asking.talking()
    other = a_call(State.ACTIVE, account_id=ACCOUNT, call_id="call_2", dialed_at=now_ms())
    assert asking.agent_asks(TO_NUMBER, call_token(other, SECRET))[0] == 401
    status, body = asking.agent_asks(TO_NUMBER | {"warm_handoff_ms": None})
    assert (status, body["asked_by"], body["warm_handoff_ms"]) == (202, "agent", None)
    assert asking.agent_reads(body["transfer_id"]) == (200, body)
    assert asking.agent_reads("transfer_none")[0] == 404


def test_an_agent_is_asked_for_with_what_speaks_for_it(asking: Asking) -> None:
    before = asking.talking()
    status, body = asking.ask({"to": {"type": "agent", "config": {"agent_id": "AGENT_2"}}})
    call = asking.call()
    assert (status, body["to"]["config"]) == (202, {"agent_id": "AGENT_2"})
    assert (call.agent_id, call.brain, call.dispatches) == ("AGENT_2", Brain.RUNNER, before.dispatches + 1)
    (transfer,) = call.transfers
    assert transfer.former is not None and transfer.former.agent_id == before.agent_id
    assert transfer.state is TransferState.REQUESTED


# --- an agent that has handed over -----------------------------------------------------------------------------------

HEARS = {"type": "ready", "can_report": ["user_spoke", "transcript"]}


def turns(*words: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": each} for each in words]


@pytest.mark.parametrize(
    "report",
    [
        HEARS,
        {"type": "user_spoke"},
        {"type": "voicemail"},
        {"type": "hang_up"},
        {"type": "transfer", "to": "+15550100888"},
        {"type": "silence", "silent_s": 5},
    ],
    ids=lambda report: report["type"],
)
def test_an_agent_that_has_handed_over_has_no_say_any_more(asking: Asking, report: dict[str, Any]) -> None:
    asking.talking()
    former = asking.handed_over()
    before = asking.call()
    assert asking.agent_tells(report, former) == "handed_over"
    assert asking.call() == before
    status, body = asking.agent_asks(TO_NUMBER, former)
    assert (status, body["code"]) == (403, "handed_over")
    assert asking.agent_tells({"type": "user_spoke"}) == "applied", "the one that has it may tell"


def test_an_agent_that_is_to_hand_over_speaks_for_the_call_until_the_next_is_there(asking: Asking) -> None:
    asking.talking()
    former = call_token(asking.call(), SECRET)
    asking.ask({"to": {"type": "agent", "config": {"agent_id": "AGENT_2"}}})
    assert asking.agent_tells({"type": "user_spoke"}, former) == "applied"


def test_an_agent_that_did_not_come_in_time_has_no_say(asking: Asking) -> None:
    asking.talking()
    asking.ask({"to": {"type": "agent", "config": {"agent_id": "AGENT_2"}}})
    late = call_token(asking.call(), SECRET)
    transfer_id = asking.call().transfers[0].transfer_id
    asking.happens(TransferFailed(now_ms(), 1, transfer_id, EndReason.AGENT_DID_NOT_JOIN.value))
    assert asking.agent_tells({"type": "voicemail"}, late) == "handed_over"


def test_what_two_agents_heard_is_one_transcript_and_neither_hides_the_others_words(asking: Asking) -> None:
    asking.talking()
    first = call_token(asking.call(), SECRET)
    asking.agent_tells({"type": "transcript", "turns": turns("one", "two"), "usage": {"tokens": 5}}, first)
    former = asking.handed_over()
    assert asking.agent_tells({"type": "transcript", "turns": turns("four"), "usage": {"tokens": 2}}) == "applied"
    last = {"type": "transcript", "turns": turns("one", "two", "three"), "final": True}
    assert asking.agent_tells(last, former) == "applied"
    call = asking.call()
    assert (call.transcript_turns, call.reports.said_all) == (4, False)
    kept = asking.reports.hear.transcripts.read(call)
    assert [turn.content for turn in kept.turns] == ["one", "two", "three", "four"]
    assert kept.usage == {"tokens": 7}
    assert asking.agent_tells({"type": "transcript", "turns": turns("four", "five"), "final": True}) == "applied"
    assert asking.call().reports.said_all


@pytest.mark.parametrize("is_ready_first", [True, False])
def test_what_the_one_before_could_report_is_not_what_the_next_one_can(asking: Asking, is_ready_first: bool) -> None:
    asking.talking()
    asking.agent_tells(HEARS)
    ready = AgentReady(now_ms(), 1, ("silence",), None, None, proven=2)
    joined = AgentJoined(now_ms(), 1, "PA_second")
    asking.handed_over(*((ready, joined) if is_ready_first else (joined, ready)))
    assert asking.call().reports.can_report == ("silence",)
    assert not asking.call().reports.has_promised_transcript


def test_who_has_the_call_again_can_report_what_it_could_before(asking: Asking) -> None:
    asking.talking()
    asking.agent_tells(HEARS)
    before = asking.call().reports
    asking.handed_over(AgentJoined(now_ms(), 1, "PA_second"), AgentReady(now_ms(), 1, (), None, None, proven=2))
    transfer_id = asking.call().transfers[0].transfer_id
    asking.happens(TransferFailed(now_ms(), 1, transfer_id, EndReason.AGENT_FAILED.value))
    after = asking.call().reports
    assert (after.can_report, after.ready_at) == (before.can_report, before.ready_at)


@pytest.mark.parametrize(
    ("said", "fallback"),
    [
        ({}, [{"type": "agent", "config": {"agent_id": "AGENT_2"}}, "end"]),
        ({"fallback": None}, []),
        ({"fallback": []}, []),
        ({"fallback": "end"}, ["end"]),
    ],
)
def test_a_transfer_goes_on_as_its_pipe_says_unless_it_says_so_itself(
    asking: Asking, said: dict[str, Any], fallback: list[Any]
) -> None:
    """Whom the call may not be handed to, who is gone, and who is asked for already are passed over."""
    named = ("sip:+15550100888", "sip:+15550100999", "agent:gone", "agent:AGENT_2", "end")
    pipe = Pipe(pipe_id="pipe_1", name="p", agent_id="AGENT_1", transfer_fallback=named)
    RoutingStore(asking.local.dynamodb, asking.local.table_name).put_pipe(ACCOUNT, pipe)
    asking.talking(pipe_id="pipe_1", transfer_allowed_numbers=("+15550100888",))
    status, answer = asking.ask(TO_NUMBER | said)
    assert (status, answer["fallback"]) == (202, fallback)


def test_an_agents_own_transfer_goes_on_as_its_pipe_says(asking: Asking) -> None:
    pipe = Pipe(pipe_id="pipe_1", name="p", agent_id="AGENT_1", transfer_fallback=("end",))
    RoutingStore(asking.local.dynamodb, asking.local.table_name).put_pipe(ACCOUNT, pipe)
    asking.talking(pipe_id="pipe_1")
    assert asking.agent_asks(TO_NUMBER)[1]["fallback"] == ["end"]


def test_a_number_is_read_as_the_account_writes_it(asking: Asking) -> None:
    asking.talking()
    written = {"to": {"type": "sip", "config": {"number": "(555) 010-0888"}}}
    status, problem = asking.ask(written)
    assert (status, [each["field"] for each in problem["errors"]]) == (422, ["to.config.number"])
    asking.accounts.set_country(ACCOUNT, "US")
    status, transfer = asking.agent_asks(written)
    assert (status, transfer["to"]) == (202, {"type": "sip", "config": {"number": "+15550100888"}})


TO_AGENT = {"to": {"type": "agent", "config": {"agent_id": "AGENT_2"}}}
NAMED = {"type": "sip", "config": {"number": "+15550100888"}}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"to": NAMED}, id="sent to a number"),
        pytest.param(TO_AGENT | {"fallback": [NAMED]}, id="sent to a number that follows an agent"),
        pytest.param(TO_NUMBER | {"fallback": [TO_AGENT["to"], NAMED]}, id="that follows one who follows a number"),
    ],
)
def test_a_browser_is_sent_to_no_number(asking: Asking, body: dict[str, Any]) -> None:
    asking.talking(direction=Direction.WEB)
    status, problem = asking.ask(body)
    assert (status, problem["code"]) == (409, "no_phone_in_call")
    assert (asking.call().transfers, asking.sent()) == ((), [])


@pytest.mark.parametrize("body", [TO_NUMBER | {"fallback": [NAMED]}, TO_AGENT], ids=["called in", "an agent"])
def test_a_browser_is_handed_over_where_nobody_is_sent_away(asking: Asking, body: dict[str, Any]) -> None:
    asking.talking(direction=Direction.WEB)
    assert asking.ask(body)[0] == 202


def test_a_number_of_the_pipe_to_which_a_browser_would_be_sent_is_passed_over(asking: Asking) -> None:
    pipe = Pipe(pipe_id="PIPE_1", agent_id="AGENT_1", name="Web", transfer_fallback=("sip:+15550100888", "end"))
    RoutingStore(asking.local.dynamodb, asking.local.table_name).put_pipe(ACCOUNT, pipe)
    asking.talking(direction=Direction.WEB, pipe_id="PIPE_1")
    assert asking.ask(TO_AGENT)[0] == 202
    (transfer,) = asking.call().transfers
    assert (transfer.fallback, transfer.ends_call) == ((), True)
