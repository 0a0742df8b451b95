"""The lifecycle: one table, one pure function. Everything that moves a call goes through `apply`.

An event either moves the call (`Moved`, with what must be done about it) or changes nothing and says why (`Unmoved`):
late, duplicate and out-of-order events are normal, not errors. Where the table has no entry, the event means nothing
in that state.
"""

from dataclasses import replace

from ringline.calls.agent_rules import OF_THE_AGENT
from ringline.calls.call import (
    AgentReports,
    AnswerFrom,
    Call,
    CarrierWords,
    Direction,
    Evidence,
    State,
)
from ringline.calls.carrier_rules import OF_THE_CARRIER, OF_THE_CARRIER_IN_CALL
from ringline.calls.ending import as_far_as_known, asked, changed, deferred, noted, over, queued_again, rung
from ringline.calls.events import (
    AgentJoined,
    AgentLeft,
    AgentSeen,
    Answered,
    Claimed,
    DialDeferred,
    DialNotSent,
    DialRefused,
    EndAsked,
    Event,
    FoundOver,
    GivenUp,
    LegJoined,
    LegLeft,
    RoomFinished,
    SeenWaiting,
)
from ringline.calls.kept_rules import AT_ANY_TIME
from ringline.calls.reasons import EndReason
from ringline.calls.results import END_ROOM, LOOK_AGAIN, Moved, Result, Rule, Unmoved
from ringline.calls.timing import FIRST_LOOK_S, SHORT_LIMIT_S, UNSENT_DIALS
from ringline.calls.verdict import MAY_COME_BACK, awaits_last_words, end_reason


def apply(call: Call, event: Event) -> Result:
    """The call after the event, or why the event changes nothing."""
    # A leg of an attempt that is over rings for nobody.
    too_late = END_ROOM if isinstance(event, LegJoined) else frozenset()
    attempt = getattr(event, "attempt", None)
    if attempt is not None and attempt != call.attempt:
        return Unmoved("stale_attempt", too_late)
    rule = TRANSITIONS.get((call.state, type(event)))
    if rule is not None:
        return rule(call, event)
    if call.state.is_terminal:
        return Unmoved("call_is_over", too_late)
    return Unmoved(f"{_words(event)}_means_nothing_while_{call.state}", too_late)


def _words(event: Event) -> str:
    name = type(event).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


# --- the queue -------------------------------------------------------------------------------------------------------


def _claim(call: Call, event: Claimed) -> Result:
    return Moved(
        changed(
            call,
            state=State.DIALING,
            attempt=call.attempt + 1,
            dialed_at=event.at,
            answer_from=event.answer_from,
            evidence=Evidence(),
            carrier=CarrierWords(),
            reports=AgentReports(),
            recorded=None,
            transcript_turns=0,
            transcript_kept=None,
            due_at=event.at + FIRST_LOOK_S * 1000,
        )
    )


def _end_in_queue(call: Call, event: EndAsked) -> Result:
    if event.attempt is not None:
        return Unmoved("attempt_is_over")
    return Moved(over(asked(call, event.at, event.reason), event.at))


def _seen_waiting(call: Call, event: SeenWaiting) -> Result:
    if call.due_at is None or call.due_at > event.at or call.due_at == call.expires_at:
        return Unmoved("looked_after_already")
    return Moved(changed(call, due_at=call.expires_at))


# --- the dial --------------------------------------------------------------------------------------------------------


