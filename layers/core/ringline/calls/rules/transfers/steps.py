"""What is told of a transfer, and what the call's own events mean for one: who joins, leaves or ends the call.

Every step returns the call as it is afterwards, without a new version, or why nothing changes.
"""

from copy import replace

from ringline.calls.capacity.counters import Kind, counter_name
from ringline.calls.model.call import Call, State
from ringline.calls.model.events import LegJoined, LegLeft
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM, LOOK_AGAIN, Moved, Result, Rule, Unmoved
from ringline.calls.model.transfers.transfer import (
    MOST_TRANSFERS,
    AskedBy,
    Former,
    Target,
    TargetKind,
    TargetLeft,
    Transfer,
    TransferMode,
    TransferState,
    leg_identity,
    next_of,
    of_dial,
    transfer_named,
    under_way,
)
from ringline.calls.model.transfers.transfer_events import (
    TransferAsked,
    TransferBegun,
    TransferCompleted,
    TransferFailed,
    TransferJoined,
    TransferRang,
)
from ringline.calls.rules.transfers.agents import lost_at, with_change, with_former_agent, without_counter_of

_S = TransferState

UNDER_WAY = "transfer_under_way"
TOO_MANY = "too_many_transfers"
OVER = "transfer_is_over"
LEG_HAS_LEFT = "leg_has_left"
"""The call's own phone is gone, and the call waits for a word about it: nobody is to be brought to it any more."""
_OF_A_LATER_RELEASE = "transfer_of_a_later_release"


# --- what is told of it ----------------------------------------------------------------------------------------------


def _asked(call: Call, event: TransferAsked) -> Result:
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked")
    if call.evidence.leg_has_left_for_good:
        return Unmoved(LEG_HAS_LEFT)
    if under_way(call.transfers) is not None:
        return Unmoved(UNDER_WAY)
    if len(call.transfers) >= MOST_TRANSFERS:
        return Unmoved(TOO_MANY)
    return Moved(_begun_anew(call, event.transfer))


def _begun_anew(call: Call, transfer: Transfer) -> Call:
    """The call from which somebody else is asked for."""
    if transfer.is_to_number:
        return replace(call, transfers=(*call.transfers, transfer))
    told = call.reports
    former = Former(
        call.agent_id,
        call.brain,
        told.worker_id,
        told.dispatch,
        ready_at=told.ready_at,
        can_report=told.can_report,
        voice_profile_id=call.voice_profile_id,
        voice=call.voice,
        lost_at=lost_at(call),
    )
    sent = replace(transfer, former=former, dispatch=call.dispatches + 1)
    return replace(
        call,
        transfers=(*call.transfers, sent),
        dispatches=call.dispatches + 1,
        agent_id=transfer.target.name,
        brain=transfer.target.brain,
        voice_profile_id=transfer.target.voice_profile_id,
        voice=transfer.target.voice,
        # The runner before gives its place back, and goes on until the next agent is there.
        runner_id=None,
        reports=replace(call.reports, worker_id=None, dispatch=None),
    )


def _handed_over(call: Call, transfer: Transfer, at: int) -> Call:
    """The call that is about to be the number's: if it ends now, it was transferred."""
    reports = replace(call.reports, transferred_at=at, transferred_to=transfer.target.name, transfer_only_started=True)
    return replace(call, reports=reports)


def _begun(call: Call, event: TransferBegun) -> Result:
    transfer = _goes_on(call, event.transfer_id)
    if transfer is None:
        return Unmoved(OVER)
    if transfer.begun_at is not None:
        return Unmoved("begun_before")
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked")
    if call.evidence.leg_has_left_for_good:
        return Unmoved(LEG_HAS_LEFT)
    begun = with_change(call, transfer, begun_at=event.at)
    if not transfer.is_to_agent:
        return Moved(begun)
    # The place under its cap is taken with this: of two that ask for the last one, one has it.
    named = counter_name(Kind.AGENT, transfer.target.name)
    return Moved(replace(begun, counters=tuple(dict.fromkeys((*call.counters, named)))))


def _goes_on(call: Call, transfer_id: str) -> Transfer | None:
    """The transfer, if it is under way and not one that a later release has brought further than this one knows."""
    transfer = transfer_named(call.transfers, transfer_id)
    return transfer if transfer is not None and transfer.is_under_way and transfer.is_understood else None


def _rang(call: Call, event: TransferRang) -> Result:
    transfer = transfer_named(call.transfers, event.transfer_id)
    if transfer is not None and not transfer.is_understood:
        return Unmoved(_OF_A_LATER_RELEASE)
    if transfer is None or not transfer.is_under_way:
        return Unmoved(OVER)
    if transfer.state is not _S.REQUESTED:
        return Unmoved("rang_before")
    if call.evidence.leg_has_left_for_good:
        return Unmoved(LEG_HAS_LEFT)
    return Moved(with_change(call, transfer, state=_S.RINGING, ringing_at=event.at))


