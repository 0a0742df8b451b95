"""Why a call waits and why it ended: a sentence for each, and what can be done about it."""

from dataclasses import dataclass

from ringline.calls.model.reasons import MEANINGS, EndReason
from ringline.calls.views.queue_place import BlockedBy


@dataclass(frozen=True, slots=True)
class Words:
    """What is so, and what to do if it should be otherwise; nothing to do where `advice` is empty."""

    says: str
    advice: str = ""


_B, _E = BlockedBy, EndReason

WAITS_FOR: dict[str, Words] = {
    _B.SCHEDULE: Words("Its time has not come."),
    _B.RETRY_DELAY: Words("It was dialled before, and waits for its next attempt."),
    _B.GATE: Words(
        "All lines of the account are in use.",
        "Wait for a call to end, or have the cap raised: `ringline account set ACCOUNT --max-calls N` (operator).",
    ),
    _B.AGENT_CAP: Words(
        "A line is free, but the agent has as many calls as its cap allows.",
        "`ringline agent set AGENT --max-calls N`; '' takes the cap off.",
    ),
    _B.PIPE_CAP: Words(
        "A line is free, but the pipe has as many calls as its cap allows.",
        "`ringline pipe set PIPE --max-calls N`; '' takes the cap off.",
    ),
    _B.NUMBER_CAP: Words(
        "A line is free, but the number that it calls from has as many calls as it may, at once or in a day.",
        "`ringline number set NUMBER --max-calls N --calls-per-day N`; '' takes a cap off.",
    ),
    _B.DAILY_CAP: Words(
        "The account has used up its calls, minutes or new numbers of this day (UTC). It goes on the next day.",
        "`ringline account show` says which; an operator sets them with `ringline account set --calls-per-day N`.",
    ),
    _B.CALLER_ID: Words(
        "A line is free, but no number of the pipe's pool has room: each is in use as often as it may be, or rests.",
        "`ringline pipe set PIPE --caller-ids NUMBERS` gives it more of them.",
    ),
    _B.TRUNK_PACE: Words(
        "A line is free, but its trunk takes no call at this moment: it has just taken one, or its carrier was full.",
        "`ringline trunk pace TRUNK --calls-per-second N` (operator), if the carrier allows more.",
    ),
    _B.LIVEKIT_PACE: Words(
        "A line is free, but LiveKit takes so many requests a minute and no more: calls are dialled in turn.",
        "`LiveKitRequestsPerMinute` of the stack (operator), if the LiveKit project's plan allows more.",
    ),
    _B.AGENT: Words(
        "A line is free, but no agent is there that has a place for it.",
        "Start its worker or runner: `ringline runners` and `ringline workers` show who is there.",
    ),
    _B.LIVEKIT: Words(
        "A line is free, but LiveKit is away: nobody is dialled before it is back.",
        "`ringline doctor` looks at LiveKit.",
    ),
    _B.CALLS_BEFORE: Words("A line is free, and others are before it."),
    _B.NOTHING: Words("Nothing is in its way: it is next."),
}
"""By `blocked_by` of a waiting call."""

_ADVICE: dict[EndReason, str] = {
    _E.USER_DID_NOT_PICK_UP: "Call again later; a retry policy can do so by itself (`--set retry={...}`).",
    _E.USER_BUSY: "Call again in a while.",
    _E.VOICEMAIL_DETECTED_PRECONNECT: "Call again later. If it was a person, set the pipe's voicemail windows.",
    _E.AGENT_HUNG_UP_VOICEMAIL_DETECTED: "`--voicemail-policy leave_message` has the agent speak to it instead.",
    _E.MAX_DURATION_REACHED: "`--max-call-duration-s` of the pipe or the call sets the limit.",
    _E.IDLE_TIMEOUT: "Look at the agent's own log: it heard nobody, or was gone.",
    _E.SIP_FAILED_WRONG_NUMBER: "Check the number: calling it again changes nothing.",
    _E.SIP_FAILED_NUMBER_BLOCKED: "Do not call it again from this number.",
    _E.AGENT_DID_NOT_JOIN: "Is the agent's worker up, under the name that is dispatched? `ringline doctor` looks.",
    _E.AGENT_FAILED: "Look at the agent's own log.",
    _E.NO_AGENT_AVAILABLE: "Start the agent's worker or runner, and call again. `ringline doctor` looks.",
    _E.SIP_FAILED_TRUNK: "Check the trunk's address, user and password: `ringline doctor`, and the SIP code above.",
    _E.SIP_FAILED_CAPACITY: "Slow the trunk down, or ask the carrier for more channels.",
    _E.SIP_FAILED_ACCOUNT: (
        "Ask the carrier: its text above says what of our account it refuses. Without one: the number that it was to go"
        " out on was given up meanwhile."
    ),
    _E.EXPIRED_IN_QUEUE: "Give calls a later expires_at, or the account more lines.",
    _E.NUMBER_NOT_ROUTED: "`ringline number attach NUMBER --agent AGENT` leads its callers to an agent.",
    _E.INTERNAL_ERROR: "Nobody was rung: the call can be made again.",
}


def ended(reason: str | None) -> Words:
    """Why a call ended. A reason of a later version is told by its name."""
    try:
        known = EndReason(reason or "")
    except ValueError:
        return Words(f"It ended as {reason}.")
    return Words(MEANINGS[known].when, _ADVICE.get(known, ""))


def waits_for(blocked_by: str | None) -> Words:
    """What a waiting call waits for."""
    return WAITS_FOR.get(blocked_by or "", Words(f"It waits for {blocked_by}."))
