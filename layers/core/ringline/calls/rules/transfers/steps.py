"""What is told of a transfer, and what the call's own events mean for one: who joins, leaves or ends the call.

Every step returns the call as it is afterwards, without a new version, or why nothing changes.
"""

from copy import replace
from typing import Any

from ringline.calls.model.call import UP, Call
from ringline.calls.model.events import AgentJoined, LegLeft
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM, LOOK_AGAIN, Moved, Result, Rule, Unmoved
from ringline.calls.model.transfers.transfer import (
    MOST_TRANSFERS,
    AskedBy,
    Former,
    TargetLeft,
    Transfer,
    TransferState,
    leg_identity,
    next_of,
    of_dial,
    transfer_named,
    under_way,
    with_transfer,
)
from ringline.calls.model.transfers.transfer_events import (
    TransferAsked,
    TransferBegun,
    TransferCompleted,
    TransferFailed,
    TransferJoined,
    TransferRang,
)

_S = TransferState

UNDER_WAY = "transfer_under_way"
TOO_MANY = "too_many_transfers"


# --- what is told of it ----------------------------------------------------------------------------------------------


def _asked(call: Call, event: TransferAsked) -> Result:
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked")
    if call.evidence.leg_has_left_for_good:
        return Unmoved("leg_has_left")
    if under_way(call.transfers) is not None:
        return Unmoved(UNDER_WAY)
    if len(call.transfers) >= MOST_TRANSFERS:
        return Unmoved(TOO_MANY)
    return Moved(_begun_anew(call, event.transfer))


def _begun_anew(call: Call, transfer: Transfer) -> Call:
    """The call from which somebody else is asked for."""
    if transfer.is_to_number:
        with_it = replace(call, transfers=(*call.transfers, transfer))
        # Who goes while somebody else is still rung has hung up; the phone that is sent away goes because of it.
        return _handed_over(with_it, transfer, transfer.requested_at) if transfer.is_refer else with_it
    former = Former(call.agent_id, call.brain, call.reports.worker_id, call.reports.dispatch)
    sent = replace(transfer, former=former, dispatch=call.dispatches + 1)
    return replace(
        call,
        transfers=(*call.transfers, sent),
        dispatches=call.dispatches + 1,
        agent_id=transfer.target.name,
        brain=transfer.target.brain,
        # The runner before gives its place back, and goes on until the next agent is there.
        runner_id=None,
        reports=replace(call.reports, worker_id=None, dispatch=None),
    )


def _handed_over(call: Call, transfer: Transfer, at: int) -> Call:
    """The call that is about to be the number's: if it ends now, it was transferred."""
    reports = replace(call.reports, transferred_at=at, transferred_to=transfer.target.name, transfer_only_started=True)
    return replace(call, reports=reports)


def _begun(call: Call, event: TransferBegun) -> Result:
    transfer = transfer_named(call.transfers, event.transfer_id)
    if transfer is None or not transfer.is_under_way:
        return Unmoved("transfer_is_over")
    if transfer.begun_at is not None:
        return Unmoved("begun_before")
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked")
    return Moved(_with(call, transfer, begun_at=event.at))


def _rang(call: Call, event: TransferRang) -> Result:
    transfer = transfer_named(call.transfers, event.transfer_id)
    if transfer is None or transfer.state is not _S.REQUESTED:
        return Unmoved("rang_before")
    return Moved(_with(call, transfer, state=_S.RINGING, ringing_at=event.at))


def _joined(call: Call, event: TransferJoined) -> Result:
    """The target is there. An agent that has left meanwhile has handed over."""
    transfer = transfer_named(call.transfers, event.transfer_id)
    if transfer is None or not transfer.state.awaits_target:
        return Unmoved("joined_before" if transfer is not None and transfer.joined_at else "transfer_is_over")
    if transfer.left is not None:
        # It answered and was gone before whoever called it could say so.
        return failed(call, transfer, event.at, EndReason.USER_HUNG_UP_IN_CALL, None)
    there = _with(call, transfer, state=_S.JOINED, joined_at=event.at, participant_sid=event.participant_sid)
    there = _handed_over(there, transfer, event.at)
    if call.agent_left_at is None:
        return Moved(there)
    return Moved(replace(_completed_in(there, event.at), handed_over_at=event.at, other_left_at=None))


def _completed(call: Call, event: TransferCompleted) -> Result:
    transfer = transfer_named(call.transfers, event.transfer_id)
    if transfer is None or not transfer.is_under_way:
        return Unmoved("transfer_is_over")
    return Moved(_completed_in(call, event.at))


def _failed(call: Call, event: TransferFailed) -> Result:
    transfer = transfer_named(call.transfers, event.transfer_id)
    if transfer is None or not transfer.is_under_way:
        return Unmoved("transfer_is_over")
    return failed(call, transfer, event.at, event.reason, event.sip_code)


