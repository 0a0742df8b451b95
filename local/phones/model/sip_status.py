"""What LiveKit makes of the SIP code that ends an unanswered outbound call: a Twirp error and a disconnect reason.

The table is LiveKit's mapping since protocol v1.43.1; disconnect reasons are those of servers up to August 2026, which
let a SIP bridge report only CLIENT_INITIATED, USER_UNAVAILABLE and USER_REJECTED.
"""

from dataclasses import dataclass

from local.phones.model.reasons import LeftFor

TIMED_OUT = 408
BUSY = 486
CANCELLED = 487
"""Codes of RFC 3261 that the network itself sends: nobody answered, the phone is taken, a CANCEL was heard. They are
written down here and not taken from the product, whose reading of them is what the network proves."""

_PHRASES = {
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    411: "Length Required",
    412: "Conditional Request Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    417: "Unknown Resource-Priority",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    424: "Bad Location Information",
    425: "Bad Alert Message",
    428: "Use Identity Header",
    429: "Provide Referrer Identity",
    430: "Flow Failed",
    433: "Anonymity Disallowed",
    436: "Bad Identity Info",
    437: "Unsupported Certificate",
    438: "Invalid Identity Header",
    439: "First Hop Lacks Outbound Support",
    440: "Max-Breadth Exceeded",
    469: "Bad Info Package",
    470: "Consent Needed",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    494: "Security Agreement Required",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
    607: "Unwanted",
    608: "Rejected",
}

_TWIRP_CODES = {
    "invalid_argument": (
        300, 305, 380, 400, 405, 406, 411, 413, 414, 415, 417, 420, 421, 422, 423, 424, 425, 429, 430, 439,
        469, 484, 485, 488, 489, 493, 505, 513, 606,
    ),
    "not_found": (301, 302, 404, 410, 481, 604),
    "permission_denied": (401, 402, 403, 433, 470, 603, 607, 608),
    "unauthenticated": (407, 428, 436, 437, 438, 494),
    "deadline_exceeded": (408, 504),
    "failed_precondition": (409, 412, 482, 483, 500, 501, 502, 503),
    "out_of_range": (416,),
    "resource_exhausted": (440, 480, 486, 600),
    "aborted": (487, 491),
}  # fmt: skip
_TWIRP_CODE_OF = {sip_code: twirp_code for twirp_code, sip_codes in _TWIRP_CODES.items() for sip_code in sip_codes}

CHALLENGES = (401, 407)
"""Codes that are no answer yet: LiveKit dials again with the trunk's credentials, and says in words of its own that it
has none, or that they were not taken (`legs.challenged`)."""

_UNAVAILABLE = (404, 408, 480)
TOO_FAST = "CPS limit exceeded"
TOO_MANY = "Concurrent call limit exceeded"
_LIMITS = (TOO_FAST.lower(), TOO_MANY.lower())
"""What a carrier's 5xx says, in letters of either size, where the customer's trunk is at its limit. The phone was
refused then, and the carrier is not broken."""
_CODES_WITH_SHORT_TEXT = (400, 404, 480, 486, 488)
SIP_CODES = tuple(sorted(_TWIRP_CODE_OF))


TERMINATED = (CANCELLED, _PHRASES[CANCELLED])
"""How a phone answers the CANCEL that ends its ringing."""


@dataclass(frozen=True, slots=True)
class SipFailure:
    """How LiveKit reports one final SIP response."""

    twirp_code: str
    message: str
    sip_status: str
    disconnect_reason: str

    def metadata(self, sip_code: int) -> dict[str, str]:
        """The error's `meta`: what `livekit-api` turns into `SipCallError.sip_status_code` and `.sip_status`."""
        return {"sip_status_code": str(sip_code), "sip_status": self.sip_status}


def phrase(sip_code: int) -> str:
    """The reason phrase a SIP phone sends with the code."""
    return _PHRASES.get(sip_code, "Unknown")


def failure(sip_code: int, text: str | None = None) -> SipFailure:
    """The view LiveKit gives of `sip_code`. `text` replaces the reason phrase, e.g. a carrier's own error header."""
    sip_status = text or phrase(sip_code)
    lead = "INVITE failed" if sip_code in _CODES_WITH_SHORT_TEXT else "unexpected status from INVITE response"
    return SipFailure(
        twirp_code=_TWIRP_CODE_OF.get(sip_code, _default_twirp_code(sip_code)),
        message=f"{lead}: sip status: {sip_code}: {sip_status}",
        sip_status=sip_status,
        disconnect_reason=_disconnect_reason(sip_code, sip_status),
    )


def _default_twirp_code(sip_code: int) -> str:
    return "failed_precondition" if 500 <= sip_code < 600 else "invalid_argument"


def _disconnect_reason(sip_code: int, sip_status: str) -> str:
    if sip_code in _UNAVAILABLE:
        return LeftFor.USER_UNAVAILABLE
    if 400 <= sip_code < 500 or sip_code >= 600:
        return LeftFor.USER_REJECTED
    is_at_its_limit = sip_code >= 500 and any(words in sip_status.lower() for words in _LIMITS)
    return LeftFor.USER_REJECTED if is_at_its_limit else LeftFor.CLIENT_INITIATED
