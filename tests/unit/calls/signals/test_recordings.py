"""What LiveKit's reports of an egress mean for a call, and which calls are to be recorded."""

from copy import replace
from typing import Any

import pytest

from ringline.calls.model.call import AttemptId, Call, Recording, State
from ringline.calls.model.events import Claimed, RecordingSeen
from ringline.calls.model.livekit_event import EgressReport
from ringline.calls.model.recorder import RecordsBucket
from ringline.calls.model.results import Moved
from ringline.calls.rules.lifecycle import apply
from ringline.calls.signals.observe import recording_seen
from ringline.calls.tables.recordings import recording_key, recording_of, recording_url
from ringline.calls.views.call_view import call_view
from ringline.calls.views.relay import Change, calls_recorded_on, calls_to_record
from tests.builders import a_call, at

KEY = "acc_1/recordings/call_01JD5Z0000000000000000000A-1.ogg"


def seen(status: str, *, is_over: bool = False, **report: Any) -> RecordingSeen:
    known: dict[str, Any] = {"file_key": KEY, "duration_s": 2.5, **report}
    return recording_seen(EgressReport("EG_1", status, **known), at(9), 1, is_over=is_over)


@pytest.mark.parametrize("status", ["EGRESS_STARTING", "EGRESS_ACTIVE", "EGRESS_ENDING", "EGRESS_OF_THE_FUTURE"])
def test_an_egress_under_way_has_no_file_yet_though_it_names_one(status: str) -> None:
    assert seen(status) == RecordingSeen(at(9), 1, "EG_1", "started")


@pytest.mark.parametrize("status", ["EGRESS_COMPLETE", "EGRESS_LIMIT_REACHED"])
def test_an_egress_that_is_complete_or_reached_its_limit_left_a_file(status: str) -> None:
    assert seen(status) == RecordingSeen(at(9), 1, "EG_1", "ended", KEY, 2.5)


@pytest.mark.parametrize("is_over", [True, False])
@pytest.mark.parametrize("status", ["EGRESS_FAILED", "EGRESS_ABORTED"])
def test_an_egress_that_failed_left_none_though_it_names_one(status: str, is_over: bool) -> None:
    assert seen(status, is_over=is_over) == RecordingSeen(at(9), 1, "EG_1", "failed", error=status.lower())
    told = seen(status, is_over=is_over, error="Start signal not received " + "." * 500)
    assert told.error is not None and told.error.startswith("Start signal not received")
    assert len(told.error) == 200, "the call is one small item"


def test_the_end_of_an_egress_in_a_status_of_the_future_goes_by_its_file() -> None:
    assert seen("EGRESS_OF_THE_FUTURE", is_over=True).status == "ended"
    assert seen("EGRESS_OF_THE_FUTURE", is_over=True, file_key=None).status == "failed"


def test_an_egress_that_is_complete_without_a_file_failed() -> None:
    assert seen("EGRESS_COMPLETE", file_key=None) == RecordingSeen(at(9), 1, "EG_1", "failed", error="no_file")


def test_each_attempt_has_a_file_of_its_own_below_its_account() -> None:
    call = a_call(State.ACTIVE)
    assert recording_key(call) == KEY
    assert recording_key(replace(call, attempt=2)) == KEY.replace("-1.ogg", "-2.ogg")


@pytest.mark.parametrize("attempt", [1, 2, 17])
def test_a_file_tells_whose_recording_it_is(attempt: int) -> None:
    call = a_call(State.ACTIVE, call_id="call-with-dashes", attempt=attempt)
    assert recording_of(recording_key(call)) == AttemptId(call.account_id, call.call_id, attempt)


@pytest.mark.parametrize(
    "key",
    [
        None,
        "",
        "acc_1/recordings/call_1.ogg",
        "acc_1/recordings/call_1-0.ogg",
        "acc_1/recordings/call_1-01.ogg",
        "acc_1/recordings/call_1-\N{ARABIC-INDIC DIGIT ONE}.ogg",
        "acc_1/recordings/call_1-1.ogg.json",
        "acc_1/recordings/deeper/call_1-1.ogg",
        "acc_1/transcripts/call_1-1.ogg",
        "/acc_1/recordings/call_1-1.ogg",
        "acc#1/recordings/call_1-1.ogg",
        f"acc_1/recordings/{'x' * 81}-1.ogg",
    ],
)
def test_any_other_file_is_no_calls_recording(key: str | None) -> None:
    assert recording_of(key) is None


@pytest.mark.parametrize(
    "recorded",
    [
        None,
        Recording("EG_1", "started"),
        Recording("EG_1", "failed", error="no_file"),
        Recording("EG_1", "ended"),
        Recording("EG_1", "ended", "acc_2/recordings/call_01JD5Z0000000000000000000A-1.ogg"),
        Recording("EG_1", "ended", "acc_1/recordings/call_another-1.ogg"),
        Recording("EG_1", "ended", "acc_1/transcripts/call_01JD5Z0000000000000000000A-1.json"),
    ],
)
def test_there_is_no_link_to_what_is_not_this_calls_finished_recording(recorded: Recording | None) -> None:
    assert recording_url(a_call(State.ENDED, recorded=recorded), "records") is None


