"""A form that any SBC or switch can send, signed as Standard Webhooks say. Pure.

    {"type": "call.ringing|forwarded|answered|failed|ended", "timestamp": ISO 8601,
     "data": {"call": X-Ringline-Call of the INVITE, "provider_call_id", "sip_code", "sip_status", "cause",
              "forwarded_to", "to_voicemail", "diversion", "history_info"}}

Of `data`, `call` or `provider_call_id` is needed, the rest is given where it is known. That a call was forwarded is
read from any event that shows it: a 181, a Diversion, a History-Info that goes on, a redirecting cause.
"""

import base64
import hashlib
import hmac
import re
from typing import Any

from ringline.calls.model.carrier_event import CarrierEvent, Kind
from ringline.telephony.carriers.reading import call_ids, moment, names_voicemail, sip_code, text
from ringline.telephony.carriers.refusals import refusal_in
from ringline.telephony.carriers.request import HookRefused, HookRequest, HookUnreadable, check_age, json_object

GENERIC = "generic"

_PREFIX = "whsec_"
_VERSION = "v1,"
_FORWARDED = 181
_REDIRECTING = re.compile(r"forward|redirect|diver[ts]|deflect|\bcf(u|b|na|nr|nry)\b", re.IGNORECASE)
_KINDS = {f"call.{kind}": kind for kind in (Kind.RINGING, Kind.FORWARDED, Kind.ANSWERED, Kind.FAILED, Kind.ENDED)}


def verify(request: HookRequest, secrets: tuple[str, ...], now_s: float) -> None:
    """Raises HookRefused unless one of the request's signatures is by one of the secrets, over this very body, now."""
    message_id, signed_at = request.header("webhook-id"), request.header("webhook-timestamp")
    given = request.header("webhook-signature").split(" ")
    check_age(signed_at, now_s)
    signed = f"{message_id}.{signed_at}.".encode() + request.body
    for secret in secrets:
        mac = hmac.new(_key(secret), signed, hashlib.sha256).digest()
        expected = (_VERSION + base64.b64encode(mac).decode()).encode()
        if any(hmac.compare_digest(expected, each.encode()) for each in given):
            return
    raise HookRefused("signature differs")


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX) + "==")
    except ValueError:
        key = b""
    if not key:
        raise HookRefused("the configured secret is not base64")
    return key


def read(request: HookRequest) -> tuple[CarrierEvent, ...]:
    """The events in a verified body. Raises HookUnreadable."""
    document = json_object(request.body)
    fields = document.get("data")
    if not isinstance(fields, dict):
        raise HookUnreadable("no data")
    event = _event(document, fields)
    if event.kind is Kind.FORWARDED or not _shows_forwarding(fields):
        return (event,)
    # The call was passed on first, and what the event is about came of that.
    passed_on = CarrierEvent(
        Kind.FORWARDED,
        GENERIC,
        event.room,
        event.provider_call_ids,
        event.at,
        forwarded_to=event.forwarded_to,
        to_voicemail=event.to_voicemail,
    )
    return passed_on, event


def _event(document: dict[str, Any], fields: dict[str, Any]) -> CarrierEvent:
    places = (text(fields.get("forwarded_to")), _retargeted(fields))
    kind = _KINDS.get(str(document.get("type")), Kind.OTHER)
    code, status, cause = sip_code(fields.get("sip_code")), text(fields.get("sip_status")), text(fields.get("cause"))
    return CarrierEvent(
        kind=kind,
        provider=GENERIC,
        room=text(fields.get("call")),
        provider_call_ids=call_ids(fields.get("provider_call_id")),
        at=moment(document.get("timestamp")),
        sip_code=code,
        sip_status=status,
        cause=cause,
        refusal=refusal_in(code, status, cause) if kind is Kind.FAILED else None,
        forwarded_to=next((place for place in places if place is not None), None),
        to_voicemail=fields.get("to_voicemail") is True or any(names_voicemail(place) for place in places),
    )


def _shows_forwarding(fields: dict[str, Any]) -> bool:
    return (
        sip_code(fields.get("sip_code")) == _FORWARDED
        or fields.get("to_voicemail") is True
        or any(text(fields.get(name)) is not None for name in ("forwarded_to", "diversion"))
        or _retargeted(fields) is not None
        or _REDIRECTING.search(text(fields.get("cause")) or "") is not None
    )


def _retargeted(fields: dict[str, Any]) -> str | None:
    """Where the last entry of History-Info says that the call went; None where it names only the first target."""
    history = fields.get("history_info")
    entries = [entry.strip() for entry in history.split(",") if entry.strip()] if isinstance(history, str) else []
    return text(entries[-1]) if len(entries) > 1 or "cause=" in "".join(entries).lower() else None
