"""How an attempt's end leaves the call: asked for, over with one reason, or in the queue again. Pure."""

from copy import replace
from typing import Any

from ringline.calls.capacity.pools import refused_for_its_number
from ringline.calls.model.call import UP, Attempt, Call, CallStatus, Note, Refusal, State
from ringline.calls.model.events import DialDeferred, DialWithoutLivekit
from ringline.calls.model.moments import in_order
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM, Moved, Result
from ringline.calls.model.timing import (
    CARRIER_PAUSE_S,
    DEFERRAL_COUNTS_S,
    DEFERRAL_DELAYS_S,
    DEFERRALS_IN_PLACE,
    DEFERRED_FOR_S,
    FIRST_LOOK_S,
    NO_AGENT_S,
    ms,
)
from ringline.calls.model.transfers.transfer import Former, of_dial
from ringline.calls.rules.transfers.steps import settled_with_call
from ringline.calls.rules.verdict import end_reason

_MOST_NOTES = 20
_LONGEST_NOTE = 120
_LIVEKIT_AWAY = "livekit_away"
_NOTHING_OF_THE_WAIT: dict[str, Any] = {"unsent": 0, "deferrals": 0, "deferred_since": None, "deferred_at": None}


def changed(call: Call, **fields: Any) -> Call:
    return replace(call, version=call.version + 1, **fields)


def asked(call: Call, at: int, reason: EndReason) -> Call:
    """The call whose end somebody wants, recorded before LiveKit is asked. The API's hang-up of a call that has not
    connected yet is a cancel, decided on the very record it is written to."""
    cancels = reason is EndReason.API_HUNG_UP and call.active_at is None
    return replace(call, end_asked_at=at, end_asked_reason=EndReason.CALL_CANCELED if cancels else reason)


def as_far_as_known(call: Call, at: int) -> Call:
    """A dialer that died could not record the answer; the leg's last status is the only witness, its moment unknown.
    Who answered and stayed until the leg left is taken to have had a conversation."""
    if call.answered_at is not None:
        return with_agent_that_reported(call)
    status = call.evidence.last_call_status
    # A caller who gives up while it rings leaves the status `hangup`, too.
    up = UP if call.comes_in else UP | {CallStatus.HANGUP}
    if status not in up:
        return call
    answered_at = call.evidence.leg_left_at or at
    return replace(call, answered_at=answered_at, active_at=answered_at)


def with_agent_that_reported(call: Call) -> Call:
    """An agent that told of itself in an answered call was there, though nobody saw it join. One whose end was asked
    before becomes no conversation any more."""
    ready_at, left_at = call.reports.ready_at, call.evidence.leg_left_at
    if call.answered_at is None or call.active_at is not None or call.end_asked_at is not None:
        return call
    if ready_at is None or (left_at is not None and ready_at > left_at):
        return call
    active_at = max(call.answered_at, ready_at)
    return replace(call, state=State.ACTIVE, agent_joined_at=ready_at, active_at=active_at)


def with_agent_that_was_there(call: Call) -> Call:
    """Nobody is dialled before an agent is there (`agent_first`), and LiveKit's agents leave behind who has left:
    whoever learns of an answer when both are gone sees nobody, though somebody was there."""
    left_at = call.evidence.leg_left_at
    if call.comes_in or not call.agent_first or call.answered_at is None or call.active_at is not None:
        return call
    if call.end_asked_at is not None or left_at is None or call.former_agent_sids:
        return call
    if call.agent_left_at is not None and call.agent_left_at < left_at:
        return call
    return replace(call, state=State.ACTIVE, active_at=call.answered_at)


def over(call: Call, at: int) -> Call:
    """The call after the end of its attempt: in its terminal state with its one reason, or in the queue for another
    attempt where its retry policy wants one and its expiry leaves time for it."""
    at = in_order(call, at)
    call = _with_rest_noted(call, at)
    reason = end_reason(call, at)
    call = settled_with_call(call, reason, at)
    delay_s = None if call.retry is None else call.retry.delay_s(reason, len(call.attempts) + 1)
    if delay_s is not None and call.in_flight:
        again_at = at + ms(delay_s)
        if call.expires_at is None or again_at < call.expires_at:
            return _tried_again(call, reason, at, again_at)
    if call.active_at is not None:
        state = State.ENDED
    elif reason is EndReason.CALL_CANCELED:
        state = State.CANCELED
    else:
        state = State.NOT_CONNECTED
    return changed(call, state=state, end_reason=reason, ended_at=at, due_at=_untold_since(call, at))


