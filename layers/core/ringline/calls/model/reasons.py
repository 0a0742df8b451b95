"""Why calls end: every reason with its category, who ended the call, and whether calling again makes sense.

The first ten names are the SDK's; the others are ours. A name, once given, keeps its meaning.
"""

from enum import StrEnum

from ringline.later import StoredWord
from ringline.record import stored


class EndReason(StoredWord):
    USER_HUNG_UP_IN_CALL = "USER_HUNG_UP_IN_CALL"
    USER_DID_NOT_PICK_UP = "USER_DID_NOT_PICK_UP"
    USER_HUNG_UP_RINGING = "USER_HUNG_UP_RINGING"
    VOICEMAIL_DETECTED_PRECONNECT = "VOICEMAIL_DETECTED_PRECONNECT"
    AGENT_HUNG_UP_VOICEMAIL_DETECTED = "AGENT_HUNG_UP_VOICEMAIL_DETECTED"
    AGENT_HUNG_UP_SILENCE_DETECTED = "AGENT_HUNG_UP_SILENCE_DETECTED"
    MAX_DURATION_REACHED = "MAX_DURATION_REACHED"
    IDLE_TIMEOUT = "IDLE_TIMEOUT"
    SIP_FAILED_WRONG_NUMBER = "SIP_FAILED_WRONG_NUMBER"
    SIP_FAILED_NUMBER_BLOCKED = "SIP_FAILED_NUMBER_BLOCKED"
    USER_BUSY = "USER_BUSY"
    AGENT_HUNG_UP = "AGENT_HUNG_UP"
    CALL_TRANSFERRED = "CALL_TRANSFERRED"
    API_HUNG_UP = "API_HUNG_UP"
    CALL_CANCELED = "CALL_CANCELED"
    AGENT_DID_NOT_JOIN = "AGENT_DID_NOT_JOIN"
    AGENT_FAILED = "AGENT_FAILED"
    NO_AGENT_AVAILABLE = "NO_AGENT_AVAILABLE"
    SIP_FAILED_TRUNK = "SIP_FAILED_TRUNK"
    SIP_FAILED_CAPACITY = "SIP_FAILED_CAPACITY"
    SIP_FAILED_ACCOUNT = "SIP_FAILED_ACCOUNT"
    CONNECTION_LOST = "CONNECTION_LOST"
    DIAL_STATE_UNKNOWN = "DIAL_STATE_UNKNOWN"
    EXPIRED_IN_QUEUE = "EXPIRED_IN_QUEUE"
    NUMBER_NOT_ROUTED = "NUMBER_NOT_ROUTED"
    NO_LINE_FREE = "NO_LINE_FREE"
    DESTINATION_NOT_ALLOWED = "DESTINATION_NOT_ALLOWED"
    WEB_TOKEN_REUSED = "WEB_TOKEN_REUSED"  # noqa: S105 - a reason, no secret
    INTERNAL_ERROR = "INTERNAL_ERROR"


class Category(StrEnum):
    CONVERSATION = "conversation"
    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    NUMBER = "number"
    CARRIER = "carrier"
    AGENT = "agent"
    CANCELED = "canceled"
    SYSTEM = "system"


class EndedBy(StrEnum):
    USER = "user"
    AGENT = "agent"
    API = "api"
    CARRIER = "carrier"
    SYSTEM = "system"


@stored
class Meaning:
    """What a customer's program needs to decide: `retryable` says whether the same number may well answer later.
    `when` tells people when a call ends so."""

    category: Category
    ended_by: EndedBy
    retryable: bool
    when: str


_R, _C, _B = EndReason, Category, EndedBy

