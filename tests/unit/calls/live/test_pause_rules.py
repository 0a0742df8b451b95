"""Pauses of a recording: what is wanted, what LiveKit is seen to do, and what follows where the two differ."""

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import ListenerJoined, ListenerLeft, RecordingPaused, RecordingResumed, RecordingSeen
from ringline.calls.model.results import STOP_RECORDING, Moved
from ringline.calls.rules.kept_rules import MOST_SEGMENTS, is_to_rest, segments_at_rest
from ringline.calls.rules.lifecycle import apply
from ringline.calls.tables.recordings import recording_key, recording_of, segment_of
from ringline.calls.tables.records import call_from_item, call_to_item
from tests.builders import a_call, after, at, moved, unmoved

STARTED = RecordingSeen(at(7), 1, "EG_1", "started")


def a_recorded_call() -> Call:
    return moved(a_call(State.ACTIVE, recording=True), STARTED)


def test_a_pause_is_wanted_once_and_asked_of_livekit_each_time() -> None:
    call = a_recorded_call()
    result = apply(call, RecordingPaused(at(10), 1, "card"))
    assert isinstance(result, Moved) and result.effects == STOP_RECORDING
    assert result.call.recording_paused_at == at(10)
    assert list(segments_at_rest(result.call)) == [1]
    again = unmoved(result.call, RecordingPaused(at(11), 1))
    assert (again.why, again.effects) == ("paused_before", STOP_RECORDING)


def test_what_goes_on_after_a_pause_is_a_segment_with_a_file_of_its_own() -> None:
    ended = RecordingSeen(at(12), 1, "EG_1", "ended", "k", 3.0)
    call = after(a_recorded_call(), RecordingPaused(at(10), 1), ended, RecordingResumed(at(20), 1))
    assert (call.recording_segment, call.recorded, call.recording_paused_at) == (2, None, None)
    assert [(each.segment, each.status, each.over_at) for each in call.former_recordings] == [(1, "ended", at(10))]
    assert not is_to_rest(call)
    key = recording_key(call)
    assert (segment_of(key), segment_of(recording_key(call, 1))) == (2, 1)
    whose = recording_of(key)
    assert whose is not None and (whose.call_id, whose.attempt) == (call.call_id, 1)


def test_the_end_of_a_segment_may_be_heard_of_after_the_next_has_begun() -> None:
    call = after(a_recorded_call(), RecordingPaused(at(10), 1), RecordingResumed(at(11), 1))
    assert is_to_rest(call)
    both = after(
        call,
        RecordingSeen(at(12), 1, "EG_2", "started", segment=2),
        RecordingSeen(at(13), 1, "EG_1", "ended", "k", 3.0),
    )
    assert both.recorded is not None and both.recorded.egress_id == "EG_2"
    assert [each.status for each in both.former_recordings] == ["ended"]
    assert not is_to_rest(both)


def test_what_begins_to_be_recorded_during_a_pause_is_to_be_stopped() -> None:
    paused = moved(a_call(State.ACTIVE, recording=True), RecordingPaused(at(6), 1))
    result = apply(paused, STARTED)
    assert isinstance(result, Moved) and result.effects == STOP_RECORDING
    late = after(paused, RecordingResumed(at(8), 1))
    result = apply(late, STARTED)
    assert isinstance(result, Moved) and result.effects == STOP_RECORDING
    assert is_to_rest(result.call)


def test_nothing_is_paused_that_is_not_recorded_and_not_for_ever() -> None:
    assert unmoved(a_call(State.ACTIVE), RecordingPaused(at(9), 1)).why == "not_recorded"
    assert unmoved(a_recorded_call(), RecordingResumed(at(9), 1)).why == "not_paused"
    call = a_recorded_call()
    for number in range(MOST_SEGMENTS):
        seen = RecordingSeen(at(10 + number), 1, f"EG_{number + 2}", "started", segment=number + 2)
        call = after(call, RecordingPaused(at(10 + number), 1), RecordingResumed(at(10 + number), 1), seen)
    assert unmoved(call, RecordingPaused(at(99), 1)).why == "too_many_segments"
    assert call_from_item(call_to_item(call)) == call


def test_a_listener_that_leaves_is_nobody_and_one_who_talked_may_have_been_the_last() -> None:
    call = a_call(State.ACTIVE, agent_left_at=at(20), handed_over_at=at(21))
    heard = after(
        call, ListenerJoined(at(22), 1, "monitor-listen_1", "listen"), ListenerLeft(at(30), 1, "monitor-listen_1")
    )
    assert heard.other_left_at is None
    talked = after(
        call, ListenerJoined(at(22), 1, "monitor-barge_1", "barge"), ListenerLeft(at(30), 1, "monitor-barge_1")
    )
    assert talked.other_left_at == at(30)
    assert [each.left_at for each in talked.listeners] == [at(30)]
    assert call_from_item(call_to_item(talked)).listeners == talked.listeners
