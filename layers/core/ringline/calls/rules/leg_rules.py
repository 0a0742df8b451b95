"""What the coming and going of a call's leg means. Pure."""

from copy import replace

from ringline.calls.model.call import MAY_COME_BACK, UP, AnswerFrom, Call, CallStatus, Refusal, State
from ringline.calls.model.events import LegJoined, LegLeft
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM, LOOK_AGAIN, Moved, Result, Rule, Unmoved
from ringline.calls.model.timing import MEDIA_SILENCE_S, WEB_JOINING_S, ms
from ringline.calls.rules.ending import (
    as_far_as_known,
    asked,
    changed,
    noted,
    over,
    told_to_be_full,
    with_agent_that_reported,
)
from ringline.calls.rules.presence_rules import other_leaves
from ringline.calls.rules.transfers.steps import (
    is_calling_in,
    target_is_back,
    target_left,
    waits_for_word_of_refer,
)
from ringline.calls.rules.voicemail import needs_last_words


def leg_joins(call: Call, event: LegJoined) -> Result:
    """An outbound leg joins before its INVITE: nothing new, unless the call was canceled meanwhile and must not ring.

    Later it is a leg that comes back after a LiveKit restart or a lost connection, with a new sid and a status that
    lies. The call goes on, and whatever was reported of the old leg no longer counts.
    """
    if _is_anothers(call, event):
        if call.end_asked_at is None and (back := target_is_back(call, event)) is not None:
            return Moved(changed(back))
        # Called into a room that is about to be closed, or was: LiveKit makes it anew for whoever joins.
        return Unmoved("leg_of_another", END_ROOM if call.end_asked_at is not None else frozenset())
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked", END_ROOM)
    known = {call.leg_sid, call.evidence.left_leg_sid, *call.former_leg_sids}
    if _was_taken_for_former(call, event):
        known.discard(event.sid)
    if event.has_used_token and event.sid not in known and not _is_the_same_use(call, event):
        # A token is for one use. LiveKit has put the caller out for this newcomer, who is put out with the room.
        return Moved(over(asked(call, event.at, EndReason.WEB_TOKEN_REUSED), event.at), END_ROOM)
    waits_for_agent = call.answered_at is None and call.comes_in
    if (alive := _seen_alive(call, event)) != call:
        return Moved(changed(alive))
    if event.sid in known:
        # Whoever received the caller may have died before the agent was dispatched.
        return Unmoved("leg_is_known", LOOK_AGAIN if waits_for_agent else frozenset())
    was_lost = call.evidence.leg_left_at is not None or call.evidence.room_finished_at is not None
    if call.answered_at is None and not was_lost and not waits_for_agent:
        return Unmoved("leg_is_dialing")
    other = without_leg_evidence(call)
    rejoined = changed(
        other,
        former_leg_sids=tuple(sid for sid in other.former_leg_sids if sid != event.sid),
        leg_sid=event.sid if call.answered_at is not None or waits_for_agent else None,
        notes=noted(call, event.at, "leg_rejoined"),
    )
    # Who comes back may find nobody any more: they are not to wait for the look at their going.
    return Moved(rejoined, LOOK_AGAIN if call.agent_left_at is not None else frozenset())


def _was_taken_for_former(call: Call, event: LegJoined) -> bool:
    """Whether a leg is there that was held for one of before. The first leg's joining may be told after another has
    taken its place, and was seen; the call then took the first for the later one, until that one's leaving was told:

        joins     [first] ......... [other] ........................ [other is seen]
        is told                     other (a look)  first  first left
    """
    left = call.evidence.left_leg_sid
    return event.is_seen and event.sid in call.former_leg_sids and left is not None and left != event.sid


def _is_the_same_use(call: Call, event: LegJoined) -> bool:
    """Whether a browser comes with its first token that may not have another yet: it is given one before its agent is
    sent for, and may have lost its connection before that. Once."""
    joined_at = call.dialed_at or call.created_at
    return call.answered_at is None and not call.former_leg_sids and event.at - joined_at <= ms(WEB_JOINING_S)


def _seen_alive(call: Call, event: LegJoined) -> Call:
    """The call without the reports of an end that cannot be this leg's, because the leg was seen long after them: the
    room that finished is the one it was in before, and the carrier spoke of another place that it rang for us."""
    if event.sid != call.leg_sid or call.evidence.leg_left_at is not None:
        return call
    finished_at, ended_at = call.evidence.room_finished_at, call.carrier.ended_at
    if finished_at is not None and event.at > finished_at:
        call = replace(call, evidence=replace(call.evidence, room_finished_at=None))
    if ended_at is not None and event.at - ended_at >= ms(MEDIA_SILENCE_S):
        call = replace(call, carrier=replace(call.carrier, end_is_doubted=True))
    return call