def _untold_since(call: Call, at: int) -> int:
    """The mark of an end that nobody has announced. The place in the due index that the call had on its line is as good
    as any other, and keeping it costs no write there."""
    return at if call.due_at is None or call.due_at > at + ms(FIRST_LOOK_S) else call.due_at


def _with_rest_noted(call: Call, at: int) -> Call:
    """Whoever reads the call learns that the number it went out on is left alone for a while."""
    why = refused_for_its_number(call) if call.from_pool and call.in_flight else None
    return call if why is None else replace(call, notes=noted(call, at, f"caller_id_rests: {call.from_number} {why}"))


def _tried_again(call: Call, reason: EndReason, at: int, again_at: int) -> Call:
    attempt = Attempt(
        dial=call.attempt,
        dialed_at=call.dialed_at or at,
        ended_at=at,
        end_reason=reason,
        answered_at=call.answered_at,
        sip_code=call.evidence.sip_code,
        from_number=call.from_number if call.from_pool else None,
    )
    first = next((each.former for each in of_dial(call.transfers, call.attempt) if each.former is not None), None)
    # Another agent may have taken the conversation over: the next one is the first agent's again.
    mine = call if first is None else _of_agent(call, first)
    return queued_again(mine, again_at, attempts=(*call.attempts, attempt), **_NOTHING_OF_THE_WAIT)


def _of_agent(call: Call, former: Former) -> Call:
    return replace(
        call,
        agent_id=former.agent_id,
        brain=former.brain,
        voice_profile_id=former.voice_profile_id,
        voice=former.voice,
    )


def deferred(call: Call, event: DialDeferred) -> Result:
    """The carrier took no more calls. At first the call keeps its place: its trunk rests, and the trunk's next turn is
    this call's. Where the phone rang all the same, the attempt is over, because no phone rings twice for one."""
    since = _deferred_since(call, event.at)
    evidence = replace(
        call.evidence,
        sip_code=event.sip_code,
        sip_status=event.sip_status,
        refusal=Refusal.LIMIT,
        twirp_code=event.twirp_code,
        twirp_message=event.message,
    )
    if call.end_asked_at is not None or rung(call) or event.at - since >= ms(DEFERRED_FOR_S):
        return Moved(over(replace(call, evidence=evidence), event.at), END_ROOM)
    deferred_call = replace(
        call,
        evidence=evidence,
        deferrals=call.deferrals + 1,
        deferred_since=since,
        deferred_at=event.at,
        notes=noted(call, event.at, f"deferred: {event.sip_status or event.message}"),
    )
    again_at = event.at + ms(event.pause_s)
    if deferred_call.deferrals <= DEFERRALS_IN_PLACE:
        return Moved(queued_again(deferred_call, call.eligible_at, rung_at=again_at), END_ROOM)
    delay_s = DEFERRAL_DELAYS_S[min(deferred_call.deferrals - DEFERRALS_IN_PLACE, len(DEFERRAL_DELAYS_S)) - 1]
    return Moved(queued_again(deferred_call, max(again_at, event.at + ms(delay_s))), END_ROOM)


def _deferred_since(call: Call, at: int) -> int:
    """Since when the call has waited for room at its carrier, or for LiveKit. A long time in which nobody dialled it
    was spent on something else as well, on a line or on its account's next day, and counts for an hour. It is not left
    out: a call that finds no room however rarely it is tried must come to its end, too."""
    if call.deferred_since is None:
        return at
    undialled_ms = at - (call.deferred_at or call.deferred_since)
    return call.deferred_since + max(0, undialled_ms - ms(DEFERRAL_COUNTS_S))