def _joined(call: Call, event: TransferJoined) -> Result:
    """The target is there, or back. An agent that has left meanwhile has handed over."""
    transfer = transfer_named(call.transfers, event.transfer_id)
    if transfer is not None and not transfer.is_understood:
        return Unmoved(_OF_A_LATER_RELEASE)
    if transfer is not None and transfer.state is _S.JOINED and _is_back(transfer, event.participant_sid):
        return Moved(_with_target_back(call, transfer, event.participant_sid))
    if transfer is None or not transfer.state.awaits_target:
        return Unmoved("joined_before" if transfer is not None and transfer.joined_at else OVER)
    if call.evidence.leg_has_left_for_good:
        return Unmoved(LEG_HAS_LEFT)
    lost = transfer.left
    if lost is not None and not lost.may_come_back:
        # It answered and was gone before whoever called it could say so.
        return failed(call, transfer, event.at, EndReason.USER_HUNG_UP_IN_CALL, None)
    if lost is not None and _is_back(transfer, event.participant_sid):
        lost = None
    there = with_change(
        call, transfer, state=_S.JOINED, joined_at=event.at, participant_sid=event.participant_sid, left=lost
    )
    there = _handed_over(there, transfer, event.at)
    if call.agent_left_at is None:
        return Moved(there, frozenset() if lost is None else LOOK_AGAIN)
    return Moved(replace(_completed_in(there, event.at), handed_over_at=event.at, other_left_at=None))


def _completed(call: Call, event: TransferCompleted) -> Result:
    if _goes_on(call, event.transfer_id) is None:
        return Unmoved(OVER)
    return Moved(_completed_in(call, event.at))


def _failed(call: Call, event: TransferFailed) -> Result:
    transfer = _goes_on(call, event.transfer_id)
    if transfer is None:
        return Unmoved(OVER)
    return failed(call, transfer, event.at, event.reason, event.sip_code)


_ENDS_AS = {
    AskedBy.API: EndReason.API_HUNG_UP,
    AskedBy.AGENT: EndReason.AGENT_HUNG_UP,
    AskedBy.PIPE: EndReason.AGENT_DID_NOT_JOIN,
}
"""Why a call ends whose transfer, and all that were to follow it, came to nothing."""


def failed(call: Call, transfer: Transfer, at: int, reason: str, sip_code: int | None) -> Moved:
    """The conversation goes on with its agent, unless a fallback says otherwise."""
    back = with_change(call, transfer, state=_S.FAILED, ended_at=at, reason=reason, sip_code=sip_code)
    if transfer.is_to_number and transfer.joined_at is not None:
        told = replace(back.reports, transferred_at=None, transferred_to=None, transfer_only_started=False)
        back = replace(back, reports=told)
    elif transfer.is_to_agent:
        back = with_former_agent(back, transfer, at)
    # Whoever is left alone now has to be looked after.
    looks = LOOK_AGAIN if back.agent_left_at is not None else frozenset()
    following = next_of(transfer, at)
    if call.end_asked_at is not None or call.evidence.leg_has_left_for_good:
        return Moved(back, looks)
    if following is not None and len(call.transfers) < MOST_TRANSFERS:
        return Moved(_begun_anew(back, following), LOOK_AGAIN)
    if transfer.ends_call:
        ended = replace(
            back, end_asked_at=at, end_asked_reason=_ENDS_AS.get(transfer.asked_by, EndReason.AGENT_HUNG_UP)
        )
        return Moved(ended, END_ROOM | LOOK_AGAIN)
    return Moved(back, looks)


# --- a caller whose agent did not come -------------------------------------------------------------------------------


def passed_on(call: Call, number: str, at: int) -> Call:
    """The caller who is handed over to their pipe's number. Called into the room, it answers them: they hear it ring.
    There is no agent, and none is to come any more."""
    transfer = Transfer(
        # A call falls back once, so that nobody has to make a name.
        transfer_id=f"transfer_{call.call_id.partition('_')[2]}",
        dial=call.attempt,
        target=Target(TargetKind.NUMBER, number),
        mode=TransferMode.WARM,
        asked_by=AskedBy.PIPE,
        requested_at=at,
        warm_handoff_ms=0,
        ends_call=True,
        trunk_id=call.fallback_trunk_id,
        dispatch=call.dispatches + 1,
    )
    return replace(
        call,
        state=State.ACTIVE,
        answered_at=at,
        active_at=at,
        agent_left_at=at,
        runner_id=None,
        speech_row=None,
        transfers=(*call.transfers, transfer),
    )


