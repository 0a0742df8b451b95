"""The agents of a transfer to another one: who is awaited, who takes the call, and who has it again if that fails.

Every step returns the call as it is afterwards, without a new version, or why nothing changes.
"""

from copy import replace
from typing import Any

from ringline.calls.capacity.counters import Kind, counter_name
from ringline.calls.model.call import Call
from ringline.calls.model.events import AgentJoined, AgentReady
from ringline.calls.model.results import Unmoved
from ringline.calls.model.transfers.transfer import Former, Transfer, TransferState, of_dial, under_way, with_transfer

_S = TransferState


def with_change(call: Call, transfer: Transfer, **changes: Any) -> Call:
    """The call whose transfer has these fields now."""
    return replace(call, transfers=with_transfer(call.transfers, replace(transfer, **changes)))


def awaits_agent(call: Call) -> bool:
    """Whether another agent was asked for, who is not there yet."""
    return agent_awaited_by(call) is not None


def agent_awaited_by(call: Call) -> Transfer | None:
    """The transfer by which another agent was asked for, who is not there yet; None where none was."""
    transfer = under_way(call.transfers)
    return transfer if transfer is not None and transfer.is_to_agent and transfer.state.awaits_target else None


def taken_by_target(call: Call, event: AgentJoined) -> Call | None:
    """The call that the agent takes for which the present one asked; None where nobody asked for one."""
    transfer = agent_awaited_by(call)
    if transfer is None:
        return None
    sid, identity = (call.agent_sid, call.agent_identity) if call.agent_left_at is None else (None, None)
    told = call.reports
    former = replace(
        transfer.former or Former(),
        sid=sid,
        identity=identity,
        transferred_at=told.transferred_at,
        transferred_to=told.transferred_to,
        only_started=told.transfer_only_started,
    )
    there = with_change(call, transfer, state=_S.JOINED, joined_at=event.at, participant_sid=event.sid, former=former)
    # Whom a number had before has an agent again.
    reports = replace(told, transferred_at=None, transferred_to=None, transfer_only_started=False)
    reports = replace(reports, silent_since=None, said_all=False)
    if transfer.ready_at is None:
        reports = replace(reports, ready_at=None, can_report=())
    return replace(
        there,
        agent_sid=event.sid,
        agent_identity=event.identity or None,
        agent_left_at=None,
        handed_over_at=None,
        other_left_at=None,
        reports=reports,
    )


def ready_for_target(call: Call, event: AgentReady) -> Call | Unmoved:
    """The call whose readiness is told: what the agent before can report is not what the next one can."""
    transfer = agent_awaited_by(call)
    if transfer is None or event.proven is None:
        return call
    if event.proven < (transfer.dispatch or 1):
        return Unmoved("ready_before")
    if transfer.ready_at is not None:
        return call
    reports = replace(call.reports, ready_at=None, can_report=())
    return with_change(replace(call, reports=reports), transfer, ready_at=event.at)


def with_former_agent(call: Call, transfer: Transfer, at: int) -> Call:
    """The call that is the agent's again from which another was asked for. The place of a runner stays given back: it
    may be somebody else's by now, and a runner that is full refuses."""
    if transfer.joined_at is not None:
        call = _without_target(call, transfer, at)
    former = transfer.former or Former(
        call.agent_id, call.brain, voice_profile_id=call.voice_profile_id, voice=call.voice
    )
    reports = replace(call.reports, worker_id=former.worker_id, dispatch=former.dispatch)
    if transfer.joined_at is not None and reports.transferred_at is None:
        reports = replace(
            reports,
            transferred_at=former.transferred_at,
            transferred_to=former.transferred_to,
            transfer_only_started=former.only_started,
        )
    if transfer.ready_at is not None or transfer.joined_at is not None:
        reports = replace(reports, ready_at=former.ready_at, can_report=former.can_report, said_all=False)
    if former.lost_at is not None and call.agent_left_at is not None:
        # Its successor is sent by the next look.
        call = replace(call, dispatched_at=max(call.dispatched_at or 0, call.agent_left_at))
    return replace(
        without_counter_of(call, transfer.target.name, kept=former.agent_id),
        agent_id=former.agent_id,
        brain=former.brain,
        voice_profile_id=former.voice_profile_id,
        voice=former.voice,
        runner_id=None,
        reports=reports,
    )


def without_counter_of(call: Call, agent_id: str | None, kept: str | None) -> Call:
    """The call that counts as the agent's no longer, unless that is the one who has it."""
    if agent_id is None or agent_id == kept:
        return call
    named = counter_name(Kind.AGENT, agent_id)
    return replace(call, counters=tuple(each for each in call.counters if each != named))


def _without_target(call: Call, transfer: Transfer, at: int) -> Call:
    """The call whose agent is again who was there when the target came; nobody's, where that one has gone meanwhile."""
    sid = None if transfer.former is None else transfer.former.sid
    gone = call.former_agent_sids if call.agent_sid is None else (*call.former_agent_sids, call.agent_sid)
    is_there = sid is not None and sid not in gone
    return replace(
        call,
        agent_sid=sid,
        agent_identity=None if transfer.former is None else transfer.former.identity,
        former_agent_sids=tuple(dict.fromkeys(each for each in gone if each != sid)),
        agent_left_at=None if is_there else at,
    )


def lost_at(call: Call) -> int | None:
    """When the speech worker of the call's agent was lost, if that was while another was awaited and none has come."""
    former = call.transfers[-1].former if call.transfers and call.agent_left_at is not None else None
    return None if former is None else former.lost_at


def has_no_part_in(call: Call, dispatch: int) -> bool:
    """Whether the agent of that dispatch has the call no longer: another was asked for in its place and has not failed
    to come, or it is itself the one that was asked for and did not come in time."""
    of_this_dial = of_dial(call.transfers, call.attempt)
    asked_for = [(each.state, each.dispatch) for each in of_this_dial if each.dispatch is not None]
    return any(dispatch == theirs if state is _S.FAILED else dispatch < theirs for state, theirs in asked_for)
