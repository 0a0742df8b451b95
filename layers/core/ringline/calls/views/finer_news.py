"""What changes of a call are worth besides its ringing, talking and end: how it waits, each of its attempts, and what
is kept of it, also where that comes after the end."""

from collections.abc import Iterator

from ringline.calls.model.call import Call, Recording, State
from ringline.calls.views.call_view import recordings_of
from ringline.webhooks.model.event_type import EventType

_T = EventType

IN_ORDER: tuple[EventType, ...] = (
    _T.CALL_CREATED,
    _T.CALL_RINGING,
    _T.CALL_ANSWERED,
    _T.CALL_ACTIVE,
    _T.CALL_ATTEMPT_FAILED,
    _T.CALL_DEFERRED,
    _T.CALL_QUEUED,
    _T.CALL_CANCELED,
    _T.CALL_ENDED,
    _T.RECORDING_READY,
    _T.RECORDING_FAILED,
    _T.TRANSCRIPT_READY,
)
"""In which order those of one change are told."""

BY_CHANGE = frozenset({_T.CALL_QUEUED, _T.CALL_DEFERRED, _T.RECORDING_READY, _T.RECORDING_FAILED, _T.TRANSCRIPT_READY})
"""What may happen to a call any number of times: the change of the call that it was tells them apart."""


def finer_news(before: Call | None, after: Call) -> Iterator[tuple[EventType, int]]:
    """Events with their occurrence."""
    if before is None:
        yield _T.CALL_CREATED, 1
        if after.state is State.QUEUED:
            yield _T.CALL_QUEUED, after.version
        return
    if not before.state.is_terminal:
        yield from _of_the_attempt(before, after)
        if after.state is State.CANCELED:
            yield _T.CALL_CANCELED, 1
    known = {each.egress_id for each in recordings_of(before) if _is_over(each)}
    for recording in recordings_of(after):
        if _is_over(recording) and recording.egress_id not in known:
            kind = _T.RECORDING_READY if recording.status == "ended" else _T.RECORDING_FAILED
            yield kind, after.version
    if _has_transcript(after) and (not _has_transcript(before) or after.transcript_turns > before.transcript_turns):
        # One that grows after it was told is told again.
        yield _T.TRANSCRIPT_READY, after.version


def _of_the_attempt(before: Call, after: Call) -> Iterator[tuple[EventType, int]]:
    is_answered = after.answered_at is not None
    if is_answered and (before.answered_at is None or before.attempt != after.attempt):
        yield _T.CALL_ANSWERED, after.attempt
    if len(after.attempts) > len(before.attempts):
        yield _T.CALL_ATTEMPT_FAILED, len(after.attempts)
    elif before.in_flight and after.state is State.QUEUED:
        yield _T.CALL_DEFERRED, after.version
    if before.in_flight and after.state is State.QUEUED:
        yield _T.CALL_QUEUED, after.version


def happened_at(event_type: EventType, call: Call) -> int | None:
    """When an event of these happened; None where the call's record does not say."""
    last_note = call.notes[-1].at if call.notes else None
    recorded_until = None if call.recorded is None else call.recorded.over_at
    return {
        _T.CALL_CREATED: call.created_at,
        _T.CALL_QUEUED: call.attempts[-1].ended_at if call.attempts else last_note,
        _T.CALL_DEFERRED: last_note,
        _T.CALL_ANSWERED: call.answered_at,
        _T.CALL_ATTEMPT_FAILED: call.attempts[-1].ended_at if call.attempts else None,
        _T.CALL_CANCELED: call.ended_at,
        _T.RECORDING_READY: recorded_until,
        _T.RECORDING_FAILED: recorded_until,
        _T.TRANSCRIPT_READY: call.ended_at,
    }.get(event_type)


def _is_over(recording: Recording) -> bool:
    return recording.status in {"ended", "failed"}


def _has_transcript(call: Call) -> bool:
    """Whether there is one to which the agent has no more to add, or that of a call which is over."""
    return call.transcript_kept is not None and (call.reports.said_all or call.state.is_terminal)