def _answer(call: Call, event: Answered) -> Result:
    if call.answered_at is not None:
        return _answered_before(call, event)
    if _may_come_back(call.evidence) and event.leg_sid not in {None, call.evidence.left_leg_sid}:
        # It lost its connection before, and is back: what was said of its former sid says nothing any more.
        call = _without_leg_evidence(call)
    if call.carrier.failed_at is not None:
        # Of one place the carrier tried; another answered.
        call = replace(call, evidence=replace(call.evidence, sip_code=None, sip_status=None))
    answered = replace(call, answered_at=event.at, leg_sid=event.leg_sid, sip_call_id=event.sip_call_id)
    waits_for_agent = event.agent is None and call.answer_from is AnswerFrom.CARRIER
    if event.agent is not None:
        answered = _activated(answered, event.agent, event.at)
    if call.evidence.leg_left_at is not None and not _may_come_back(call.evidence):
        # It was answered and hung up before anybody could say so. An agent that was ready was there.
        if answered.active_at is None and call.reports.ready_at is not None:
            answered = replace(answered, agent_joined_at=call.reports.ready_at, active_at=event.at)
        return Moved(over(answered, max(event.at, call.evidence.leg_left_at)), END_ROOM)
    if call.end_asked_at is not None:
        return Moved(changed(answered), END_ROOM)
    return Moved(changed(answered), LOOK_AGAIN if waits_for_agent else frozenset())


def _answered_before(call: Call, event: Answered) -> Result:
    """Dialer and carrier both tell of an answer, and each may have seen what the other could not."""
    known = call if call.leg_sid is not None else replace(call, leg_sid=event.leg_sid, sip_call_id=event.sip_call_id)
    if event.agent is not None:
        known = _activated(known, event.agent, event.at)
    effects = END_ROOM if call.end_asked_at is not None else frozenset()
    return Unmoved("answered_before", effects) if known == call else Moved(changed(known), effects)


def _agent_joins_answered(call: Call, event: AgentJoined) -> Result:
    if call.direction is Direction.INBOUND and call.answered_at is None:
        return _agent_takes_call(call, event)
    if call.answered_at is None:
        # Not recorded: whoever reports the answer looks who is in the room. One write fewer on each call.
        return Unmoved("not_answered_yet")
    return Moved(changed(_activated(call, AgentSeen(event.sid, event.at), event.at)))


def _agent_takes_call(call: Call, event: AgentJoined) -> Result:
    """LiveKit answers a caller as soon as the agent's audio is in the room, and says nothing of it."""
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked", END_ROOM)
    taken = _activated(replace(call, answered_at=event.at), AgentSeen(event.sid, event.at), event.at)
    # No dialer stays with it to have a short limit looked at in time.
    return Moved(changed(taken), LOOK_AGAIN if call.max_call_duration_s <= SHORT_LIMIT_S else frozenset())


def _activated(call: Call, agent: AgentSeen, at: int) -> Call:
    return replace(call, state=State.ACTIVE, agent_sid=agent.sid, agent_joined_at=agent.joined_at, active_at=at)


def _dial_refused(call: Call, event: DialRefused) -> Result:
    """LiveKit's word that nobody was connected goes before a carrier's that somebody answered. Its ring time-out has no
    code; the carrier's own, if it told one, stays."""
    evidence = replace(
        call.evidence,
        sip_code=call.evidence.sip_code if event.sip_code is None else event.sip_code,
        sip_status=call.evidence.sip_status if event.sip_code is None else event.sip_status,
        twirp_code=event.twirp_code,
        twirp_message=event.message,
    )
    return Moved(over(replace(call, evidence=evidence, answered_at=None), event.at), END_ROOM)


def _dial_not_sent(call: Call, event: DialNotSent) -> Result:
    evidence = replace(call.evidence, twirp_code=event.twirp_code, twirp_message=event.why)
    unsent = replace(
        call, evidence=evidence, unsent=call.unsent + 1, notes=noted(call, event.at, f"not_sent: {event.why}")
    )
    has_rung = rung(call)
    if event.retry_after_s is None or has_rung or unsent.unsent >= UNSENT_DIALS or call.end_asked_at is not None:
        return Moved(over(unsent, event.at), END_ROOM)
    return Moved(queued_again(unsent, event.at + event.retry_after_s * 1000), END_ROOM)


