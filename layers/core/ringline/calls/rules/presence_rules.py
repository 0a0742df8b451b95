"""Who is in the room of a call: the agent that comes or goes, one that is sent again, one too many, and people whom an
agent leaves behind. Pure; what an agent tells is for `agent_rules`.

no agent in time ---> another is dispatched, until one is there ---> two may come: the later is removed
a speech worker's job is lost ---> another is dispatched at once, and again until one is there or the time is over
an agent is put out for somebody who is gone by then ---> the same
the agent leaves ---> a successor comes --------------------------------------------------> goes on
                 |--> somebody is there whom the agent had brought in ---> handed over ---> goes on
                 |--> the other side is alone for AGENT_SUCCESSOR_S ---------------------> ended
"""

from copy import replace

from ringline.calls.capacity.counters import Kind, counter_name, kind_of
from ringline.calls.model.call import Call, State
from ringline.calls.model.events import (
    AgentJoined,
    AgentLeft,
    AgentSeen,
    AgentWantedBack,
    DispatchedAgain,
    FellBack,
    OtherLeft,
    OthersTalk,
    RunnerGiven,
    SpeechLost,
)
from ringline.calls.model.results import END_ROOM, LOOK_AGAIN, REMOVE_AGENT, Moved, Result, Rule, Unmoved
from ringline.calls.model.timing import (
    AGENT_JOIN_S,
    AGENT_SUCCESSOR_S,
    DIALER_SILENCE_S,
    DISPATCH_WAITS_S,
    FALLBACK_AHEAD_S,
    FIRST_DISPATCH_WAITS_S,
    MOST_SUCCESSORS,
    MS_PER_S,
    SHORT_LIMIT_S,
)
from ringline.calls.rules.ending import changed, noted
from ringline.calls.rules.transfers.agents import awaits_agent, taken_by_target
from ringline.calls.rules.transfers.lost import speaking_workers, speech_lost_while_awaiting
from ringline.calls.rules.transfers.steps import agent_gone, is_passed_on, passed_on

# --- an agent is sent again ------------------------------------------------------------------------------------------


def _dispatched_again(call: Call, event: DispatchedAgain) -> Result:
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked")
    if not dispatch_is_due(call, event.at):
        return Unmoved("dispatched_just_now")
    return Moved(changed(call, dispatches=call.dispatches + 1, dispatched_at=event.at))


def dispatch_is_due(call: Call, now: int) -> bool:
    """Whether a call that has no agent has waited long enough for the last one that was dispatched."""
    if call.end_asked_at is not None or (call.active_at is not None and not awaits_successor(call)):
        return False
    waits_s = FIRST_DISPATCH_WAITS_S if call.dispatched_at is None else DISPATCH_WAITS_S
    since = call.dispatched_at or call.dialed_at or call.created_at
    return now - since >= waits_s * MS_PER_S


def awaits_successor(call: Call) -> bool:
    """Whether a conversation has lost its speech worker, and another was dispatched to it."""
    if call.agent_left_at is None or call.dispatched_at is None or is_passed_on(call) or awaits_agent(call):
        return False
    return call.active_at is not None and call.dispatched_at >= call.agent_left_at


# --- a speech worker is lost -----------------------------------------------------------------------------------------


def _speech_lost(call: Call, event: SpeechLost) -> Result:
    """Nobody speaks for the call any more, whatever LiveKit shows. Heard again, it is about a dispatch that is past."""
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked")
    if call.evidence.leg_has_left_for_good:
        return Unmoved("leg_has_left")
    match speech_lost_while_awaiting(call, event):
        case Unmoved() as refused:
            return refused
        case Call() as lost:
            return Moved(changed(lost, notes=noted(call, event.at, _lost_worker(call, event))), LOOK_AGAIN)
    if call.brain is None:
        return Unmoved("is_no_speech_worker")
    if event.dispatch != (call.reports.dispatch or call.dispatches):
        return Unmoved("another_was_dispatched")
    is_handed_over = call.reports.transferred_at is not None or call.handed_over_at is not None
    if is_handed_over or is_passed_on(call):
        return Unmoved("was_handed_over")
    in_call = call.active_at is not None
    # Who was ready in the conversation has heard it from then on. Before it, nobody is there until the next is ready.
    ready_at = call.reports.ready_at if in_call else None
    lost = replace(
        call,
        agent_left_at=(call.agent_left_at or event.at) if in_call else call.agent_left_at,
        reports=replace(call.reports, ready_at=ready_at, worker_id=None, dispatch=None),
        notes=noted(call, event.at, _lost_worker(call, event)),
    )
    if call.dispatches > MOST_SUCCESSORS:
        return Moved(changed(lost), LOOK_AGAIN)
    return Moved(changed(lost, dispatches=call.dispatches + 1, dispatched_at=event.at), LOOK_AGAIN)


