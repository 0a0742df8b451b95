"""Why a target was not reached, in the words of a call that was not answered. Pure."""

from copy import replace

from ringline.calls.model.call import Call, CarrierWords, Direction, Evidence
from ringline.calls.model.outcomes import CarrierFull, LivekitAway, NotSent, Refused, Unclear
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.transfers.transfer import Transfer
from ringline.calls.rules.unanswered import OUR_FAILURE, why_unanswered

type NotReached = Refused | NotSent | LivekitAway | CarrierFull | Unclear | None


def why_not_reached(call: Call, transfer: Transfer, outcome: NotReached, at: int) -> tuple[EndReason, int | None]:
    """The reason, and the SIP code where there was one. None stands for nobody having told."""
    if isinstance(outcome, CarrierFull):
        return EndReason.SIP_FAILED_CAPACITY, outcome.sip_code
    told = _told(outcome)
    if transfer.left is not None:
        told = replace(
            told,
            leg_left_at=transfer.left.at,
            disconnect_reason=transfer.left.disconnect_reason,
            last_call_status=transfer.left.call_status,
        )
    dial = replace(
        call,
        direction=Direction.OUTBOUND,
        dialed_at=transfer.begun_at,
        answered_at=None,
        carrier=CarrierWords(),
        evidence=told,
    )
    return why_unanswered(dial, at), told.sip_code


def _told(outcome: NotReached) -> Evidence:
    match outcome:
        case Refused():
            return Evidence(
                sip_code=outcome.sip_code,
                sip_status=outcome.sip_status,
                refusal=outcome.refusal,
                twirp_code=outcome.twirp_code,
                twirp_message=outcome.message,
            )
        case NotSent() | LivekitAway():
            return Evidence(twirp_code=outcome.twirp_code or OUR_FAILURE, twirp_message=outcome.message)
    return Evidence()
