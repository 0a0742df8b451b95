"""Telnyx: webhooks of its Voice API (v2), signed with Ed25519. Pure.

The signature is over `<telnyx-timestamp>|<body>`; Telnyx's public key is the account's, not a secret. A call is a
session of one or more legs. Telnyx shows the headers of our INVITE with `call.initiated`, as a rule with no other
event; the `sip_headers` it shows are of that INVITE too, so a Diversion among them is our own and no forwarding.
"""

import re
from typing import Any

from ringline.calls.model.carrier_event import CarrierEvent, Kind
from ringline.telephony.carriers.reading import CALL_HEADER, call_ids, moment, sip_code, text
from ringline.telephony.carriers.refusals import refusal_in
from ringline.telephony.carriers.request import (
    HookRefused,
    HookRequest,
    HookUnreadable,
    check_age,
    from_base64,
    json_object,
)

TELNYX = "telnyx"

_KINDS = {
    "call.ringing": Kind.RINGING,
    "call.answered": Kind.ANSWERED,
    # This is said of the leg that we sent, when the other end has taken the call.
    "call.bridged": Kind.ANSWERED,
}
_DETECTION = re.compile(r"call\.machine\.(premium\.)?(detection|greeting)\.ended")
_MACHINES = {"machine", "beep_detected"}

# The SIP codes that Telnyx's words for an unanswered call stand for, where it sends no code (`unspecified`).
_UNANSWERED = {
    "call_rejected": 603,
    "no_answer": 408,
    "not_found": 404,
    "originator_cancel": 487,
    "timeout": 408,
    "unallocated_number": 404,
    "user_busy": 486,
}


def verify(request: HookRequest, secrets: tuple[str, ...], now_s: float) -> None:
    """Raises HookRefused unless the body was signed with the key that one of the public keys belongs to, and now."""
    # PyNaCl is loaded with Telnyx's first request, because no other carrier's need it. It is not `cryptography`, for
    # PyJWT loads that wherever it is installed, and every hook would take a quarter longer to start.
    from nacl.exceptions import BadSignatureError
    from nacl.signing import VerifyKey

    signature = from_base64(request.header("telnyx-signature-ed25519"), "signature")
    signed_at = request.header("telnyx-timestamp")
    check_age(signed_at, now_s)
    signed = signed_at.encode() + b"|" + request.body
    for secret in secrets:
        try:
            key = VerifyKey(from_base64(secret, "the configured public key"))
        except ValueError:
            raise HookRefused("the configured public key is none of Ed25519") from None
        try:
            key.verify(signed, signature)
        except (BadSignatureError, ValueError):
            # A ValueError says that it has not even the length of a signature.
            continue
        return
    raise HookRefused("signature differs")


def read(request: HookRequest) -> tuple[CarrierEvent, ...]:
    """The event in a verified body. Raises HookUnreadable."""
    event = json_object(request.body).get("data")
    payload = event.get("payload") if isinstance(event, dict) else None
    if not isinstance(event, dict) or not isinstance(payload, dict):
        raise HookUnreadable("no event")
    name, code = str(event.get("event_type")), sip_code(payload.get("sip_hangup_cause"))
    cause = text(payload.get("hangup_cause"))
    code_for_word = _UNANSWERED.get(cause or "")
    is_machine = _DETECTION.fullmatch(name) is not None and text(payload.get("result")) in _MACHINES
    kind = Kind.FORWARDED if is_machine else _kind(name, code, code_for_word)
    return (
        CarrierEvent(
            kind=kind,
            provider=TELNYX,
            room=_room(payload),
            provider_call_ids=call_ids(payload.get("call_session_id"), payload.get("call_leg_id")),
            at=moment(event.get("occurred_at")),
            sip_code=code or code_for_word,
            cause=cause,
            refusal=refusal_in(code, cause) if kind is Kind.FAILED else None,
            to_voicemail=is_machine,
        ),
    )


def _kind(name: str, code: int | None, code_for_word: int | None) -> Kind:
    if name != "call.hangup":
        return _KINDS.get(name, Kind.OTHER)
    # A code says more than the word beside it.
    refused = code_for_word is not None if code is None else code >= 300
    return Kind.FAILED if refused else Kind.ENDED


def _room(payload: dict[str, Any]) -> str | None:
    for headers in (payload.get("custom_headers"), payload.get("sip_headers")):
        for header in headers if isinstance(headers, list) else ():
            if isinstance(header, dict) and str(header.get("name")).lower() == CALL_HEADER:
                return text(header.get("value"))
    return None