def _agent_wanted_back(call: Call, event: AgentWantedBack) -> Result:
    """Whoever was to have the call is gone, and so is the agent, which we put out: another one is sent for."""
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked")
    if call.evidence.leg_has_left_for_good:
        return Unmoved("leg_has_left")
    if call.agent_left_at is None:
        return Unmoved("agent_is_there")
    if call.reports.transferred_at is not None or call.handed_over_at is not None or is_passed_on(call):
        return Unmoved("was_handed_over")
    if call.dispatches > MOST_SUCCESSORS:
        return Unmoved("sent_for_often_enough")
    sent_for = changed(
        call,
        dispatches=call.dispatches + 1,
        dispatched_at=max(event.at, call.agent_left_at),
        reports=replace(call.reports, worker_id=None, dispatch=None),
    )
    return Moved(sent_for, LOOK_AGAIN)


def _lost_worker(call: Call, event: SpeechLost) -> str:
    lost = (worker_id for worker_id, dispatch in speaking_workers(call) if dispatch == event.dispatch)
    return f"speech_worker_lost: {next(lost, None) or event.dispatch}"


# --- agents come and go ----------------------------------------------------------------------------------------------


def activated(call: Call, agent: AgentSeen, at: int) -> Call:
    """The conversation begins, with an agent who may have been there before the answer."""
    active_at = at if call.answered_at is None else max(at, call.answered_at)
    return replace(
        with_successor(call, agent.sid, agent.identity),
        state=State.ACTIVE,
        agent_joined_at=agent.joined_at,
        active_at=active_at,
        # Who left while the phone rang was another one, unless it is the very one that talks.
        agent_left_at=call.agent_left_at if agent.sid == call.agent_sid else None,
    )


def _agent_joins_answered(call: Call, event: AgentJoined) -> Result:
    if call.comes_in and call.answered_at is None:
        return _agent_takes_call(call, event)
    if call.answered_at is None:
        # Not recorded: whoever reports the answer looks who is in the room. One write fewer on each call.
        return Unmoved("not_answered_yet")
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked", END_ROOM)
    if is_known_to_have_left(call, event.sid):
        return Unmoved("agent_has_left")
    return Moved(changed(activated(call, AgentSeen(event.sid, event.at, event.identity), event.at)))


def is_known_to_have_left(call: Call, sid: str) -> bool:
    """Whether the agent of this sid has left, so that a report of its joining was overtaken: LiveKit gives who comes
    back a new one."""
    return sid in call.former_agent_sids or (call.agent_left_at is not None and sid == call.agent_sid)


def with_former_agent(call: Call, sid: str) -> Call:
    """The call that remembers of this agent, which is not the one it knows, that it has left."""
    return replace(call, former_agent_sids=tuple(dict.fromkeys((*call.former_agent_sids, sid))))


def with_successor(call: Call, sid: str, identity: str = "") -> Call:
    """The call that has this agent now, and remembers the one before if that has left, or is back as this one."""
    has_gone = call.agent_left_at is not None or call.is_its_agent(identity)
    if call.agent_sid is not None and call.agent_sid != sid and has_gone:
        call = with_former_agent(call, call.agent_sid)
    known_before = call.agent_identity if sid == call.agent_sid else None
    return replace(call, agent_sid=sid, agent_identity=identity or known_before)