def told_to_be_full(call: Call, at: int) -> Result:
    """The same where the carrier's own word is all that is known of it."""
    seen = call.evidence
    message = call.carrier.cause or seen.sip_status or "the carrier is full"
    word = DialDeferred(
        at, call.attempt, seen.sip_code, seen.sip_status, "resource_exhausted", message, CARRIER_PAUSE_S
    )
    return deferred(call, word)


def without_livekit(call: Call, event: DialWithoutLivekit) -> Result:
    """Nothing rang, because LiveKit was away. The call keeps its place, and nothing of this counts as an attempt."""
    since = _deferred_since(call, event.at)
    evidence = replace(call.evidence, twirp_code=event.twirp_code, twirp_message=event.why)
    if call.end_asked_at is not None or rung(call) or event.at - since >= ms(DEFERRED_FOR_S):
        return Moved(over(replace(call, evidence=evidence), event.at), END_ROOM)
    # One note tells of all these dials: in an outage of hours there may be hundreds.
    is_news = not any(_LIVEKIT_AWAY in note.what for note in call.notes[-1:])
    notes = noted(call, event.at, f"{_LIVEKIT_AWAY}: {event.why}") if is_news else call.notes
    waiting = replace(call, evidence=evidence, deferred_since=since, deferred_at=event.at, notes=notes)
    return Moved(queued_again(waiting, call.eligible_at, rung_at=event.again_at), END_ROOM)


def without_agent(call: Call, at: int, missing_since: int, again_at: int) -> Result:
    """Nobody was rung, because no agent came. The call keeps its place, and nothing of this counts as an attempt. It
    waits for its agent since that was missed first, or since it might have been dialled if that is later."""
    if call.end_asked_at is not None:
        return Moved(over(call, at), END_ROOM)
    since = call.agent_missing_since or min(at, max(missing_since, call.eligible_at))
    if at - since >= ms(NO_AGENT_S):
        return Moved(over(asked(call, at, EndReason.NO_AGENT_AVAILABLE), at), END_ROOM)
    # One note tells of all these dials: a call must stay a small item however often it is dialled.
    is_news = call.agent_missing_since is None
    waiting = replace(call, notes=noted(call, at, "no_agent")) if is_news else call
    return Moved(queued_again(waiting, call.eligible_at, rung_at=again_at, agent_missing_since=since), END_ROOM)


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
        "agent_identity": None,
        "former_agent_sids": (),
        "dispatches": 1,
        "dispatched_at": None,
        "handed_over_at": None,
        "other_left_at": None,
        "other_may_come_back": False,
        "end_asked_at": None,
        "end_asked_reason": None,
        "tries_agent": False,
        "awaits_agent_since": None,
        "agent_missing_since": None,
        "runner_id": None,
        "speech_row": None,
        "counters": (),
        "counted_on": None,
        "claimed_on": None,
    }
    return changed(call, **again | fields)


def noted(call: Call, at: int, what: str) -> tuple[Note, ...]:
    """The notes with one more. Of very many the middle is left out: a call must stay a small item however often it is
    dialled."""
    notes = (*call.notes, Note(at, f"dial_{call.attempt}_{what}"[:_LONGEST_NOTE]))
    return notes if len(notes) <= _MOST_NOTES else (*notes[: _MOST_NOTES // 2], *notes[-_MOST_NOTES // 2 :])


def last_sign_of(call: Call) -> int | None:
    """When the attempt ended, as far as anybody saw; None where nobody did. Whoever looks may come long after it.

    A carrier's word of an end dates nothing once somebody wants the call ended: that person has found it alive, so the
    carrier spoke of another leg."""
    evidence = call.evidence
    by_carrier = call.carrier.believed_end_at if call.end_asked_at is None else None
    return evidence.over_since or evidence.leg_left_at or by_carrier or evidence.room_finished_at


def rung(call: Call) -> bool:
    """Whether somebody said that the phone rang or was answered, however the dial was told to have ended."""
    status = call.evidence.last_call_status
    return call.answered_at is not None or call.carrier.rang_at is not None or status not in {None, CallStatus.DIALING}
