"""An attempt until its phone is answered: how it leaves the queue, and what becomes of its dial. Pure."""

from copy import replace

from ringline.calls.capacity.counters import day_of
from ringline.calls.model.call import AgentReports, AnswerFrom, Call, CarrierWords, Evidence, State
from ringline.calls.model.events import (
    AgentAwaited,
    AgentCame,
    AgentLeft,
    AgentSeen,
    Answered,
    Claimed,
    DialDeferred,
    DialNotSent,
    DialRefused,
    DialWithoutAgent,
    DialWithoutLivekit,
    EndAsked,
    SeenWaiting,
)
from ringline.calls.model.results import END_ROOM, LOOK_AGAIN, Moved, Result, Rule, Unmoved
from ringline.calls.model.timing import FIRST_LOOK_S, UNSENT_DIALS, ms
from ringline.calls.rules.ending import (
    asked,
    changed,
    deferred,
    noted,
    over,
    queued_again,
    rung,
    with_agent_that_reported,
    with_agent_that_was_there,
    without_agent,
    without_livekit,
)
from ringline.calls.rules.leg_rules import without_leg_evidence
from ringline.calls.rules.presence_rules import activated, another_agent_left, with_successor
from ringline.calls.rules.voicemail import needs_last_words


def _claim(call: Call, event: Claimed) -> Result:
    return Moved(
        changed(
            call,
            state=State.DIALING,
            attempt=call.attempt + 1,
            dialed_at=event.at,
            answer_from=event.answer_from,
            tries_agent=event.tries_agent,
            runner_id=event.runner_id,
            speech_row=event.speech_row,
            counters=event.counters,
            counted_on=event.counted_on,
            claimed_on=None,
            from_number=call.from_number if event.caller_id is None else event.caller_id.number,
            trunk_id=call.trunk_id if event.caller_id is None else event.caller_id.trunk_id,
            evidence=Evidence(),
            carrier=CarrierWords(),
            reports=AgentReports(),
            recorded=None,
            recording_segment=1,
            recording_paused_at=None,
            former_recordings=(),
            listeners=(),
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


def _answer(call: Call, event: Answered) -> Result:
    if call.answered_at is not None:
        return _answered_before(call, event)
    agent = _who_stayed(call, event)
    if call.evidence.leg_may_come_back and event.leg_sid not in {None, call.evidence.left_leg_sid}:
        # It lost its connection before, and is back: what was said of its former sid says nothing any more.
        call = without_leg_evidence(call)
    if call.carrier.failed_at is not None:
        # The carrier rang several places. One of them failed, another one answered: the code says nothing of this call.
        call = replace(call, evidence=replace(call.evidence, sip_code=None, sip_status=None, refusal=None))
    is_over = call.evidence.leg_has_left_for_good
    # An answer is told after the leg's leaving only by who saw it late.
    answered_at = min(event.at, call.evidence.leg_left_at or event.at) if is_over else event.at
    answered = replace(call, answered_at=answered_at, leg_sid=event.leg_sid, sip_call_id=event.sip_call_id)
    if call.end_asked_at is not None and not is_over:
        # Nobody is to talk any more: it becomes no conversation.
        return Moved(changed(answered), END_ROOM)
    if agent is not None and call.end_asked_at is None:
        answered = activated(answered, agent, answered_at)
    if is_over:
        # It was answered and hung up before anybody could say so.
        answered = with_agent_that_was_there(with_agent_that_reported(answered))
        if needs_last_words(answered):
            return Moved(changed(answered, state=State.LAST_WORDS), LOOK_AGAIN)
        return Moved(over(answered, call.evidence.leg_left_at or event.at), END_ROOM)
    waits_for_agent = agent is None and call.answer_from is AnswerFrom.CARRIER
    is_alone = answered.agent_left_at is not None
    return Moved(changed(answered), LOOK_AGAIN if waits_for_agent or is_alone else frozenset())


def _who_stayed(call: Call, event: Answered) -> AgentSeen | None:
    """The agent that was there at the answer. One who was seen before the INVITE may have left while the phone rang."""
    if event.agent is None or event.agent.sid in call.former_agent_sids:
        return None
    if event.agent.sid != call.agent_sid or call.agent_left_at is None:
        return event.agent
    return None if call.agent_left_at <= event.at else event.agent


def _answered_before(call: Call, event: Answered) -> Result:
    """Dialer and carrier both tell of an answer, and each may have seen what the other could not."""
    known = call if call.leg_sid is not None else replace(call, leg_sid=event.leg_sid, sip_call_id=event.sip_call_id)
    agent = _who_stayed(call, event)
    if agent is not None and call.end_asked_at is None:
        known = activated(known, agent, event.at)
    effects = END_ROOM if call.end_asked_at is not None else frozenset()
    return Unmoved("answered_before", effects) if known == call else Moved(changed(known), effects)


def _dial_refused(call: Call, event: DialRefused) -> Result:
    """LiveKit's word that nobody was connected goes before a carrier's that somebody answered. Its ring time-out has no
    code; the carrier's own, if it told one, stays."""
    evidence = replace(
        call.evidence,
        sip_code=call.evidence.sip_code if event.sip_code is None else event.sip_code,
        sip_status=call.evidence.sip_status if event.sip_code is None else event.sip_status,
        refusal=event.refusal or call.evidence.refusal,
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


# --- the agent before the INVITE ------------------------------------------------------------------------------------


def _await_agent(call: Call, event: AgentAwaited) -> Result:
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked", END_ROOM)
    return Moved(changed(call, awaits_agent_since=event.at))


def _agent_came(call: Call, event: AgentCame) -> Result:
    """Only now the phone is dialled, and what is told of its ringing counts from here."""
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked", END_ROOM)
    if call.awaits_agent_since is None:
        return Unmoved("not_awaited")
    claimed_on = day_of(call.dialed_at or call.created_at)
    return Moved(
        changed(
            call,
            awaits_agent_since=None,
            dialed_at=event.at,
            claimed_on=None if claimed_on == day_of(event.at) else claimed_on,
            due_at=event.at + ms(FIRST_LOOK_S),
        )
    )


def _dial_without_agent(call: Call, event: DialWithoutAgent) -> Result:
    return without_agent(call, event.at, event.missing_since, event.again_at)


def _agent_leaves_dial(call: Call, event: AgentLeft) -> Result:
    """Before the answer nobody follows who comes, and whoever has left is remembered. Who answers must not be taken to
    talk to the agent that the INVITE waited for, nor to one whose joining is told late."""
    if call.end_asked_at is not None or call.evidence.leg_has_left_for_good:
        return Unmoved("not_answered_yet")
    waited_for = call.answered_at is None and not call.comes_in and call.agent_first
    if not waited_for or event.sid in call.former_agent_sids:
        return another_agent_left(call, event)
    return Moved(changed(with_successor(call, event.sid), agent_left_at=event.at))


OF_THE_QUEUE: dict[type, Rule] = {Claimed: _claim, EndAsked: _end_in_queue, SeenWaiting: _seen_waiting}
OF_THE_DIAL: dict[type, Rule] = {
    Answered: _answer,
    DialRefused: _dial_refused,
    DialNotSent: _dial_not_sent,
    DialDeferred: deferred,
    AgentAwaited: _await_agent,
    AgentCame: _agent_came,
    DialWithoutAgent: _dial_without_agent,
    AgentLeft: _agent_leaves_dial,
    DialWithoutLivekit: without_livekit,
}
