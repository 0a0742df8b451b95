"""What calls and accounts wait for and ended with, in words; and what goes on, at a glance."""

from copy import replace
from typing import Any

import pytest

from cli.words.account import why_account
from cli.words.reasons import WAITS_FOR, ended
from cli.words.timeline import says
from cli.words.why import why_call
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import Call, CarrierWords, Evidence, State
from ringline.calls.model.reasons import MEANINGS, EndReason
from ringline.calls.tables.store import CallStore
from ringline.calls.views.call_view import call_view
from ringline.calls.views.queue_place import BlockedBy
from ringline.runtime.clock import now_ms
from tests.builders import ACCOUNT, NOW, a_call
from tests.component.cli.terminal import CALLEE, Terminal


def store_of(terminal: Terminal) -> CallStore:
    return CallStore(terminal.local.dynamodb, terminal.local.table_name)


def told(call: Call, **more: Any) -> str:
    return "\n".join(why_call(call_view(call) | more, NOW + 60_000))


@pytest.mark.parametrize("reason", EndReason)
def test_every_end_reason_is_told_by_the_products_own_sentence(reason: EndReason) -> None:
    state = State.NOT_CONNECTED
    assert MEANINGS[reason].when in told(a_call(state, end_reason=reason, ended_at=NOW))


@pytest.mark.parametrize("what", BlockedBy)
def test_everything_that_a_call_may_wait_for_has_a_sentence(what: BlockedBy) -> None:
    place = {"position": 3, "counts_all": True, "blocked_by": what.value, "in_use": 2, "cap": 2}
    sentences = told(a_call(State.QUEUED), queue=place)
    assert WAITS_FOR[what].says in sentences and "place 3" in sentences


def test_a_word_of_a_later_version_is_told_as_it_is() -> None:
    assert "LINE_ON_FIRE" in ended("LINE_ON_FIRE").says
    assert "rain" in told(a_call(State.QUEUED), queue={"blocked_by": "rain", "position": 1})
    assert says({"at": "", "what": "rain_began", "dial": 2, "for_s": 1.5}) == "rain began (dial 2): for 1.5 s"


def test_an_ended_call_tells_who_ended_it_and_what_the_carrier_said() -> None:
    evidence = Evidence(sip_code=486, sip_status="Busy Here")
    sentences = told(a_call(State.NOT_CONNECTED, end_reason=EndReason.USER_BUSY, ended_at=NOW, evidence=evidence))
    assert "ended by the user" in sentences
    assert "SIP 486 Busy Here" in sentences
    assert "Calling again may well succeed." in sentences


@pytest.mark.parametrize(
    ("state", "says_so"),
    [
        (State.DIALING, "being dialled since 1 min"),
        (State.RINGING, "rings since 1 min"),
        (State.ACTIVE, "under way since 1 min"),
        (State.LAST_WORDS, "last report is waited for"),
    ],
)
def test_a_call_under_way_tells_how_it_stands(state: State, says_so: str) -> None:
    answered_at = NOW if state is State.ACTIVE else None
    call = a_call(state, attempt=1, dialed_at=NOW, answered_at=answered_at, carrier=CarrierWords())
    assert says_so in told(call)


def test_a_waiting_call_is_explained_by_the_api_itself(terminal: Terminal) -> None:
    for _ in range(2):
        placed = terminal.document("call", CALLEE, "--pipe", "support", "--no-follow")
    sentences = terminal.done("why", placed["call_id"])
    assert "A line is free, and others are before it." in sentences and "place 2" in sentences
    assert terminal.document("why", placed["call_id"])["of"]["call_id"] == placed["call_id"]
    assert "no such call" in terminal.refused("why", "call_nobody")


def test_an_account_tells_why_nothing_rings(terminal: Terminal) -> None:
    assert "No call waits" in terminal.done("why")
    terminal.document("call", CALLEE, "--pipe", "support", "--no-follow")
    assert "1 call waits" in terminal.done("why")
    AccountStore(terminal.local.dynamodb, terminal.local.table_name).set_cap(ACCOUNT, 0)
    assert "The cap is 0" in terminal.done("why")


def test_an_account_with_all_that_can_hold_calls_back_is_told_in_full() -> None:
    soon = "2027-01-01T00:00:30Z"
    account = {
        "lines": {"cap": 5, "in_use": 5},
        "waiting": {"calls": 7, "counts_all": True, "longest_wait_s": 65.0, "next_start_at": soon},
        "blocked_by": [{"what": "agent", "calls": 7, "until": soon, "names": ["desk"]}],
        "livekit": {"is_away": True, "tried_again_at": soon},
        "agents": [{"agent_id": "desk", "rests_until": soon}],
        "trunks": [{"trunk_id": "ST_1", "is_slowed_until": soon}],
        "not_known": ["when it rains"],
    }
    sentences = "\n".join(why_account(account, 1_798_761_600_000))
    for part in ("7 calls wait, the first of them for 1 min 5 s", "7 calls (desk): a line is free", "over in 30 s"):
        assert part in sentences
    for part in ("LiveKit is away", "agent desk was waited for", "behind ST_1 was full", "when it rains"):
        assert part in sentences


def test_what_goes_on_is_seen_at_a_glance(terminal: Terminal) -> None:
    store = store_of(terminal)
    waiting = a_call(State.QUEUED, account_id=ACCOUNT, created_at=now_ms(), eligible_at=now_ms())
    store.create(waiting)
    on_a_line = replace(
        waiting, state=State.DIALING, attempt=1, dialed_at=now_ms(), due_at=now_ms() + 60_000, version=2
    )
    store.commit(waiting, on_a_line)
    seen = terminal.done("watch", "--once")
    assert "1 of 2 in use" in seen and waiting.call_id in seen and "ringing" in seen
    assert terminal.done("watch") == terminal.done("watch", "--once"), "nobody watches what is no terminal"
    document = terminal.document("watch")
    assert [call["call_id"] for call in document["calls"]] == [waiting.call_id]
    assert document["account"]["lines"]["in_use"] == 1
    assert "no runners are there" in terminal.done("runners") and "no workers are there" in terminal.done("workers")