def is_passed_on(call: Call) -> bool:
    """Whether the caller was handed over because no agent came, and none that was asked for afterwards has them."""
    of_this_dial = of_dial(call.transfers, call.attempt)
    has_agent = any(each.is_to_agent and each.state in {_S.JOINED, _S.COMPLETED} for each in of_this_dial)
    return not has_agent and any(each.asked_by is AskedBy.PIPE for each in of_this_dial)


# --- what the call's own events mean ---------------------------------------------------------------------------------


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
    if (
        transfer is None
        or not transfer.is_understood
        or event.identity != leg_identity(call.call_id, transfer.dial, transfer.transfer_id)
    ):
        return None
    if event.disconnect_reason == "DUPLICATE_IDENTITY":
        return Unmoved("leg_was_replaced")
    left = TargetLeft(event.at, event.disconnect_reason, event.last_call_status, event.sid)
    if transfer.state is _S.JOINED and not left.may_come_back:
        return failed(call, transfer, event.at, EndReason.USER_HUNG_UP_IN_CALL, None)
    if transfer.left is not None and (left.may_come_back or not transfer.left.may_come_back):
        return Unmoved("target_left_before")
    # Who lost the connection to the room may be back under another sid: as with a call's own leg, a look finds out.
    return Moved(with_change(call, transfer, left=left), LOOK_AGAIN)


def target_is_back(call: Call, event: LegJoined) -> Call | None:
    """The call whose target has lost its connection and is back; None where it is another's leg, or was not missed."""
    transfer = under_way(call.transfers)
    if transfer is None or not transfer.is_understood or not _is_back(transfer, event.sid):
        return None
    if event.identity != leg_identity(call.call_id, transfer.dial, transfer.transfer_id):
        return None
    return _with_target_back(call, transfer, event.sid)


def _is_back(transfer: Transfer, sid: str | None) -> bool:
    """Whether a leg of that sid is the target's, which had lost its connection: LiveKit gives who comes back a new
    one."""
    left = transfer.left
    return left is not None and left.may_come_back and sid not in {None, left.sid}


def _with_target_back(call: Call, transfer: Transfer, sid: str | None) -> Call:
    return with_change(call, transfer, left=None, participant_sid=None if transfer.joined_at is None else sid)


def waits_for_word_of_refer(call: Call) -> bool:
    """Whether its phone has left while LiveKit was asked to send it away. Who is sent away and who hangs up leave
    alike: LiveKit's answer alone tells which it was, and comes within milliseconds."""
    return is_being_sent_away(call) and call.active_at is not None and call.evidence.leg_has_left_for_good


def is_being_sent_away(call: Call) -> bool:
    """Whether LiveKit was asked to send its phone to another number, and has not said what came of it."""
    transfer = under_way(call.transfers)
    return transfer is not None and transfer.is_refer and transfer.begun_at is not None


def was_sent_away(call: Call) -> bool:
    """Whether LiveKit said that its phone has gone to another number."""
    last = next(iter(reversed(of_dial(call.transfers, call.attempt))), None)
    return last is not None and last.is_refer and last.state is _S.COMPLETED


def is_calling_in(call: Call) -> bool:
    """Whether somebody's phone is being called into the room, who has not picked up: it rings for nobody once the
    call's own has left."""
    transfer = under_way(call.transfers)
    if transfer is None or transfer.begun_at is None or transfer.is_refer:
        return False
    return transfer.is_to_number and transfer.state.awaits_target


def settled_with_call(call: Call, reason: EndReason, at: int) -> Call:
    """The call whose end settles its transfer too: whoever joined had it, and a phone of which nobody has said that it
    was taken elsewhere was not."""
    transfer = under_way(call.transfers)
    if transfer is None or not transfer.is_understood:
        return call
    if reason is EndReason.CALL_TRANSFERRED and transfer.state is _S.JOINED:
        return _completed_in(call, at)
    return with_change(call, transfer, state=_S.FAILED, ended_at=at, reason=reason.value)


def _completed_in(call: Call, at: int) -> Call:
    transfer = under_way(call.transfers)
    if transfer is None:
        return call
    done = with_change(call, transfer, state=_S.COMPLETED, ended_at=at)
    if transfer.is_refer:
        done = _handed_over(done, transfer, at)
    if transfer.is_to_agent:
        former = None if transfer.former is None else transfer.former.agent_id
        return without_counter_of(done, former, kept=call.agent_id)
    if done.reports.transferred_at is None:
        return done
    return replace(done, reports=replace(done.reports, transfer_only_started=False))


OF_TRANSFERS: dict[type, Rule] = {
    TransferAsked: _asked,
    TransferBegun: _begun,
    TransferRang: _rang,
    TransferJoined: _joined,
    TransferCompleted: _completed,
    TransferFailed: _failed,
}
