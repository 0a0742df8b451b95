"""How an attempt's end leaves the call: over, with one reason, or in the queue again. Pure."""

from dataclasses import replace
from typing import Any

from ringline.calls.call import Attempt, Call, Note, State
from ringline.calls.reasons import EndReason
from ringline.calls.verdict import end_reason

_MOST_NOTES = 20
_LONGEST_NOTE = 120


def changed(call: Call, **fields: Any) -> Call:
    return replace(call, version=call.version + 1, **fields)


def over(call: Call, at: int) -> Call:
    """The call after the end of its attempt: in its terminal state with its one reason, or in the queue for another
    attempt where its retry policy wants one and its expiry leaves time for it."""
    reason = end_reason(call, at)
    delay_s = None if call.retry is None else call.retry.delay_s(reason, len(call.attempts) + 1)
    if delay_s is not None and call.in_flight:
        again_at = at + delay_s * 1000
        if call.expires_at is None or again_at < call.expires_at:
            return _tried_again(call, reason, at, again_at)
    if call.active_at is not None:
        state = State.ENDED
    elif reason is EndReason.CALL_CANCELED:
        state = State.CANCELED
    else:
        state = State.NOT_CONNECTED
    return changed(call, state=state, end_reason=reason, ended_at=at, due_at=None)


def _tried_again(call: Call, reason: EndReason, at: int, again_at: int) -> Call:
    attempt = Attempt(
        dial=call.attempt,
        dialed_at=call.dialed_at or at,
        ended_at=at,
        end_reason=reason,
        answered_at=call.answered_at,
        sip_code=call.evidence.sip_code,
    )
    return queued_again(call, again_at, attempts=(*call.attempts, attempt), unsent=0, deferrals=0, deferred_since=None)


def queued_again(call: Call, eligible_at: int, *, rung_at: int | None = None, **fields: Any) -> Call:
    """The call back in the queue, with nothing of its last dial but what that showed. The bell for it is rung at
    `rung_at`, usually when it is eligible; it may get lost with its dialer, so from then on the sweep rings."""
    due_at = eligible_at if rung_at is None else rung_at
    again: dict[str, Any] = {
        "state": State.QUEUED,
        "eligible_at": eligible_at,
        "due_at": due_at if call.expires_at is None else min(due_at, call.expires_at),
        "dialed_at": None,
        "answered_at": None,
        "agent_joined_at": None,
        "agent_left_at": None,
        "active_at": None,
        "leg_sid": None,
        "former_leg_sids": (),
        "sip_call_id": None,
        "agent_sid": None,
        "end_asked_at": None,
        "end_asked_reason": None,
    }
    return changed(call, **again | fields)


def noted(call: Call, at: int, what: str) -> tuple[Note, ...]:
    """The notes with one more. Of very many the middle is left out: a call must stay a small item however often it is
    dialled."""
    notes = (*call.notes, Note(at, f"dial_{call.attempt}_{what}"[:_LONGEST_NOTE]))
    return notes if len(notes) <= _MOST_NOTES else (*notes[: _MOST_NOTES // 2], *notes[-_MOST_NOTES // 2 :])
