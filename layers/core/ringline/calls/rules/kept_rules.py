"""What is kept of a call beside its record - transcript and recording - and may become known after its end. It changes
neither state nor reason. Pure."""

from copy import replace

from ringline.calls.model.call import Call, Recording
from ringline.calls.model.events import RecordingSeen, TranscriptKept
from ringline.calls.model.results import Moved, Result, Rule, Unmoved
from ringline.calls.rules.ending import changed


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


def _recording_seen(call: Call, event: RecordingSeen) -> Result:
    """Events of an egress come in any order: what is over does not begin again. One that never started is followed by
    one that did."""
    known, reported = call.recorded, _recording(event)
    if reported == known:
        return Unmoved("recording_known")
    if known is not None:
        if known.egress_id == event.egress_id and (event.status == "started" or known.status == "ended"):
            return Unmoved("recording_further_on")
        if known.egress_id != event.egress_id and known.status != "failed":
            return Unmoved("another_recording")
    return Moved(changed(call, recorded=reported))


def _recording(event: RecordingSeen) -> Recording:
    return Recording(event.egress_id, event.status, event.key, event.duration_s, event.error)


AT_ANY_TIME: dict[type, Rule] = {TranscriptKept: _transcript_kept, RecordingSeen: _recording_seen}