def _leg_leaves_dial(call: Call, event: LegLeft) -> Result:
    """The leg left. If the answer was not recorded, the dialer speaks within milliseconds, or the carrier soon, and
    knows the SIP code: wait for it."""
    if call.answered_at is not None or call.direction is Direction.INBOUND:
        return _leg_leaves_call(call, event)
    if event.disconnect_reason == "DUPLICATE_IDENTITY":
        return Unmoved("leg_was_replaced")
    seen = _with_leg_evidence(call, event)
    if call.end_asked_at is not None:
        return Moved(over(seen, event.at))
    if call.evidence.leg_left_at is not None:
        return Unmoved("leg_left_before")
    # By the carrier's word: that is another server's, and may be lost.
    return Moved(changed(seen), LOOK_AGAIN if call.answer_from is AnswerFrom.CARRIER else frozenset())


def _with_leg_evidence(call: Call, event: LegLeft) -> Call:
    evidence = replace(
        call.evidence,
        disconnect_reason=event.disconnect_reason,
        last_call_status=event.last_call_status,
        leg_left_at=event.at,
        left_leg_sid=event.sid,
    )
    return replace(call, evidence=evidence)


# --- the conversation ------------------------------------------------------------------------------------------------


def _leg_joins(call: Call, event: LegJoined) -> Result:
    """An outbound leg joins before its INVITE: nothing new, unless the call was canceled meanwhile and must not ring.

    Later it is a leg that comes back, after a LiveKit restart or a lost connection, with a new sid and a status that
    lies. The call goes on, and what was said of the old leg says nothing any more.
    """
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked", END_ROOM)
    known = {call.leg_sid, call.evidence.left_leg_sid, *call.former_leg_sids}
    waits_for_agent = call.answered_at is None and call.direction is Direction.INBOUND
    if event.sid in known:
        # Whoever received the caller may have died before the agent was dispatched.
        return Unmoved("leg_is_known", LOOK_AGAIN if waits_for_agent else frozenset())
    was_lost = call.evidence.leg_left_at is not None or call.evidence.room_finished_at is not None
    if call.answered_at is None and not was_lost and not waits_for_agent:
        return Unmoved("leg_is_dialing")
    return Moved(
        changed(
            _without_leg_evidence(call),
            leg_sid=event.sid if call.answered_at is not None or waits_for_agent else None,
            notes=noted(call, event.at, "leg_rejoined"),
        )
    )


def _without_leg_evidence(call: Call) -> Call:
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


def _may_come_back(evidence: Evidence) -> bool:
    """Whether the leg lost its connection to the room, which does not mean that the phone call is over."""
    return evidence.disconnect_reason in MAY_COME_BACK


def _leg_leaves_call(call: Call, event: LegLeft) -> Result:
    if event.disconnect_reason == "DUPLICATE_IDENTITY":
        return Unmoved("leg_was_replaced")
    if event.sid is not None and call.leg_sid is not None and event.sid != call.leg_sid:
        return Unmoved("stale_leg")
    seen = _with_leg_evidence(call, event)
    if _may_come_back(seen.evidence) and call.end_asked_at is None:
        # It may be on its way back under a new sid. If it stays away, the call is over.
        if call.evidence.leg_left_at is not None:
            return Unmoved("leg_left_before")
        return Moved(changed(seen), LOOK_AGAIN)
    if call.end_asked_at is None and awaits_last_words(seen):
        if call.evidence.leg_left_at is not None:
            return Unmoved("leg_left_before")
        return Moved(changed(seen), LOOK_AGAIN)
    return Moved(over(as_far_as_known(seen, event.at), event.at), END_ROOM)


def _agent_joins_call(call: Call, event: AgentJoined) -> Result:
    if event.sid == call.agent_sid and call.agent_left_at is None:
        return Unmoved("agent_is_known")
    if call.agent_left_at is None and call.agent_sid is not None and event.at < (call.active_at or 0):
        return Unmoved("agent_joined_before")
    # A silence is what the one before had heard.
    reports = replace(call.reports, silent_since=None)
    return Moved(changed(call, agent_sid=event.sid, agent_left_at=None, reports=reports))