MEANINGS: dict[EndReason, Meaning] = {
    _R.USER_HUNG_UP_IN_CALL: Meaning(
        _C.CONVERSATION, _B.USER, False, "The person at the other end hung up in the conversation."
    ),
    _R.USER_DID_NOT_PICK_UP: Meaning(
        _C.NO_ANSWER, _B.USER, True, "The phone rang until its ring time-out, or was out of reach, and nobody answered."
    ),
    _R.USER_HUNG_UP_RINGING: Meaning(
        _C.NO_ANSWER,
        _B.USER,
        True,
        "The phone rang and the call was declined; or a caller gave up before the agent answered.",
    ),
    _R.VOICEMAIL_DETECTED_PRECONNECT: Meaning(
        _C.VOICEMAIL,
        _B.CARRIER,
        True,
        "The carrier ended the ringing as it does for voicemail, unavailable after a brief ring, or said that it passed"
        " the call on to one.",
    ),
    _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED: Meaning(
        _C.VOICEMAIL,
        _B.AGENT,
        True,
        "A voicemail had answered: the agent said so, or heard nobody speak before the call was over after a few"
        " seconds.",
    ),
    _R.AGENT_HUNG_UP_SILENCE_DETECTED: Meaning(
        _C.CONVERSATION, _B.AGENT, True, "The agent hung up because the other side had been silent for too long."
    ),
    _R.MAX_DURATION_REACHED: Meaning(
        _C.CONVERSATION, _B.SYSTEM, False, "The conversation reached its longest permitted duration."
    ),
    _R.IDLE_TIMEOUT: Meaning(
        _C.SYSTEM,
        _B.SYSTEM,
        True,
        "The answered call was found dead: nothing of it was left in its room, no sound came from it any more, or its"
        " agent heard nobody for very long.",
    ),
    _R.SIP_FAILED_WRONG_NUMBER: Meaning(
        _C.NUMBER, _B.CARRIER, False, "The number does not exist, is incomplete, or has moved."
    ),
    _R.SIP_FAILED_NUMBER_BLOCKED: Meaning(
        _C.NUMBER, _B.CARRIER, False, "The number or its carrier refuses calls like this one, or took it for fraud."
    ),
    _R.USER_BUSY: Meaning(
        _C.NO_ANSWER, _B.USER, True, "The line was busy, or the call was declined, before the phone rang."
    ),
    _R.AGENT_HUNG_UP: Meaning(_C.CONVERSATION, _B.AGENT, False, "The agent ended the conversation."),
    _R.CALL_TRANSFERRED: Meaning(
        _C.CONVERSATION,
        _B.AGENT,
        False,
        "The agent handed the call over, to another number or to somebody whom it brought in.",
    ),
    _R.API_HUNG_UP: Meaning(_C.CONVERSATION, _B.API, False, "The conversation was ended through the API."),
    _R.CALL_CANCELED: Meaning(
        _C.CANCELED,
        _B.API,
        False,
        "The call was canceled through the API before it connected, or the customer's server rejected the caller.",
    ),
    _R.AGENT_DID_NOT_JOIN: Meaning(
        _C.AGENT, _B.SYSTEM, True, "The call was there to be taken, and no agent came in time."
    ),
    _R.AGENT_FAILED: Meaning(
        _C.AGENT, _B.AGENT, True, "The agent failed, or left the conversation and nobody took over."
    ),
    _R.NO_AGENT_AVAILABLE: Meaning(
        _C.AGENT,
        _B.SYSTEM,
        True,
        "Nobody was rung, because no agent was there to talk: none came, or had a place, for the hour that the call"
        " waits for one, or when its `expires_at` came."
        " Or somebody rang in for whom no line, or no place under a cap, was free.",
    ),
    _R.SIP_FAILED_TRUNK: Meaning(
        _C.CARRIER,
        _B.CARRIER,
        True,
        "The call did not get through: a wrong trunk configuration, a failing carrier or SIP bridge, the network.",
    ),
    _R.SIP_FAILED_CAPACITY: Meaning(
        _C.CARRIER,
        _B.CARRIER,
        True,
        "The carrier or LiveKit took no more calls, for as long as the call was deferred, or after the phone had rung.",
    ),
    _R.SIP_FAILED_ACCOUNT: Meaning(
        _C.CARRIER,
        _B.CARRIER,
        False,
        "The carrier refused the call for what it holds of our side: the account, its balance, the caller id, or the"
        " countries that it may call. Or it was not dialled, because its account had given up the number that it was to"
        " go out on. The number that was called is not to blame, and calling again changes nothing.",
    ),
    _R.CONNECTION_LOST: Meaning(
        _C.SYSTEM,
        _B.SYSTEM,
        True,
        "The leg lost its connection to LiveKit in the call and did not come back: its SIP bridge died or was stopped,"
        " or the network between the two.",
    ),
    _R.DIAL_STATE_UNKNOWN: Meaning(
        _C.SYSTEM, _B.SYSTEM, True, "Nobody learned how the dial ended: the record says that it is over, not why."
    ),
    _R.EXPIRED_IN_QUEUE: Meaning(
        _C.SYSTEM,
        _B.SYSTEM,
        True,
        "No line was free, or no attempt possible, before the call expired; its agent was there.",
    ),
    _R.NUMBER_NOT_ROUTED: Meaning(_C.SYSTEM, _B.SYSTEM, False, "Somebody called a number that leads to no agent."),
    _R.DESTINATION_NOT_ALLOWED: Meaning(
        _C.SYSTEM,
        _B.SYSTEM,
        False,
        "The account's list of where it may call was changed while the call waited, and its number is no longer in it.",
    ),
    _R.NO_LINE_FREE: Meaning(
        _C.SYSTEM, _B.SYSTEM, True, "Somebody came while all lines of the account were in use, and was turned away."
    ),
    _R.WEB_TOKEN_REUSED: Meaning(
        _C.SYSTEM,
        _B.SYSTEM,
        True,
        "Somebody joined the call of a browser with the token that its caller had used: both were put out.",
    ),
    _R.INTERNAL_ERROR: Meaning(
        _C.SYSTEM, _B.SYSTEM, True, "Something failed inside Ringline before the phone rang, also when tried again."
    ),
}
