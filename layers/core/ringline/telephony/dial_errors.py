"""What a failed dial means, by phase: before the INVITE (nothing rang), the carrier's answer, or unknown.

    code and text                                             INVITE sent?   so
    sip_status_code 403, 429, 5xx, text names a limit         yes, final     CarrierFull: nothing rang, soon again
    any other with sip_status_code                            yes, final     Refused, by that code
    canceled "sip request timed out"                          yes            Refused: rang out, or its room was closed
    canceled "transaction failed to complete"                 yes            Refused: the carrier was silent
    failed_precondition (auth, SDP, anything after INVITE)    yes            Refused
    unavailable "no response from servers", "cpu exhausted"   no             LivekitAway: no bridge, or none with room
    internal "sip not connected"                              no             LivekitAway: its server has no Redis
    internal "update room failed"                             no             NotSent, may be repeated
    resource_exhausted without SIP code: LiveKit's own limit  no             CarrierFull
    invalid_argument, not_found, permission_denied, unauthenticated  no     NotSent, a wrong configuration
    connection never made                                     no             LivekitAway
    deadline_exceeded, other 5xx, time-out, connection lost   unknown        Unclear: look at the room

A room that cannot be made is LivekitAway, too, but for LiveKit's own limit and a wrong configuration.

Key on the SIP code, never on the Twirp code: LiveKit's map from one to the other was rewritten between versions.
"""

from collections.abc import Mapping

from ringline.calls.model.call import Refusal
from ringline.calls.model.outcomes import CarrierFull, DialOutcome, LivekitAway, NotSent, Refused, Unclear

_MISCONFIGURED = {"invalid_argument", "not_found", "permission_denied", "unauthenticated", "bad_route", "malformed"}
_UNAVAILABLE_BEFORE_INVITE = ("no response from servers", "cpu exhausted")
_NO_REDIS = ("sip not connected",)
_INTERNAL_BEFORE_INVITE = ("update room failed",)
_CANCELED_AFTER_INVITE = ("sip request timed out", "transaction failed to complete")


def from_twirp(code: str, message: str, metadata: Mapping[str, str]) -> DialOutcome:
    """The outcome of a dial that LiveKit answered with an error."""
    text = message.removeprefix("twirp error unknown: ")
    sip_code = metadata.get("sip_status_code", "")
    if sip_code.isdecimal():
        sip_status = metadata.get("sip_status")
        # Carriers' words take longer to compile than most of what a dialer loads: with the first refusal.
        from ringline.telephony.carriers.refusals import refusal_in

        refusal = refusal_in(int(sip_code), sip_status, text)
        if refusal is Refusal.LIMIT:
            return CarrierFull(int(sip_code), sip_status, code, text)
        return Refused(int(sip_code), sip_status, code, text, refusal)
    if code == "failed_precondition" or (code == "canceled" and _has(text, _CANCELED_AFTER_INVITE)):
        return Refused(None, metadata.get("sip_status"), code, text)
    if code == "unavailable" and _has(text, _UNAVAILABLE_BEFORE_INVITE):
        return LivekitAway(code, text)
    if code == "internal" and _has(text, _NO_REDIS):
        return LivekitAway(code, text)
    if code == "internal" and _has(text, _INTERNAL_BEFORE_INVITE):
        return NotSent(code, text, may_repeat=True)
    if code == "resource_exhausted":
        return CarrierFull(None, None, code, text)
    if code in _MISCONFIGURED:
        return NotSent(code, text, may_repeat=False)
    return Unclear(f"{code}: {text}")


def room_refusal(code: str, message: str) -> NotSent | LivekitAway | CarrierFull:
    """What a room that could not be made means: nothing rang. A wrong configuration stays wrong, and LiveKit makes
    room soon where it has a limit; anything else is a server that does not work."""
    text = message.removeprefix("twirp error unknown: ")
    if code == "resource_exhausted":
        return CarrierFull(None, None, code, text)
    return NotSent(code, text, may_repeat=False) if code in _MISCONFIGURED else LivekitAway(code, text)


def _has(text: str, needles: tuple[str, ...]) -> bool:
    return any(needle in text for needle in needles)