def _agent_leaves_call(call: Call, event: AgentLeft) -> Result:
    """LiveKit leaves the caller on the line. A successor may come; without one the next look ends the call."""
    if event.sid != call.agent_sid:
        return Unmoved("stale_agent")
    if call.agent_left_at is not None:
        return Unmoved("agent_left_before")
    return Moved(changed(call, agent_left_at=event.at), LOOK_AGAIN)


# --- the end ---------------------------------------------------------------------------------------------------------


def _end_asked(call: Call, event: EndAsked) -> Result:
    if event.reason is EndReason.EXPIRED_IN_QUEUE:
        return Unmoved("left_the_queue")
    if event.reason is EndReason.AGENT_DID_NOT_JOIN and call.active_at is not None:
        return Unmoved("agent_joined")
    if event.reason is EndReason.AGENT_FAILED and call.agent_left_at is None:
        return Unmoved("agent_took_over")
    if call.end_asked_at is None:
        return Moved(changed(asked(call, event.at, event.reason)), END_ROOM)
    if event.reason is EndReason.API_HUNG_UP and call.retry is not None:
        # This attempt ends for another reason already; its customer wants no further one.
        return Moved(changed(call, retry=None), END_ROOM)
    return Unmoved("end_was_asked", END_ROOM)


def _room_finished(call: Call, event: RoomFinished) -> Result:
    """A room that closed takes its legs along. If their leaving was lost, the sweep draws the conclusion a little
    later, because the events of one room may arrive in any order and the leg's own word says more."""
    if call.evidence.room_finished_at is not None or call.evidence.leg_left_at is not None:
        return Unmoved("room_finished_after_its_leg")
    return Moved(changed(call, evidence=replace(call.evidence, room_finished_at=event.at)), LOOK_AGAIN)


def _given_up(call: Call, event: GivenUp) -> Result:
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked", END_ROOM)
    reason = end_reason(as_far_as_known(call, event.at), _last_sign_of_it(call) or event.at)
    return Moved(changed(call, end_asked_at=event.at, end_asked_reason=reason), END_ROOM)


def _found_over(call: Call, event: FoundOver) -> Result:
    seen = as_far_as_known(call, event.at)
    return Moved(over(seen, _last_sign_of_it(call) or event.at), END_ROOM)


def _last_sign_of_it(call: Call) -> int | None:
    """When it ended, as far as anybody saw. Who looks may come long after."""
    return call.evidence.leg_left_at or call.carrier.ended_at or call.evidence.room_finished_at


_IN_FLIGHT: dict[type, Rule] = {
    **AT_ANY_TIME,
    **OF_THE_AGENT,
    EndAsked: _end_asked,
    GivenUp: _given_up,
    RoomFinished: _room_finished,
    FoundOver: _found_over,
}
_BEFORE_ACTIVE: dict[type, Rule] = {
    **_IN_FLIGHT,
    **OF_THE_CARRIER,
    LegJoined: _leg_joins,
    LegLeft: _leg_leaves_dial,
    AgentJoined: _agent_joins_answered,
    Answered: _answer,
    DialRefused: _dial_refused,
    DialNotSent: _dial_not_sent,
    DialDeferred: deferred,
}

_RULES: dict[State, dict[type, Rule]] = {
    State.QUEUED: {**AT_ANY_TIME, Claimed: _claim, EndAsked: _end_in_queue, SeenWaiting: _seen_waiting},
    State.DIALING: _BEFORE_ACTIVE,
    State.RINGING: _BEFORE_ACTIVE,
    State.ACTIVE: {
        **_IN_FLIGHT,
        **OF_THE_CARRIER_IN_CALL,
        LegJoined: _leg_joins,
        LegLeft: _leg_leaves_call,
        AgentJoined: _agent_joins_call,
        AgentLeft: _agent_leaves_call,
    },
    State.ENDED: AT_ANY_TIME,
    State.NOT_CONNECTED: AT_ANY_TIME,
    State.CANCELED: AT_ANY_TIME,
}

TRANSITIONS: dict[tuple[State, type], Rule] = {
    (state, event): rule for state, rules in _RULES.items() for event, rule in rules.items()
}
