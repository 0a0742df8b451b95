"""What the end of a call must be called that was to be handed over once, where nothing went wrong."""

from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import AGENT_JOIN_S, AGENT_SUCCESSOR_S, REFER_TAKES_S
from simulation.plan.planned import PlannedCall, PlannedHandover

_R = EndReason
_MARGIN_MS = 4_000
"""Where two things happen this close to each other, either may come first. A dial takes up to two seconds to ring."""

_REFUSES = {"busy", "declines", "wrong", "trunk_down"}


def handed_over_reasons(call: PlannedCall, talk_ms: int, as_without: set[EndReason]) -> set[EndReason] | None:
    """The reasons that tell the truth of a call whose caller would talk for so long, and which would end `as_without`;
    None where it depends on who is faster."""
    handover = call.handovers[0]
    if handover.after > talk_ms + _MARGIN_MS and len(call.handovers) == 1:
        return as_without
    # Who asks so early may be refused: nobody has told of the answer yet.
    if handover.after < _MARGIN_MS or len(call.handovers) > 1 or len(handover.targets) > 1:
        return None
    if handover.targets[0].is_agent:
        return _to_agent(handover, talk_ms, as_without)
    ring_ms = call.ring_timeout_s * 1000
    target = handover.targets[0]
    if target.habit == "answers":
        # Who is sent away rings as long as their carrier likes: our ring time-out is for those whom we call in.
        longest_ms = ring_ms if handover.is_warm else REFER_TAKES_S * 1000
        if abs(target.after - longest_ms) < _MARGIN_MS:
            return None
        if target.after < longest_ms:
            return (_taken_over if handover.is_warm else _sent_away)(call, handover, talk_ms, as_without)
    if target.habit == "never_says" and not handover.is_warm:
        return None
    waits_ms = min(target.after, 6_000) if target.habit in _REFUSES else ring_ms
    return _failed(handover, handover.after + waits_ms, talk_ms, as_without)


def _failed(
    handover: PlannedHandover, failed_ms: int, talk_ms: int, as_without: set[EndReason]
) -> set[EndReason] | None:
    """The conversation goes on as if nobody had been asked for, or is to end."""
    if not handover.ends_call:
        return as_without
    if talk_ms < failed_ms - _MARGIN_MS:
        return as_without
    if talk_ms < failed_ms + _MARGIN_MS:
        return None
    return {_R.AGENT_HUNG_UP} if handover.by_agent else {_R.API_HUNG_UP}


def _to_agent(handover: PlannedHandover, talk_ms: int, as_without: set[EndReason]) -> set[EndReason] | None:
    match handover.targets[0].habit:
        case "absent":
            return _failed(handover, handover.after + AGENT_JOIN_S * 1000, talk_ms, as_without)
        case "slow" if handover.ends_call:
            return None
    return as_without


def _sent_away(
    call: PlannedCall, handover: PlannedHandover, talk_ms: int, as_without: set[EndReason]
) -> set[EndReason] | None:
    taken_ms = handover.after + handover.targets[0].after
    if abs(taken_ms - talk_ms) < _MARGIN_MS:
        return None
    return {_R.CALL_TRANSFERRED} if taken_ms < talk_ms else as_without


def _taken_over(
    call: PlannedCall, handover: PlannedHandover, talk_ms: int, as_without: set[EndReason]
) -> set[EndReason] | None:
    target = handover.targets[0]
    joined_ms = handover.after + target.after
    if abs(joined_ms - talk_ms) < _MARGIN_MS:
        return None
    if joined_ms > talk_ms:
        return as_without
    if handover.handoff is None:
        return None
    gone_ms, alone_at_ms = joined_ms + target.stays_for, joined_ms + handover.handoff
    if abs(gone_ms - talk_ms) < _MARGIN_MS or abs(gone_ms - alone_at_ms) < _MARGIN_MS:
        return None
    if gone_ms < min(alone_at_ms, talk_ms):
        return _failed(handover, gone_ms, talk_ms, as_without)
    if gone_ms < talk_ms:
        # The agent has gone, and then whoever took over: who is left is looked after, or hangs up meanwhile.
        is_long = talk_ms > gone_ms + (AGENT_SUCCESSOR_S + 1) * 1000 + _MARGIN_MS
        return {_R.CALL_TRANSFERRED} if is_long or as_without != {_R.MAX_DURATION_REACHED} else None
    return {_R.CALL_TRANSFERRED} if as_without != {_R.MAX_DURATION_REACHED} else as_without