def _agent_takes_call(call: Call, event: AgentJoined) -> Result:
    """LiveKit answers a caller as soon as the agent's audio is in the room, and says nothing of it."""
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked", END_ROOM)
    if is_known_to_have_left(call, event.sid):
        return Unmoved("agent_has_left")
    taken = activated(replace(call, answered_at=event.at), AgentSeen(event.sid, event.at, event.identity), event.at)
    # No dialer stays with it to have a short limit looked at in time.
    return Moved(changed(taken), LOOK_AGAIN if call.max_call_duration_s <= SHORT_LIMIT_S else frozenset())


def _agent_joins_call(call: Call, event: AgentJoined) -> Result:
    """Who is recorded stays, whoever joined first: each of two that look at the same moment then keeps the same one. A
    successor is none too many, because the one before has left."""
    if event.sid == call.agent_sid and call.agent_left_at is None:
        return Unmoved("agent_is_known")
    if is_passed_on(call) and not awaits_agent(call):
        return Unmoved("was_passed_on", REMOVE_AGENT)
    if call.is_its_agent(event.identity):
        # The connection was lost. Another agent that was asked for meanwhile is still to come.
        return _agent_is_back(call, event)
    if not is_known_to_have_left(call, event.sid) and (taken := taken_by_target(call, event)) is not None:
        return Moved(changed(taken), LOOK_AGAIN)
    if call.agent_left_at is None and call.agent_sid is not None:
        return Unmoved("another_agent_talks", REMOVE_AGENT)
    return _agent_is_back(call, event)


def _agent_is_back(call: Call, event: AgentJoined) -> Result:
    if is_known_to_have_left(call, event.sid):
        return Unmoved("agent_has_left")
    # A silence is what the one before had heard.
    reports = replace(call.reports, silent_since=None)
    return Moved(
        changed(
            with_successor(call, event.sid, event.identity),
            agent_left_at=None,
            handed_over_at=None,
            other_left_at=None,
            reports=reports,
        )
    )


def _agent_leaves_call(call: Call, event: AgentLeft) -> Result:
    """LiveKit leaves the caller on the line. A successor may come; without one the next look ends the call."""
    if call.agent_sid is not None and event.sid != call.agent_sid:
        return another_agent_left(call, event)
    if call.agent_left_at is not None:
        # Whoever heard of it first may have died before a look was asked for.
        return Unmoved("agent_left_before", LOOK_AGAIN)
    gone = agent_gone(call, event.at)
    return Moved(changed(gone, agent_sid=call.agent_sid or event.sid or None, agent_left_at=event.at), LOOK_AGAIN)


def another_agent_left(call: Call, event: AgentLeft) -> Result:
    """The joining of one that nobody has told of yet may be told any time: it is over."""
    if event.sid in call.former_agent_sids:
        return Unmoved("stale_agent")
    return Moved(changed(with_former_agent(call, event.sid)))


# --- whom an agent leaves behind -------------------------------------------------------------------------------------


def _others_talk(call: Call, event: OthersTalk) -> Result:
    if call.agent_left_at is None:
        return Unmoved("agent_is_there")
    if call.handed_over_at is not None and call.other_left_at is None:
        return Unmoved("handed_over_before")
    return Moved(changed(call, handed_over_at=call.handed_over_at or event.at, other_left_at=None))


def other_leaves(call: Call, at: int, *, has_talked: bool, may_come_back: bool = False) -> Result:
    """Where no agent is left, somebody has to look whether anybody is. Who had picked up has taken the call over, also
    where nobody has looked meanwhile. A phone that lost its connection to the room `may_come_back`."""
    if call.agent_left_at is None:
        return Unmoved("agent_is_there")
    handed_over_at = call.handed_over_at or (call.agent_left_at if has_talked else None)
    left = changed(call, other_left_at=at, other_may_come_back=may_come_back, handed_over_at=handed_over_at)
    return Moved(left, LOOK_AGAIN)


def successor_waits_s(call: Call) -> int:
    """How long whoever is without an agent, and was left by the person too whom that had brought in, is alone before
    the call ends. A phone that lost its connection has as long to come back as a call's own."""
    is_missed = call.other_left_at is not None and call.other_may_come_back
    return DIALER_SILENCE_S if is_missed else AGENT_SUCCESSOR_S


def _other_left(call: Call, event: OtherLeft) -> Result:
    return other_leaves(call, event.at, has_talked=False)