def _leg_leaves_dial(call: Call, event: LegLeft) -> Result:
    """The leg left. If the answer was not recorded, the dialer speaks within milliseconds, or the carrier soon, and
    knows the SIP code: wait for it."""
    if call.answered_at is not None or call.comes_in:
        return _leg_leaves_call(call, event)
    if _is_anothers(call, event):
        return Unmoved("leg_of_another")
    if event.disconnect_reason == "DUPLICATE_IDENTITY":
        return Unmoved("leg_was_replaced")
    without_leg = _with_leg_evidence(call, event)
    if call.end_asked_at is not None:
        return Moved(over(without_leg, event.at))
    if call.evidence.leg_left_at is not None:
        return Unmoved("leg_left_before")
    if call.answer_from is not AnswerFrom.CARRIER:
        return Moved(changed(without_leg))
    if call.carrier.failed_at is not None and without_leg.evidence.leg_has_left_for_good:
        # Both have spoken, and nobody else will.
        if without_leg.evidence.refusal == Refusal.LIMIT:
            return told_to_be_full(without_leg, event.at)
        return Moved(over(as_far_as_known(without_leg, event.at), event.at), END_ROOM)
    # Where no dialer waits for the answer, only the carrier can tell more, and its report may get lost: somebody looks.
    return Moved(changed(without_leg), LOOK_AGAIN)


def _leg_leaves_call(call: Call, event: LegLeft) -> Result:
    if _is_anothers(call, event):
        if (told := target_left(call, event)) is not None:
            return told if isinstance(told, Unmoved) else Moved(changed(told.call), told.effects)
        if call.agent_left_at is None:
            return Unmoved("leg_of_another")
        has_talked = event.last_call_status in UP | {CallStatus.HANGUP}
        may_come_back = event.disconnect_reason in MAY_COME_BACK
        return other_leaves(call, event.at, has_talked=has_talked, may_come_back=may_come_back)
    if event.disconnect_reason == "DUPLICATE_IDENTITY":
        return Unmoved("leg_was_replaced")
    if event.sid is not None and call.leg_sid is not None and event.sid != call.leg_sid:
        return Unmoved("stale_leg")
    without_leg = with_agent_that_reported(_with_leg_evidence(call, event))
    if call.end_asked_at is None and without_leg.evidence.leg_may_come_back:
        # It may come back under a new sid. If it does not, whoever looks next ends the call.
        if call.evidence.leg_left_at is not None:
            return Unmoved("leg_left_before")
        return Moved(changed(without_leg), LOOK_AGAIN)
    if call.end_asked_at is None and awaits_words(without_leg):
        return Moved(changed(without_leg, state=State.LAST_WORDS), LOOK_AGAIN)
    return Moved(over(_as_never_answered(as_far_as_known(without_leg, event.at)), event.at), END_ROOM)


def awaits_words(call: Call) -> bool:
    """Whether the reason for which its leg has left hangs on a word that is on its way: its agent's, or LiveKit's. Not
    where somebody's phone would ring on meanwhile."""
    return (needs_last_words(call) and not is_calling_in(call)) or waits_for_word_of_refer(call)


def _is_anothers(call: Call, event: LegJoined | LegLeft) -> bool:
    """Whether the leg is one that the agent has called into the room: it comes and goes without the call."""
    return event.identity not in {None, call.leg_identity}


def _as_never_answered(call: Call) -> Call:
    """LiveKit answers a caller with the first sound of the agent, and says nothing of it. Whose leg still rang when it
    left was never answered, though an agent was in the room. A leg that came back says what it said at first."""
    if not call.comes_in or call.evidence.last_call_status != CallStatus.RINGING:
        return call
    if call.former_leg_sids or call.reports.user_spoke_at is not None:
        return call
    return replace(call, answered_at=None, active_at=None)


def _with_leg_evidence(call: Call, event: LegLeft) -> Call:
    evidence = replace(
        call.evidence,
        disconnect_reason=event.disconnect_reason,
        last_call_status=event.last_call_status,
        leg_left_at=event.at,
        left_leg_sid=event.sid,
    )
    return replace(call, evidence=evidence)


def without_leg_evidence(call: Call) -> Call:
    """The call whose leg is another than the ones known so far, which are remembered: their late words are stale."""
    former = [sid for sid in (call.leg_sid, call.evidence.left_leg_sid) if sid is not None]
    evidence = replace(
        call.evidence,
        disconnect_reason=None,
        last_call_status=None,
        leg_left_at=None,
        left_leg_sid=None,
        room_finished_at=None,
    )
    return replace(call, former_leg_sids=tuple(dict.fromkeys((*call.former_leg_sids, *former))), evidence=evidence)


OF_THE_LEG: dict[type, Rule] = {LegJoined: leg_joins, LegLeft: _leg_leaves_dial}
OF_THE_LEG_IN_CALL: dict[type, Rule] = {LegJoined: leg_joins, LegLeft: _leg_leaves_call}
