"""Why calls end: every reason with its category, who ended the call, and whether calling again makes sense.

The first ten names are the SDK's; the others are ours. A name, once given, keeps its meaning.
"""

from dataclasses import dataclass
from enum import StrEnum


class EndReason(StrEnum):
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
    SIP_FAILED_TRUNK = "SIP_FAILED_TRUNK"
    SIP_FAILED_CAPACITY = "SIP_FAILED_CAPACITY"
    DIAL_STATE_UNKNOWN = "DIAL_STATE_UNKNOWN"
    EXPIRED_IN_QUEUE = "EXPIRED_IN_QUEUE"
    NUMBER_NOT_ROUTED = "NUMBER_NOT_ROUTED"
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


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a customer's program needs to decide: `retryable` says whether the same number may well answer later."""

    category: Category
    ended_by: EndedBy
    retryable: bool


_R, _C, _B = EndReason, Category, EndedBy

MEANINGS: dict[EndReason, Meaning] = {
    _R.USER_HUNG_UP_IN_CALL: Meaning(_C.CONVERSATION, _B.USER, False),
    _R.USER_DID_NOT_PICK_UP: Meaning(_C.NO_ANSWER, _B.USER, True),
    _R.USER_HUNG_UP_RINGING: Meaning(_C.NO_ANSWER, _B.USER, True),
    _R.VOICEMAIL_DETECTED_PRECONNECT: Meaning(_C.VOICEMAIL, _B.CARRIER, True),
    _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED: Meaning(_C.VOICEMAIL, _B.AGENT, True),
    _R.AGENT_HUNG_UP_SILENCE_DETECTED: Meaning(_C.CONVERSATION, _B.AGENT, True),
    _R.MAX_DURATION_REACHED: Meaning(_C.CONVERSATION, _B.SYSTEM, False),
    _R.IDLE_TIMEOUT: Meaning(_C.SYSTEM, _B.SYSTEM, True),
    _R.SIP_FAILED_WRONG_NUMBER: Meaning(_C.NUMBER, _B.CARRIER, False),
    _R.SIP_FAILED_NUMBER_BLOCKED: Meaning(_C.NUMBER, _B.CARRIER, False),
    _R.USER_BUSY: Meaning(_C.NO_ANSWER, _B.USER, True),
    _R.AGENT_HUNG_UP: Meaning(_C.CONVERSATION, _B.AGENT, False),
    _R.CALL_TRANSFERRED: Meaning(_C.CONVERSATION, _B.AGENT, False),
    _R.API_HUNG_UP: Meaning(_C.CONVERSATION, _B.API, False),
    _R.CALL_CANCELED: Meaning(_C.CANCELED, _B.API, False),
    _R.AGENT_DID_NOT_JOIN: Meaning(_C.AGENT, _B.SYSTEM, True),
    _R.AGENT_FAILED: Meaning(_C.AGENT, _B.AGENT, True),
    _R.SIP_FAILED_TRUNK: Meaning(_C.CARRIER, _B.CARRIER, True),
    _R.SIP_FAILED_CAPACITY: Meaning(_C.CARRIER, _B.CARRIER, True),
    _R.DIAL_STATE_UNKNOWN: Meaning(_C.SYSTEM, _B.SYSTEM, True),
    _R.EXPIRED_IN_QUEUE: Meaning(_C.SYSTEM, _B.SYSTEM, True),
    _R.NUMBER_NOT_ROUTED: Meaning(_C.SYSTEM, _B.SYSTEM, False),
    _R.INTERNAL_ERROR: Meaning(_C.SYSTEM, _B.SYSTEM, True),
}
