"""What is kept of a call beside its record - transcript and recording - and may become known after its end. It changes
neither state nor reason. Pure."""

import re
from copy import replace

from ringline.calls.model.call import Call, Direction, Listener, Recording, RecordingConsent, State
from ringline.calls.model.events import (
    ContentErased,
    DtmfAsked,
    DtmfSent,
    ListenerJoined,
    ListenerLeft,
    RecordingPaused,
    RecordingResumed,
    RecordingSeen,
    TranscriptKept,
)
from ringline.calls.model.livekit_event import monitored_call
from ringline.calls.model.results import END_ROOM, REMOVE_LISTENER, STOP_RECORDING, Moved, Result, Rule, Unmoved
from ringline.calls.model.timing import RECORDING_ENDS_S, RECORDING_SHOWS_S, ms
from ringline.calls.model.transfers.transfer import Transfer
from ringline.calls.rules.ending import changed, noted
from ringline.calls.rules.presence_rules import other_leaves


def _transcript_kept(call: Call, event: TranscriptKept) -> Result:
    if call.content_erased_at is not None:
        return Unmoved(CONTENT_ERASED)
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
    if call.content_erased_at is not None:
        return Unmoved(CONTENT_ERASED)
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
    what = _PAUSED + (f": {event.reason}" if event.reason else "")
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


_PAUSED = "recording_paused"


def _without_reason(what: str) -> str:
    """A note without what somebody gave as the reason of a pause."""
    head, _, words = what.partition(f"{_PAUSED}: ")
    return f"{head}{_PAUSED}" if words else what


MOST_SEGMENTS = 50
"""A call must stay a small item however often its recording is paused."""

# --- listeners and tones ---------------------------------------------------------------------------------------------


def _listener_joined(call: Call, event: ListenerJoined) -> Result:
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked", END_ROOM)
    if any(each.identity == event.identity and each.left_at is None for each in call.listeners):
        return Unmoved("listener_is_known")
    if monitored_call(event.identity) not in {None, call.call_id}:
        what = f"listener_removed: {event.identity}"
        notes = noted(call, event.at, what)
        if any(note.what == notes[-1].what for note in call.notes):
            return Unmoved("listener_of_another_call", REMOVE_LISTENER)
        return Moved(changed(call, notes=notes), REMOVE_LISTENER)
    listeners = (*call.listeners, Listener(event.identity, event.mode, event.at))
    return Moved(changed(call, listeners=listeners[-MOST_LISTENERS:]))


def _listener_left(call: Call, event: ListenerLeft) -> Result:
    there = [each for each in call.listeners if each.identity == event.identity and each.left_at is None]
    if not there:
        return Unmoved("listener_is_not_known")
    left = tuple(replace(each, left_at=event.at) if each in there else each for each in call.listeners)
    gone = replace(call, listeners=left)
    if there[0].mode == BARGE and call.in_flight and call.agent_left_at is not None:
        # They may have been the one with whom the other side talked on.
        return other_leaves(gone, event.at, has_talked=False)
    return Moved(changed(gone))


def _dtmf_asked(call: Call, event: DtmfAsked) -> Result:
    if call.state is not State.ACTIVE or call.end_asked_at is not None:
        return Unmoved("not_active")
    if call.direction is Direction.WEB:
        return Unmoved("no_phone")
    if DTMF not in call.reports.can_report:
        return Unmoved("agent_cannot")
    return Moved(changed(call, notes=noted(call, event.at, f"dtmf_asked: {event.dtmf_id}")))


def _dtmf_sent(call: Call, event: DtmfSent) -> Result:
    what = f"dtmf_sent: {event.dtmf_id}" if event.error is None else f"dtmf_failed: {event.dtmf_id} {event.error}"
    notes = noted(call, event.at, what)
    if any(note.what == notes[-1].what for note in call.notes):
        return Unmoved("dtmf_told_before")
    return Moved(changed(call, notes=notes))


# --- nothing is to be kept --------------------------------------------------------------------------------------------

CONTENT_ERASED = "content_erased"
"""Why what is told late is not kept."""

_GONE = "erased"