def test_there_is_no_link_without_a_bucket() -> None:
    assert recording_url(a_call(State.ENDED, recorded=Recording("EG_1", "ended", KEY)), "") is None


@pytest.mark.parametrize("order", [("started", "ended"), ("ended", "started")])
def test_reports_of_a_recording_may_come_in_any_order(order: tuple[str, str]) -> None:
    call = a_call(State.ENDED, recording=True)
    for status in order:
        key = KEY if status == "ended" else None
        result = apply(call, RecordingSeen(at(70), 1, "EG_1", status, key))
        call = result.call if isinstance(result, Moved) else call
    assert call.recorded == Recording("EG_1", "ended", KEY)
    assert (call.state, call.ended_at) == (State.ENDED, at(60)), "a recording changes nothing else"


def test_a_recording_whose_start_seemed_to_fail_is_known_by_livekits_own_report() -> None:
    call = a_call(State.ACTIVE, recording=True)
    for event in (
        RecordingSeen(at(7), 1, "", "failed", error="TimeoutError"),
        RecordingSeen(at(8), 1, "EG_1", "started"),
    ):
        result = apply(call, event)
        assert isinstance(result, Moved)
        call = result.call
    assert call.recorded == Recording("EG_1", "started")


def test_the_next_attempt_begins_without_the_recording_of_the_last() -> None:
    over = Recording("EG_1", "ended", KEY)
    result = apply(a_call(State.QUEUED, attempt=1, recording=True, recorded=over), Claimed(at(90)))
    assert isinstance(result, Moved)
    assert result.call.recorded is None
    assert recording_key(result.call) == KEY.replace("-1.ogg", "-2.ogg")


def change(before: Call | None, after: Call, number: int = 1) -> Change:
    return Change(str(number), before, after)


def test_a_call_is_recorded_when_it_becomes_active_and_wants_to_be() -> None:
    dialing, active = a_call(State.DIALING, recording=True), a_call(State.ACTIVE, recording=True)
    assert calls_to_record([change(dialing, active)]) == [active]
    assert calls_to_record([change(None, active)]) == [active]
    assert calls_to_record([change(active, replace(active, version=4))]) == [], "it was active before"
    assert calls_to_record([change(dialing, replace(dialing, version=3))]) == []
    assert calls_to_record([change(a_call(State.DIALING), a_call(State.ACTIVE))]) == [], "nobody asked for it"


def test_nobody_is_recorded_in_the_room_that_the_caller_before_had() -> None:
    """The stream is late, and a rule gives one caller after another the same room."""
    rings, active = (a_call(state, recording=True, inbound_room="front") for state in (State.RINGING, State.ACTIVE))
    ours = a_call(State.ACTIVE, recording=True)
    changes = [change(rings, active), change(a_call(State.DIALING, recording=True), ours, 2)]
    assert calls_to_record(changes, lambda _: True)[0] == active
    assert active not in calls_to_record(changes, lambda _: False)


def test_the_recording_of_a_caller_whose_room_has_the_next_one_is_stopped() -> None:
    callers = {"recording": True, "inbound_room": "front"}
    active, over = (a_call(state, **callers) for state in (State.ACTIVE, State.ENDED))
    assert calls_recorded_on([change(active, over)], lambda _: False) == [active]
    assert calls_recorded_on([change(active, over)], lambda _: True) == [], "it ends with its room"
    assert calls_recorded_on([change(over, replace(over, version=9))], lambda _: False) == []
    unrecorded = change(a_call(State.ACTIVE, inbound_room="front"), a_call(State.ENDED, inbound_room="front"))
    assert calls_recorded_on([unrecorded], lambda _: False) == []


def test_a_call_that_is_over_by_the_time_its_change_is_seen_is_not_recorded() -> None:
    dialing, active = a_call(State.DIALING, recording=True), a_call(State.ACTIVE, recording=True)
    other = replace(active, call_id="call_other")
    changes = [
        change(dialing, active, 1),
        change(replace(dialing, call_id="call_other"), other, 2),
        change(active, a_call(State.ENDED, recording=True), 3),
    ]
    assert calls_to_record(changes) == [other]


def test_what_is_told_of_a_call_never_holds_a_link() -> None:
    view = call_view(a_call(State.ENDED, recording=True, recorded=Recording("EG_1", "ended", KEY)))
    assert view["recording_status"] == "ended"
    assert "recording_url" not in view, "webhooks are kept and sent again: a link would be dead by then, or open a door"


def test_the_secret_of_the_bucket_does_not_show_in_a_log() -> None:
    assert "secret-key" not in repr(RecordsBucket("records", "us-east-1", access_key="AK", secret="secret-key"))