# --- who thinks for an agent -----------------------------------------------------------------------------------------


def _runner_given(call: Call, event: RunnerGiven) -> Result:
    """One runner at a time. Whoever writes this takes the place of the new one, and gives back that of the one
    before."""
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked")
    if call.runner_id == event.runner_id:
        return Unmoved("runner_is_known")
    notes = call.notes if call.runner_id is None else noted(call, event.at, f"other_runner: {event.runner_id}")
    return Moved(changed(call, runner_id=event.runner_id, notes=notes))


# --- another agent takes the caller ----------------------------------------------------------------------------------


def _fell_back(call: Call, event: FellBack) -> Result:
    """Once: the agent before gives its runner's place back, and has no further claim to the call. Of an agent and a
    number the agent comes first, and is then all that the call has."""
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked")
    if not falls_back(call, event.at):
        return Unmoved("has_no_fallback")
    if call.fallback_agent_id is None and call.fallback_number is not None:
        notes = noted(call, event.at, f"fell_back: {call.fallback_number}")
        given_up = replace(call, fallback_number=None, notes=notes)
        return Moved(changed(passed_on(given_up, call.fallback_number, event.at)), LOOK_AGAIN)
    fallen_back = replace(
        call,
        agent_id=call.fallback_agent_id,
        brain=call.fallback_brain,
        voice_profile_id=call.fallback_voice_profile_id,
        voice=call.fallback_voice,
        fallback_agent_id=None,
        fallback_brain=None,
        fallback_number=None,
        fallback_voice_profile_id=None,
        fallback_voice=None,
        fallback_dispatch=call.dispatches + 1,
        counters=_counters_of_fallback(call),
        runner_id=None,
        # An agent of the customer's own needs no speech worker.
        speech_row=None if call.fallback_brain is None else call.speech_row,
        # Whoever was ready before is not who speaks.
        reports=replace(call.reports, ready_at=None, can_report=(), worker_id=None, dispatch=None),
        notes=noted(call, event.at, f"fell_back: {call.fallback_agent_id}"),
    )
    return Moved(changed(fallen_back, dispatches=call.dispatches + 1, dispatched_at=event.at))


def _counters_of_fallback(call: Call) -> tuple[str, ...]:
    """Where the call counts that is the fallback's: its place is taken, and that of the agent before given back, with
    this change or not at all."""
    others = (each for each in call.counters if kind_of(each) is not Kind.AGENT)
    return (*others, counter_name(Kind.AGENT, call.fallback_agent_id or ""))


def agent_join_s(call: Call) -> int:
    """How long an answered call, or a caller for whom a fallback is named, waits for its agent."""
    return AGENT_JOIN_S if call.agent_join_timeout_s is None else call.agent_join_timeout_s


def falls_back(call: Call, now: int) -> bool:
    """Whether the agent of a caller had its time, and another agent or a number is named for that case."""
    due_at = falls_back_at(call)
    return due_at is not None and now >= due_at


def falls_back_at(call: Call) -> int | None:
    """When a caller falls back who still waits for their agent; None where nobody is named. Before they are let go in
    any case: a fallback that is due no sooner would never take anybody."""
    if call.active_at is not None or (call.fallback_agent_id is None and call.fallback_number is None):
        return None
    waits_s = min(agent_join_s(call), call.ring_timeout_s - FALLBACK_AHEAD_S)
    return (call.dialed_at or call.created_at) + waits_s * MS_PER_S


OF_AN_AGENTS_PRESENCE: dict[type, Rule] = {
    FellBack: _fell_back,
    AgentJoined: _agent_joins_answered,
    DispatchedAgain: _dispatched_again,
    RunnerGiven: _runner_given,
    SpeechLost: _speech_lost,
}
OF_AN_AGENTS_PRESENCE_IN_CALL: dict[type, Rule] = {
    DispatchedAgain: _dispatched_again,
    RunnerGiven: _runner_given,
    SpeechLost: _speech_lost,
    AgentWantedBack: _agent_wanted_back,
    AgentJoined: _agent_joins_call,
    AgentLeft: _agent_leaves_call,
    OthersTalk: _others_talk,
    OtherLeft: _other_left,
}