def _content_erased(call: Call, event: ContentErased) -> Result:
    """That a number was called, when, and why it ended stays: it is what a customer pays for. Where a number is to be
    erased, that it was this one does not."""
    if not call.state.is_terminal:
        return Unmoved("not_over")
    # One that was erased before waits for none: whoever died over the rest asks again.
    if call.content_erased_at is None and _file_may_come(call, event.at):
        return Unmoved("recording_not_finished")
    erased = replace(
        call,
        instructions=None,
        data={},
        metadata={},
        asked_key=None,
        metadata_apart=False,
        recording_consent=_without_person(call.recording_consent, is_forgotten=event.number is not None),
        webhook_url=None,
        recorded=None,
        former_recordings=(),
        transcript_turns=0,
        transcript_kept=None,
        transfers=tuple(replace(each, announcement=None) for each in call.transfers),
        notes=tuple(replace(each, what=_without_reason(each.what)) for each in call.notes),
        content_erased_at=call.content_erased_at or event.at,
    )
    if event.number is not None:
        erased = without_number(erased, event.number)
    return Unmoved("erased_before") if erased == call else Moved(changed(erased))


def _file_may_come(call: Call, now: int) -> bool:
    """Whether LiveKit may be about to write a file. That one is finished may get lost, that one has begun, too: after a
    while neither is waited for any more."""
    over_for_ms = now - (call.ended_at or call.created_at)
    files = (call.recorded, *call.former_recordings)
    if any(each is not None and each.status == "started" for each in files):
        return over_for_ms < ms(RECORDING_ENDS_S)
    was_to_begin = call.recording and call.active_at is not None and call.recorded is None
    return was_to_begin and call.recording_paused_at is None and over_for_ms < ms(RECORDING_SHOWS_S)


def _without_person(consent: RecordingConsent | None, *, is_forgotten: bool) -> RecordingConsent | None:
    """That there was consent stays, as the proof of why the call was recorded; not whose it was. With the person what
    finds them in the customer's records goes, too."""
    if consent is None:
        return None
    return replace(consent, given_by=None, reference=None if is_forgotten else consent.reference)


def without_number(call: Call, number: str) -> Call:
    """The call without this number, wherever it stands: LiveKit names callers and their rooms by it, and carriers tell
    it in their own words."""
    digits = re.compile(rf"(?<!\d)(?:\+|00|011)?{re.escape(number.removeprefix('+'))}(?!\d)")

    def told(text: str | None) -> str | None:
        return None if text is None else digits.sub(_GONE, text)

    def kept(text: str | None) -> str | None:
        return None if text is not None and _names(text, number) else text

    allowed = call.transfer_allowed_numbers
    evidence, carrier, reports = call.evidence, call.carrier, call.reports
    return replace(
        call,
        to_number=kept(call.to_number),
        from_number=kept(call.from_number),
        fallback_number=kept(call.fallback_number),
        inbound_room=kept(call.inbound_room),
        caller_identity=kept(call.caller_identity),
        attempts=tuple(replace(each, from_number=kept(each.from_number)) for each in call.attempts),
        notes=tuple(replace(each, what=digits.sub(_GONE, each.what)) for each in call.notes),
        evidence=replace(evidence, sip_status=told(evidence.sip_status), twirp_message=told(evidence.twirp_message)),
        carrier=replace(carrier, forwarded_to=told(carrier.forwarded_to), cause=told(carrier.cause)),
        reports=replace(
            reports,
            transferred_to=kept(reports.transferred_to),
            voicemail_why=told(reports.voicemail_why),
            hung_up_for=told(reports.hung_up_for),
        ),
        transfers=tuple(_transfer_without(each, number) for each in call.transfers),
        transfer_allowed_numbers=None if allowed is None else tuple(each for each in allowed if each != number),
    )


def _transfer_without(transfer: Transfer, number: str) -> Transfer:
    former = transfer.former
    if former is not None and former.transferred_to is not None and _names(former.transferred_to, number):
        former = replace(former, transferred_to=None)
    target, *fallback = (
        replace(each, name=_GONE) if each.name == number else each for each in (transfer.target, *transfer.fallback)
    )
    return replace(transfer, target=target, fallback=tuple(fallback), former=former)


def _names(text: str, number: str) -> bool:
    return number.removeprefix("+") in text


BARGE = "barge"
DTMF = "dtmf"
MOST_LISTENERS = 20

AT_ANY_TIME: dict[type, Rule] = {
    TranscriptKept: _transcript_kept,
    RecordingSeen: _recording_seen,
    ListenerLeft: _listener_left,
    ContentErased: _content_erased,
}
IN_FLIGHT: dict[type, Rule] = {
    RecordingPaused: _recording_paused,
    RecordingResumed: _recording_resumed,
    ListenerJoined: _listener_joined,
    DtmfAsked: _dtmf_asked,
    DtmfSent: _dtmf_sent,
}
