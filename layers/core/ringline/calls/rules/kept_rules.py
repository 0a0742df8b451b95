"""What is kept of a call beside its record - transcript and recording - and may become known after its end. It changes
neither state nor reason. Pure."""

from copy import replace

from ringline.calls.model.call import Call, Recording
from ringline.calls.model.events import RecordingPaused, RecordingResumed, RecordingSeen, TranscriptKept
from ringline.calls.model.results import STOP_RECORDING, Moved, Result, Rule, Unmoved
from ringline.calls.rules.ending import changed, noted


def _transcript_kept(call: Call, event: TranscriptKept) -> Result:
    kept = with_transcript(call, event)
    return no_news_in_transcript(call, event) if kept == call else Moved(changed(kept))


def no_news_in_transcript(call: Call, event: TranscriptKept) -> Unmoved:
    return Unmoved("longer_transcript_kept" if event.turns < call.transcript_turns else "transcript_kept_before")


def with_transcript(call: Call, event: TranscriptKept) -> Call:
    """Turns and usage may be posted at the same time, and be told of in either order: fewer turns say nothing."""
    if event.turns < call.transcript_turns:
        return call
    return replace(call, transcript_turns=event.turns, transcript_kept=event.kept)


# --- the recording ---------------------------------------------------------------------------------------------------


def _recording_seen(call: Call, event: RecordingSeen) -> Result:
    """Events of an egress come in any order: what is over does not begin again. One that never started is followed by
    one that did."""
    known = recording_of_segment(call, event.segment)
    reported = _recording(event, known)
    must_stop = STOP_RECORDING if event.status == "started" and not _may_run(call, event.segment) else frozenset()
    if reported == known:
        return Unmoved("recording_known", must_stop)
    if known is not None:
        if known.egress_id == event.egress_id and (event.status == "started" or known.status == "ended"):
            return Unmoved("recording_further_on", must_stop)
        if known.egress_id != event.egress_id and known.status != "failed":
            return Unmoved("another_recording", must_stop)
    return Moved(changed(_with_recording(call, reported)), must_stop)


def _recording(event: RecordingSeen, known: Recording | None) -> Recording:
    began_at = None if known is None or known.egress_id != event.egress_id else known.began_at
    over_at = None if known is None or known.egress_id != event.egress_id else known.over_at
    if event.status == "started":
        began_at = began_at or event.at
    elif event.status == "ended":
        over_at = over_at or event.at
    return Recording(
        event.egress_id,
        event.status,
        event.key,
        event.duration_s,
        event.error,
        segment=event.segment,
        began_at=began_at,
        over_at=over_at,
    )


def recording_of_segment(call: Call, segment: int) -> Recording | None:
    """What is known of that segment's recording."""
    if segment == call.recording_segment:
        return call.recorded
    return next((each for each in call.former_recordings if each.segment == segment), None)


def _with_recording(call: Call, recording: Recording) -> Call:
    if recording.segment == call.recording_segment:
        return replace(call, recorded=recording)
    others = [each for each in call.former_recordings if each.segment != recording.segment]
    return replace(call, former_recordings=tuple(sorted((*others, recording), key=lambda each: each.segment)))


def _may_run(call: Call, segment: int) -> bool:
    return segment == call.recording_segment and call.recording_paused_at is None


def segments_at_rest(call: Call) -> range:
    """The segments of a call of which nothing may be recorded at this moment."""
    ends_before = call.recording_segment + (1 if call.recording_paused_at is not None else 0)
    return range(1, ends_before)


def is_to_rest(call: Call) -> bool:
    """Whether somebody has to see to it that LiveKit does not record the call, or a segment of it: as far as is known,
    not all of that is over. While a recording is paused LiveKit is asked again and again, because it may have been
    about to begin one."""
    if not call.in_flight or not call.recording:
        return False
    may_run_on = any(each.status == "started" for each in call.former_recordings)
    return call.recording_paused_at is not None or may_run_on


def _recording_paused(call: Call, event: RecordingPaused) -> Result:
    if not call.recording:
        return Unmoved("not_recorded")
    if call.recording_paused_at is not None:
        return Unmoved("paused_before", STOP_RECORDING)
    if len(call.former_recordings) >= MOST_SEGMENTS:
        return Unmoved("too_many_segments")
    what = "recording_paused" + (f": {event.reason}" if event.reason else "")
    recorded = None if call.recorded is None else replace(call.recorded, over_at=call.recorded.over_at or event.at)
    paused = changed(call, recording_paused_at=event.at, recorded=recorded, notes=noted(call, event.at, what))
    return Moved(paused, STOP_RECORDING)


def _recording_resumed(call: Call, event: RecordingResumed) -> Result:
    if not call.recording:
        return Unmoved("not_recorded")
    if call.recording_paused_at is None:
        return Unmoved("not_paused")
    former = call.former_recordings if call.recorded is None else (*call.former_recordings, call.recorded)
    resumed = changed(
        call,
        recording_paused_at=None,
        recording_segment=call.recording_segment + 1,
        recorded=None,
        former_recordings=former,
        notes=noted(call, event.at, "recording_resumed"),
    )
    return Moved(resumed, STOP_RECORDING if is_to_rest(resumed) else frozenset())


MOST_SEGMENTS = 50
"""A call must stay a small item however often its recording is paused."""

AT_ANY_TIME: dict[type, Rule] = {TranscriptKept: _transcript_kept, RecordingSeen: _recording_seen}
OF_ITS_RECORDING: dict[type, Rule] = {RecordingPaused: _recording_paused, RecordingResumed: _recording_resumed}
