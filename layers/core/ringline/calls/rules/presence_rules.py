"""Who is in the room of a call: the agent that comes or goes, one that is sent again, one too many, and people whom an
agent leaves behind. Pure; what an agent tells is for `agent_rules`.

no agent in time ---> another is dispatched, until one is there ---> two may come: the later is removed
a speech worker's job is lost ---> another is dispatched at once, and again until one is there or the time is over
the agent leaves ---> a successor comes --------------------------------------------------> goes on
                 |--> somebody is there whom the agent had brought in ---> handed over ---> goes on
                 |--> the other side is alone for AGENT_SUCCESSOR_S ---------------------> ended
"""

from copy import replace

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import (
    AgentJoined,
    AgentLeft,
    AgentSeen,
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
    DISPATCH_WAITS_S,
    FIRST_DISPATCH_WAITS_S,
    MOST_SUCCESSORS,
    MS_PER_S,
    SHORT_LIMIT_S,
)
from ringline.calls.rules.ending import changed, noted
from ringline.calls.rules.transfers.steps import agent_gone, awaits_agent, taken_by_target

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
    if call.agent_left_at is None or call.dispatched_at is None:
        return False
    return call.active_at is not None and call.dispatched_at >= call.agent_left_at


# --- a speech worker is lost -----------------------------------------------------------------------------------------


def _speech_lost(call: Call, event: SpeechLost) -> Result:
    """Nobody speaks for the call any more, whatever LiveKit shows. Heard again, it is about a dispatch that is past."""
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked")
    if call.brain is None:
        return Unmoved("is_no_speech_worker")
    if call.evidence.leg_has_left_for_good:
        return Unmoved("leg_has_left")
    if event.dispatch != (call.reports.dispatch or call.dispatches):
        return Unmoved("another_was_dispatched")
    if call.reports.transferred_at is not None or call.handed_over_at is not None:
        return Unmoved("was_handed_over")
    if awaits_agent(call):
        # Whoever asked for the transfer talks on; that its target does not come is the transfer's to find out.
        return Unmoved("target_has_not_come")
    in_call = call.active_at is not None
    # Who was ready in the conversation has heard it from then on. Before it, nobody is there until the next is ready.
    ready_at = call.reports.ready_at if in_call else None
    lost = replace(
        call,
        agent_left_at=(call.agent_left_at or event.at) if in_call else call.agent_left_at,
        reports=replace(call.reports, ready_at=ready_at, worker_id=None, dispatch=None),
        notes=noted(call, event.at, f"speech_worker_lost: {call.reports.worker_id or event.dispatch}"),
    )
    if call.dispatches > MOST_SUCCESSORS:
        return Moved(changed(lost), LOOK_AGAIN)
    return Moved(changed(lost, dispatches=call.dispatches + 1, dispatched_at=event.at), LOOK_AGAIN)


# --- agents come and go ----------------------------------------------------------------------------------------------


def activated(call: Call, agent: AgentSeen, at: int) -> Call:
    """The conversation begins, with an agent who may have been there before the answer."""
    active_at = at if call.answered_at is None else max(at, call.answered_at)
    return replace(
        with_successor(call, agent.sid),
        state=State.ACTIVE,
        agent_sid=agent.sid,
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
    return Moved(changed(activated(call, AgentSeen(event.sid, event.at), event.at)))


def is_known_to_have_left(call: Call, sid: str) -> bool:
    """Whether the agent of this sid has left, so that a report of its joining was overtaken: LiveKit gives who comes
    back a new one."""
    return sid in call.former_agent_sids or (call.agent_left_at is not None and sid == call.agent_sid)


def with_former_agent(call: Call, sid: str) -> Call:
    """The call that remembers of this agent, which is not the one it knows, that it has left."""
    return replace(call, former_agent_sids=tuple(dict.fromkeys((*call.former_agent_sids, sid))))


def with_successor(call: Call, sid: str) -> Call:
    """The call that has this agent now, and remembers the one before if that has left."""
    if call.agent_sid is not None and call.agent_sid != sid and call.agent_left_at is not None:
        call = with_former_agent(call, call.agent_sid)
    return replace(call, agent_sid=sid)


def _agent_takes_call(call: Call, event: AgentJoined) -> Result:
    """LiveKit answers a caller as soon as the agent's audio is in the room, and says nothing of it."""
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked", END_ROOM)
    if is_known_to_have_left(call, event.sid):
        return Unmoved("agent_has_left")
    taken = activated(replace(call, answered_at=event.at), AgentSeen(event.sid, event.at), event.at)
    # No dialer stays with it to have a short limit looked at in time.
    return Moved(changed(taken), LOOK_AGAIN if call.max_call_duration_s <= SHORT_LIMIT_S else frozenset())


def _agent_joins_call(call: Call, event: AgentJoined) -> Result:
    """Who is recorded stays, whoever joined first: each of two that look at the same moment then keeps the same one. A
    successor is none too many, because the one before has left."""
    if event.sid == call.agent_sid and call.agent_left_at is None:
        return Unmoved("agent_is_known")
    if not is_known_to_have_left(call, event.sid) and (taken := taken_by_target(call, event)) is not None:
        return Moved(changed(taken), LOOK_AGAIN)
    if call.agent_left_at is None and call.agent_sid is not None:
        return Unmoved("another_agent_talks", REMOVE_AGENT)
    if is_known_to_have_left(call, event.sid):
        return Unmoved("agent_has_left")
    # A silence is what the one before had heard.
    reports = replace(call.reports, silent_since=None)
    return Moved(
        changed(
            with_successor(call, event.sid),
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


def other_leaves(call: Call, at: int, *, has_talked: bool) -> Result:
    """Where no agent is left, somebody has to look whether anybody is. Who had picked up has taken the call over, also
    where nobody has looked meanwhile."""
    if call.agent_left_at is None:
        return Unmoved("agent_is_there")
    handed_over_at = call.handed_over_at or (call.agent_left_at if has_talked else None)
    return Moved(changed(call, other_left_at=at, handed_over_at=handed_over_at), LOOK_AGAIN)


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
    """Once: the agent before gives its runner's place back, and has no further claim to the call."""
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked")
    if not falls_back(call, event.at):
        return Unmoved("has_no_fallback")
    fallen_back = replace(
        call,
        agent_id=call.fallback_agent_id,
        brain=call.fallback_brain,
        fallback_agent_id=None,
        fallback_brain=None,
        runner_id=None,
        notes=noted(call, event.at, f"fell_back: {call.fallback_agent_id}"),
    )
    return Moved(changed(fallen_back, dispatches=call.dispatches + 1, dispatched_at=event.at))


def agent_join_s(call: Call) -> int:
    """How long an answered call, or a caller for whom another agent is named, waits for its agent."""
    return AGENT_JOIN_S if call.agent_join_timeout_s is None else call.agent_join_timeout_s


def falls_back(call: Call, now: int) -> bool:
    """Whether the agent of a caller had its time, and another is named for that case."""
    if call.fallback_agent_id is None or call.active_at is not None:
        return False
    return now - (call.dialed_at or call.created_at) >= agent_join_s(call) * MS_PER_S


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
    AgentJoined: _agent_joins_call,
    AgentLeft: _agent_leaves_call,
    OthersTalk: _others_talk,
    OtherLeft: _other_left,
}
