"""What a call's end must be called where nothing went wrong: the callees, the agent and the customer's policy alone
decide."""

from ringline.calls.reasons import EndReason
from simulation.plan import PlannedCall
from simulation.retries import names

_R = EndReason

_REFUSED = {
    "busy": {_R.USER_BUSY, _R.USER_HUNG_UP_RINGING},
    "declines": {_R.USER_HUNG_UP_RINGING, _R.USER_BUSY},
    "wrong": {_R.SIP_FAILED_WRONG_NUMBER},
    "unavailable": {_R.USER_DID_NOT_PICK_UP, _R.VOICEMAIL_DETECTED_PRECONNECT},
    "trunk_down": {_R.SIP_FAILED_TRUNK},
    "misconfigured": {_R.SIP_FAILED_TRUNK},
    "rings_out": {_R.USER_DID_NOT_PICK_UP},
}
_RINGS_AFTER_MS = 800
"""When a phone at the latest is said to ring: who declines later hangs up a ringing one."""
_MARGIN_MS = 2_000
"""Where two things happen this close to each other, either may come first."""


def true_reasons(plan: PlannedCall) -> set[EndReason] | None:
    """The reasons that tell the truth of an undisturbed call; None where it depends on who is faster."""
    if plan.hang_ups_after or plan.expires_after is not None:
        return None
    if plan.retry is None:
        return _reasons(plan, 1)
    final: set[EndReason] = set()
    for attempt in range(1, plan.retry.max_attempts + 1):
        reasons = _reasons(plan, attempt)
        if reasons is None:
            return None
        tried_again = {reason for reason in reasons if names(plan.retry, reason)}
        if attempt == plan.retry.max_attempts or not tried_again:
            return final | reasons
        final |= reasons - tried_again
    return final


def _reasons(plan: PlannedCall, attempt: int) -> set[EndReason] | None:
    """Why that attempt ended."""
    callee = plan.callee_in(attempt)
    if callee in {"busy", "declines"} and plan.answers_after > _RINGS_AFTER_MS:
        return {_R.USER_HUNG_UP_RINGING}
    if callee in _REFUSED:
        return _REFUSED[callee]
    ring_ms = plan.ring_timeout_s * 1000
    if abs(plan.answers_after - ring_ms) < _MARGIN_MS:
        return None
    if plan.answers_after > ring_ms:
        return {_R.USER_DID_NOT_PICK_UP}
    if plan.agent == "there":
        return _talked(plan, callee)
    hung_up_first = callee != "talks_on" and plan.talks_for < plan.agent_acts_after + _MARGIN_MS
    return {_R.AGENT_HUNG_UP} if plan.agent == "hangs_up" and not hung_up_first else None


def _talked(plan: PlannedCall, callee: str) -> set[EndReason] | None:
    limit_ms = plan.max_call_duration_s * 1000
    if callee == "talks_on" or plan.talks_for > limit_ms + 60_000:
        return {_R.MAX_DURATION_REACHED}
    return {_R.USER_HUNG_UP_IN_CALL} if plan.talks_for < limit_ms - _MARGIN_MS else None