def failed(call: Call, transfer: Transfer, at: int, reason: str, sip_code: int | None) -> Moved:
    """The conversation goes on with its agent, unless a fallback says otherwise."""
    back = _with(call, transfer, state=_S.FAILED, ended_at=at, reason=reason, sip_code=sip_code)
    if transfer.is_to_number:
        told = replace(back.reports, transferred_at=None, transferred_to=None, transfer_only_started=False)
        back = replace(back, reports=told)
    else:
        back = _with_former_agent(back, transfer)
    # Whoever is left alone now has to be looked after.
    looks = LOOK_AGAIN if call.agent_left_at is not None else frozenset()
    following = next_of(transfer, at)
    if call.end_asked_at is not None:
        return Moved(back, looks)
    if following is not None and len(call.transfers) < MOST_TRANSFERS:
        return Moved(_begun_anew(back, following), LOOK_AGAIN)
    if transfer.ends_call:
        reason_of_end = EndReason.API_HUNG_UP if transfer.asked_by is AskedBy.API else EndReason.AGENT_HUNG_UP
        return Moved(replace(back, end_asked_at=at, end_asked_reason=reason_of_end), END_ROOM | LOOK_AGAIN)
    return Moved(back, looks)


def _with_former_agent(call: Call, transfer: Transfer) -> Call:
    """The place of a runner stays given back: it may be somebody else's by now, and a runner that is full refuses."""
    former = transfer.former or Former(call.agent_id, call.brain)
    reports = replace(call.reports, worker_id=former.worker_id, dispatch=former.dispatch)
    return replace(call, agent_id=former.agent_id, brain=former.brain, runner_id=None, reports=reports)


# --- what the call's own events mean ---------------------------------------------------------------------------------


def awaits_agent(call: Call) -> bool:
    """Whether another agent was asked for, who is not there yet."""
    return _awaiting_agent(call) is not None


def _awaiting_agent(call: Call) -> Transfer | None:
    transfer = under_way(call.transfers)
    return transfer if transfer is not None and transfer.is_to_agent and transfer.state.awaits_target else None


def taken_by_target(call: Call, event: AgentJoined) -> Call | None:
    """The call that the agent takes for which the present one asked; None where nobody asked for one."""
    transfer = _awaiting_agent(call)
    if transfer is None:
        return None
    there = _with(call, transfer, state=_S.JOINED, joined_at=event.at, participant_sid=event.sid)
    reports = replace(there.reports, silent_since=None)
    return replace(
        there, agent_sid=event.sid, agent_left_at=None, handed_over_at=None, other_left_at=None, reports=reports
    )


def agent_gone(call: Call, at: int) -> Call:
    """An agent that leaves whom it has brought together has handed over."""
    transfer = under_way(call.transfers)
    if transfer is None or transfer.state is not _S.JOINED or not transfer.is_to_number:
        return call
    return replace(_completed_in(call, at), handed_over_at=at)


def told_completed(call: Call, at: int) -> Call | None:
    """The agent says that the one who has joined has the call; None where nobody has."""
    transfer = under_way(call.transfers)
    is_there = transfer is not None and transfer.state is _S.JOINED and transfer.is_to_number
    return _completed_in(call, at) if is_there else None


def target_left(call: Call, event: LegLeft) -> Result | None:
    """The leg of a number that was called into the room has left; None where it is another's, or its transfer over.

    Whoever calls it knows the carrier's code, and speaks within milliseconds: until then its word is only kept."""
    transfer = under_way(call.transfers)
    if transfer is None or event.identity != leg_identity(call.call_id, transfer.dial, transfer.transfer_id):
        return None
    if event.disconnect_reason == "DUPLICATE_IDENTITY":
        return Unmoved("leg_was_replaced")
    if transfer.state is _S.JOINED:
        return failed(call, transfer, event.at, EndReason.USER_HUNG_UP_IN_CALL, None)
    if transfer.left is not None:
        return Unmoved("target_left_before")
    left = TargetLeft(event.at, event.disconnect_reason, event.last_call_status)
    return Moved(_with(call, transfer, left=left), LOOK_AGAIN)


def target_was_answered(transfer: Transfer) -> bool:
    """Whether the leg that has left had been picked up, though nobody told."""
    return transfer.left is not None and transfer.left.call_status in UP


def settled_with_call(call: Call, reason: EndReason, at: int) -> Call:
    """The call whose end settles its transfer too: a phone that was sent away has left, and whoever joined had it."""
    transfer = under_way(call.transfers)
    if transfer is None:
        return call
    if reason is EndReason.CALL_TRANSFERRED and (transfer.is_refer or transfer.state is _S.JOINED):
        return _completed_in(call, at)
    return _with(call, transfer, state=_S.FAILED, ended_at=at, reason=reason.value)


def _completed_in(call: Call, at: int) -> Call:
    transfer = under_way(call.transfers)
    if transfer is None:
        return call
    done = _with(call, transfer, state=_S.COMPLETED, ended_at=at)
    if transfer.is_to_agent or done.reports.transferred_at is None:
        return done
    return replace(done, reports=replace(done.reports, transfer_only_started=False))


def _with(call: Call, transfer: Transfer, **changes: Any) -> Call:
    return replace(call, transfers=with_transfer(call.transfers, replace(transfer, **changes)))


def has_no_part_in(call: Call, dispatch: int) -> bool:
    """Whether the agent of that dispatch has the call no longer: another was asked for in its place and has not failed
    to come, or it is itself the one that was asked for and did not come in time."""
    of_this_dial = of_dial(call.transfers, call.attempt)
    asked_for = [(each.state, each.dispatch) for each in of_this_dial if each.dispatch is not None]
    return any(dispatch == theirs if state is _S.FAILED else dispatch < theirs for state, theirs in asked_for)


OF_TRANSFERS: dict[type, Rule] = {
    TransferAsked: _asked,
    TransferBegun: _begun,
    TransferRang: _rang,
    TransferJoined: _joined,
    TransferCompleted: _completed,
    TransferFailed: _failed,
}
