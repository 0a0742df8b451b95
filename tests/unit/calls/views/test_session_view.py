"""A call's attempts as the SDK's sessions."""

from typing import Any

import pytest
from unpod.models import Session as SdkSession

from ringline.calls.model.call import Attempt, Call, Direction, State
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.transcripts import Transcript, Turn
from ringline.calls.views.call_view import call_view
from ringline.calls.views.session_view import latest_session, session_of, session_view, transcript_view
from tests.builders import a_call, at

FIRST = Attempt(dial=1, dialed_at=at(1), ended_at=at(9), end_reason=EndReason.USER_BUSY, sip_code=486)
TALKED = Attempt(
    dial=3, dialed_at=at(20), ended_at=at(50), end_reason=EndReason.AGENT_FAILED, answered_at=at(22.2), sip_code=None
)
ROOM = "acc_1.call_01JD5Z0000000000000000000A"


def waiting(**fields: Any) -> Call:
    """In the queue again after two attempts; dial 2 was one that the carrier had no room for."""
    return a_call(State.QUEUED, attempt=3, attempts=(FIRST, TALKED), version=9, **fields)


def shown(call: Call, dial: int | None = None) -> dict[str, Any]:
    session = latest_session(call) if dial is None else session_of(call, dial)
    assert session is not None
    return session_view(session)


@pytest.mark.parametrize("state", [State.QUEUED, State.CANCELED])
def test_a_call_that_never_dialled_has_no_session(state: State) -> None:
    never = a_call(state, attempt=0, dialed_at=None)
    assert latest_session(never) is None
    assert session_of(never, 0) is None


def test_a_call_whose_only_dial_rang_nobody_has_no_session() -> None:
    deferred = a_call(State.QUEUED, attempt=1, deferrals=1)
    assert latest_session(deferred) is None
    assert session_of(deferred, 1) is None


@pytest.mark.parametrize(
    ("state", "status"),
    [(State.DIALING, "ringing"), (State.RINGING, "ringing"), (State.ACTIVE, "active"), (State.ENDED, "completed")],
)
def test_a_session_has_its_calls_status(state: State, status: str) -> None:
    assert shown(a_call(state))["status"] == status


def test_a_session_bears_its_rooms_name_and_counts_whole_seconds_from_the_answer() -> None:
    view = shown(a_call(State.ENDED, answered_at=at(6.4), end_reason=EndReason.USER_HUNG_UP_IN_CALL))
    assert (view["session_id"], view["room_name"]) == (f"{ROOM}.1", f"{ROOM}.1")
    assert view["call_id"] == "call_01JD5Z0000000000000000000A"
    assert (view["duration_s"], type(view["duration_s"])) == (54, int)
    assert view["end_reason"] == "USER_HUNG_UP_IN_CALL"
    assert (view["participants"], view["participant_count"]) == (["user", "agent"], 2)


def test_the_session_of_a_call_that_rang_in_names_its_call_and_not_the_room_that_others_may_share() -> None:
    call = a_call(State.ACTIVE, direction=Direction.INBOUND, inbound_room="call-_+15550100300_x7")
    for view in (shown(call), call_view(call)):
        assert (view["session_id"], view["room_name"]) == (f"{ROOM}.1", "call-_+15550100300_x7")


@pytest.mark.parametrize("state", State)
def test_a_call_names_its_session_as_the_session_does(state: State) -> None:
    call = a_call(state)
    session = latest_session(call)
    assert call_view(call)["session_id"] == (None if session is None else session.session_id)


def test_a_clock_that_went_back_makes_no_negative_duration() -> None:
    assert shown(a_call(State.ENDED, answered_at=at(61)))["duration_s"] == 0


def test_the_room_of_a_past_attempt_stays_a_session_of_its_own() -> None:
    call = a_call(State.ACTIVE, attempt=4, attempts=(FIRST, TALKED), dialed_at=at(60))
    busy, failed, present = shown(call, 1), shown(call, 3), shown(call)
    assert [view["session_id"][-2:] for view in (busy, failed, present)] == [".1", ".3", ".4"]
    assert [view["status"] for view in (busy, failed, present)] == ["failed", "completed", "active"]
    assert (busy["end_reason"], busy["duration_s"], busy["participants"]) == ("USER_BUSY", None, [])
    assert (failed["end_reason"], failed["duration_s"]) == ("AGENT_FAILED", 28)
    assert session_of(call, 2) is None, "the carrier had no room: nobody was rung"
    assert session_of(call, 5) is None


def test_while_a_call_waits_for_its_next_attempt_the_last_is_its_session() -> None:
    view = shown(waiting(transcript_turns=7))
    assert (view["session_id"], view["status"], view["transcript_turns"]) == (f"{ROOM}.3", "completed", 7)
    assert shown(waiting(transcript_turns=7), 1)["transcript_turns"] == 0, "they are of the last attempt"


def test_what_is_kept_of_one_attempt_is_not_shown_of_another() -> None:
    call = a_call(State.ACTIVE, attempt=4, attempts=(FIRST, TALKED), dialed_at=at(60), transcript_turns=2)
    assert [shown(call, dial)["transcript_turns"] for dial in (1, 3, 4)] == [0, 0, 2]


def test_a_phone_that_was_answered_in_vain_has_not_talked() -> None:
    lonely = Attempt(1, at(1), at(20), EndReason.AGENT_DID_NOT_JOIN, answered_at=at(6))
    view = shown(a_call(State.QUEUED, attempt=1, attempts=(lonely,)))
    assert (view["status"], view["participants"]) == ("failed", ["user"])


@pytest.mark.parametrize("state", [state for state in State if state is not State.QUEUED])
@pytest.mark.parametrize("direction", Direction)
def test_the_sdk_reads_every_session(state: State, direction: Direction) -> None:
    call = a_call(state, direction=direction, recording=True, pipe_id=None, to_number=None)
    read = SdkSession(**shown(call))
    assert (read.session_id, read.call_id) == (call.room_name, call.call_id)
    assert (read.transcript, read.usage, read.summary, read.recording_url) == ([], {}, None, None)
    assert read.features == ["recording"]


def test_the_sdk_reads_turns_with_and_without_their_moment() -> None:
    turns = (Turn("agent", "Hello?", "2026-11-21T02:09:00.123Z"), Turn("user", "Yes", None))
    session = latest_session(a_call(State.ENDED, transcript_turns=9))
    assert session is not None
    view = session_view(session, Transcript(turns, "Short.", {"tokens": 3}), "https://example.com/a.ogg")
    read = SdkSession(**view)
    assert [(turn.role, turn.content, turn.timestamp is None) for turn in read.transcript] == [
        ("agent", "Hello?", False),
        ("user", "Yes", True),
    ]
    assert (read.summary, read.usage, read.recording_url) == ("Short.", {"tokens": 3}, "https://example.com/a.ogg")
    assert view["transcript_turns"] == 2, "as many as are shown"


@pytest.mark.parametrize("transcript", [None, Transcript()])
def test_a_call_of_which_nothing_was_told_has_no_turns(transcript: Transcript | None) -> None:
    assert transcript_view(transcript) == {"transcript": [], "summary": None, "usage": {}}
