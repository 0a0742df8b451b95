"""Which changes of a call are events besides its ringing, talking and end."""

from copy import replace
from itertools import pairwise
from typing import Any

import pytest

from ringline.calls.model.call import AgentReports, Attempt, Call, Direction, Recording, State
from ringline.calls.model.events import DialDeferred
from ringline.calls.model.reasons import EndReason
from ringline.calls.views.call_view import call_view
from ringline.calls.views.payload import draft_of, event_ids_of, news
from ringline.webhooks.model.event_type import EventType
from tests.builders import NOW, a_call, an_answered_call, at, moved

ENDED = a_call(State.ENDED, end_reason=EndReason.USER_HUNG_UP_IN_CALL)
FILE = Recording("EG_1", "ended", "acc_1/recordings/x-1.ogg", 12.0, over_at=at(61))


def told(before: Call | None, after: Call) -> list[str]:
    return [event_type.value for event_type, _ in news(before, after)]


def test_a_call_that_is_asked_for_is_created_and_queued() -> None:
    assert told(None, a_call()) == ["call.created", "call.queued"]


def test_somebody_who_rings_in_is_created_and_rings() -> None:
    assert told(None, a_call(State.RINGING, direction=Direction.INBOUND)) == ["call.created", "call.ringing"]


def test_a_phone_that_is_picked_up_at_once_has_rung_before() -> None:
    assert told(a_call(State.DIALING), an_answered_call()) == ["call.ringing", "call.answered"]
    assert told(a_call(State.DIALING), a_call(State.ACTIVE)) == ["call.ringing", "call.answered", "call.active"]


def test_a_dial_that_came_to_nothing_is_deferred_and_waits_again() -> None:
    dialing = a_call(State.DIALING)
    deferred = moved(dialing, DialDeferred(at(2), 1, None, None, None, "full", 1))
    assert told(dialing, deferred) == ["call.deferred", "call.queued"]


def test_an_attempt_after_which_another_is_made_has_failed() -> None:
    busy = Attempt(dial=1, dialed_at=at(1), ended_at=at(3), end_reason=EndReason.USER_BUSY)
    again = a_call(State.QUEUED, attempt=1, attempts=(busy,), version=3)
    assert told(a_call(State.DIALING), again) == ["call.attempt_failed", "call.queued"]
    assert draft_of(EventType.CALL_ATTEMPT_FAILED, again, 1).occurred_at == at(3)


def test_a_call_that_is_canceled_has_ended_too() -> None:
    canceled = a_call(State.CANCELED, end_reason=EndReason.CALL_CANCELED)
    assert told(a_call(), canceled) == ["call.canceled", "call.ended"]


@pytest.mark.parametrize(("status", "event"), [("ended", "recording.ready"), ("failed", "recording.failed")])
def test_a_recording_is_told_of_also_after_the_end_and_once(status: str, event: str) -> None:
    there = replace(ENDED, recorded=replace(FILE, status=status))
    assert told(ENDED, there) == [event]
    assert told(there, replace(there, transcript_turns=0, version=9)) == []
    assert draft_of(EventType.RECORDING_READY, there, 3).occurred_at == at(61)


def test_each_segment_of_a_recording_has_its_event() -> None:
    first = replace(ENDED, recorded=None, former_recordings=(FILE,), recording_segment=2, version=4)
    second = replace(first, recorded=replace(FILE, egress_id="EG_2", segment=2), version=5)
    ids = [
        draft_of(event_type, after, occurrence).event_id
        for before, after in ((ENDED, first), (first, second))
        for event_type, occurrence in news(before, after)
    ]
    assert len(set(ids)) == 2


def test_a_transcript_is_ready_when_the_agent_has_told_all_or_the_call_is_over() -> None:
    talks = a_call(State.ACTIVE, transcript_kept="table", transcript_turns=3)
    assert told(a_call(State.ACTIVE), talks) == []
    said_all = replace(talks, reports=AgentReports(said_all=True))
    assert told(talks, said_all) == ["transcript.ready"]
    late = replace(ENDED, transcript_kept="table", transcript_turns=3)
    assert told(ENDED, late) == ["transcript.ready"]
    assert told(late, replace(late, transcript_turns=5)) == ["transcript.ready"], "it has grown"


@pytest.mark.parametrize(
    ("fields", "recording", "transcript"),
    [
        ({}, False, False),
        ({"recording": True}, True, False),
        ({"recording": True, "recorded": replace(FILE, status="started")}, True, False),
        ({"recording": True, "recorded": FILE}, False, False),
        ({"reports": AgentReports(can_report=("transcript",), ready_at=NOW)}, False, True),
        ({"reports": AgentReports(can_report=("transcript",), ready_at=NOW, said_all=True)}, False, False),
        ({"recording": True, "content_erased_at": NOW}, False, False),
    ],
)
def test_an_end_says_what_is_still_to_come(fields: dict[str, Any], recording: bool, transcript: bool) -> None:
    shown = call_view(replace(ENDED, **fields))
    assert (shown["recording_pending"], shown["transcript_pending"]) == (recording, transcript)


def test_every_event_that_a_call_was_told_by_can_be_named_again() -> None:
    life = [
        None,
        a_call(),
        a_call(State.DIALING),
        a_call(State.ACTIVE),
        replace(ENDED, version=4),
        replace(ENDED, version=5, recorded=FILE, transcript_kept="table", transcript_turns=3),
    ]
    ids = {
        draft_of(event_type, after, occurrence).event_id
        for before, after in pairwise(life)
        if after is not None
        for event_type, occurrence in news(before, after)
    }
    last = life[-1]
    assert last is not None and len(ids) == 8
    assert ids <= set(event_ids_of(last))
