"""What a call's end must be called where nothing went wrong: the callee and the agent alone decide."""

from ringline.calls.reasons import EndReason
from simulation.plan import PlannedCall

_R = EndReason

_REFUSED = {
    "busy": {_R.USER_BUSY, _R.USER_HUNG_UP_RINGING},
    "declines": {_R.USER_HUNG_UP_RINGING},
    "wrong": {_R.SIP_FAILED_WRONG_NUMBER},
    "unavailable": {_R.USER_DID_NOT_PICK_UP, _R.VOICEMAIL_DETECTED_PRECONNECT},
    "trunk_down": {_R.SIP_FAILED_TRUNK},
    "misconfigured": {_R.SIP_FAILED_TRUNK},
    "rings_out": {_R.USER_DID_NOT_PICK_UP},
}
_MARGIN_MS = 2_000
"""Where two things happen this close to each other, either may come first."""


def true_reasons(plan: PlannedCall) -> set[EndReason] | None:
    """The reasons that tell the truth of an undisturbed call; None where it depends on who is faster."""
    if plan.hang_ups_after or plan.expires_after is not None:
        return None
    if plan.callee in _REFUSED:
        return _REFUSED[plan.callee]
    ring_ms = plan.ring_timeout_s * 1000
    if abs(plan.answers_after - ring_ms) < _MARGIN_MS:
        return None
    if plan.answers_after > ring_ms:
        return {_R.USER_DID_NOT_PICK_UP}
    if plan.agent == "there":
        return _talked(plan)
    hung_up_first = plan.callee != "talks_on" and plan.talks_for < plan.agent_acts_after + _MARGIN_MS
    return {_R.AGENT_HUNG_UP} if plan.agent == "hangs_up" and not hung_up_first else None


def _talked(plan: PlannedCall) -> set[EndReason] | None:
    limit_ms = plan.max_call_duration_s * 1000
    if plan.callee == "talks_on" or plan.talks_for > limit_ms + 60_000:
        return {_R.MAX_DURATION_REACHED}
    return {_R.USER_HUNG_UP_IN_CALL} if plan.talks_for < limit_ms - _MARGIN_MS else None
