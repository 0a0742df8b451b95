"""How carriers tell what became of a call: a generic form for any SBC, Telnyx's, and Twilio's. Pure.

    generic   JSON, signed as Standard Webhooks say (`webhook-id`, `webhook-timestamp`, `webhook-signature`)
    telnyx    JSON, Ed25519 over `timestamp|body` (`telnyx-signature-ed25519`, `telnyx-timestamp`)
    twilio    a form, HMAC-SHA1 over the URL and the sorted parameters (`X-Twilio-Signature`)

Telnyx shows the headers of our INVITE with `call.initiated` only, and has no word for ringing or a forwarding. Twilio
has two legs: the one that LiveKit sent, whose headers it shows when it comes in, and its child to the phone, of which
it tells from then on; it has no word for a forwarding.
"""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from nacl.signing import SigningKey

from local.phones.kernel.ids import new_id
from local.phones.numbers.callees import CarrierForm, CarrierWord
from local.phones.post.courier import Parcel

_TELNYX_EVENTS = {
    CarrierWord.INITIATED: ("call.initiated", "bridging"),
    CarrierWord.ANSWERED: ("call.answered", "answered"),
    CarrierWord.FAILED: ("call.hangup", "hangup"),
    CarrierWord.ENDED: ("call.hangup", "hangup"),
}
_TELNYX_CAUSES = {486: "user_busy", 600: "user_busy", 603: "call_rejected", 404: "not_found", 487: "originator_cancel"}
_TELNYX_UNREACHED = {408: "timeout", 480: "no_answer"}
_TWILIO_STATUSES = {
    CarrierWord.INITIATED: "ringing",
    CarrierWord.RINGING: "ringing",
    CarrierWord.ANSWERED: "in-progress",
    CarrierWord.ENDED: "completed",
}
_TWILIO_FAILURES = {486: "busy", 600: "busy", 408: "no-answer", 480: "no-answer", 487: "canceled"}


@dataclass(frozen=True, slots=True)
class CarrierSecrets:
    """What the posts are signed with. A form without its secret is never sent.

    `generic` is a Standard Webhooks secret (`whsec_...`), `telnyx_key` the 32 bytes of an Ed25519 private key in
    base64, `twilio_token` an account's auth token. Raises ValueError for what is no such key.
    """

    generic: str | None = None
    telnyx_key: str | None = None
    twilio_token: str | None = None

    def __post_init__(self) -> None:
        if self.generic is not None:
            _generic_key(self.generic)
        if self.telnyx_key is not None:
            _telnyx_key(self.telnyx_key)


@dataclass(frozen=True, slots=True)
class CarriedCall:
    """A call as its carrier knows it. `ids` are the ids that the carrier gave it; `header` is the header of our INVITE
    that names the call, as a name and a value, if the INVITE had it."""

    header: tuple[str, str] | None
    from_number: str
    to_number: str
    ids: Mapping[str, str]
    began_at: float


@dataclass(frozen=True, slots=True)
class CarrierEvent:
    """One thing that a carrier reports of a call. `at` is in Unix seconds, `number` counts the call's events from 0."""

    word: CarrierWord
    at: float
    number: int = 0
    sip_code: int | None = None
    sip_status: str | None = None
    by_callee: bool = False
    forwarded_to: str | None = None
    to_voicemail: bool = False
    talked_s: float = field(default=0.0)


def telnyx_public_key(private_key: str) -> str:
    """The key, in base64, with which posts signed with `private_key` are verified."""
    return base64.b64encode(bytes(_telnyx_key(private_key).verify_key)).decode()


def new_ids(form: CarrierForm) -> dict[str, str]:
    """The ids a carrier gives a call, by the attributes to which LiveKit maps them; a generic SBC's it does not map."""
    if form is CarrierForm.TELNYX:
        return {"sip.telnyx.callLegID": str(uuid.uuid4()), "sip.telnyx.callSessionID": str(uuid.uuid4())}
    if form is CarrierForm.TWILIO:
        sids = {"sip.twilio.callSid": f"CA{uuid.uuid4().hex}", "sip.twilio.accountSid": f"AC{uuid.UUID(int=7).hex}"}
        return sids | {"child_sid": f"CA{uuid.uuid4().hex}"}
    return {"provider_call_id": new_id("sbc-", 16)}


def post_of(
    form: CarrierForm, call: CarriedCall, event: CarrierEvent, secrets: CarrierSecrets, url: str
) -> Parcel | None:
    """The signed post; None where the form has no word for the event, or no secret."""
    if form is CarrierForm.TELNYX:
        return _telnyx(call, event, secrets.telnyx_key, url)
    if form is CarrierForm.TWILIO:
        return _twilio(call, event, secrets.twilio_token, url)
    return _generic(call, event, secrets.generic, url)


def _generic(call: CarriedCall, event: CarrierEvent, secret: str | None, url: str) -> Parcel | None:
    if secret is None or event.word is CarrierWord.INITIATED:
        return None
    known = {
        "call": call.header[1] if call.header is not None else None,
        "provider_call_id": call.ids["provider_call_id"],
        "sip_code": event.sip_code,
        "sip_status": event.sip_status,
        "cause": "normal_clearing" if event.word is CarrierWord.ENDED else None,
        "forwarded_to": event.forwarded_to,
        "to_voicemail": event.to_voicemail or None,
    }
    fields = {name: value for name, value in known.items() if value is not None}
    body = json.dumps({"type": f"call.{event.word}", "timestamp": _iso(event.at), "data": fields}).encode()
    message_id, timestamp = new_id("msg_", 20), str(int(event.at))
    signature = hmac.new(_generic_key(secret), f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }
    return Parcel(f"the carrier's {event.word}", url, body, headers)


def _telnyx(call: CarriedCall, event: CarrierEvent, private_key: str | None, url: str) -> Parcel | None:
    if private_key is None or event.word not in _TELNYX_EVENTS:
        return None
    event_type, state = _TELNYX_EVENTS[event.word]
    payload: dict[str, Any] = {
        "call_control_id": f"v3:{call.ids['sip.telnyx.callLegID']}",
        "connection_id": "2386325531927775048",
        "call_leg_id": call.ids["sip.telnyx.callLegID"],
        "call_session_id": call.ids["sip.telnyx.callSessionID"],
        "client_state": None,
        "from": call.from_number,
        "to": call.to_number,
        "start_time": _iso(call.began_at),
        "state": state,
    }
    if event.word is CarrierWord.INITIATED:
        payload["direction"] = "incoming"
        if call.header is not None:
            name, value = call.header
            payload["custom_headers"] = [{"name": name, "value": value}]
    if event_type == "call.hangup":
        payload |= _telnyx_hangup(event)
    record = {
        "record_type": "event",
        "event_type": event_type,
        "id": str(uuid.uuid4()),
        "occurred_at": _iso(event.at),
        "payload": payload,
    }
    body = json.dumps({"data": record, "meta": {"attempt": 1, "delivered_to": url}}).encode()
    timestamp = str(int(event.at))
    signature = _telnyx_key(private_key).sign(timestamp.encode() + b"|" + body).signature
    headers = {
        "Content-Type": "application/json",
        "telnyx-timestamp": timestamp,
        "telnyx-signature-ed25519": base64.b64encode(signature).decode(),
    }
    return Parcel(f"Telnyx's {event_type}", url, body, headers)


def _telnyx_hangup(event: CarrierEvent) -> dict[str, str]:
    if event.word is CarrierWord.ENDED:
        cause, code = "normal_clearing", "200"
    else:
        sip_code = event.sip_code or 0
        cause = (_TELNYX_CAUSES | _TELNYX_UNREACHED).get(sip_code, "unspecified")
        code = str(sip_code) if sip_code else "unspecified"
    source = "callee" if event.by_callee else "caller"
    return {"hangup_cause": cause, "hangup_source": source, "sip_hangup_cause": code}


def _twilio(call: CarriedCall, event: CarrierEvent, token: str | None, url: str) -> Parcel | None:
    status = _TWILIO_STATUSES.get(event.word)
    if event.word is CarrierWord.FAILED:
        status = _TWILIO_FAILURES.get(event.sip_code or 0, "failed")
    if token is None or status is None:
        return None
    parameters = _twilio_leg(call, event) | {
        "AccountSid": call.ids["sip.twilio.accountSid"],
        "ApiVersion": "2010-04-01",
        "From": call.from_number,
        "To": call.to_number,
        "Caller": call.from_number,
        "Called": call.to_number,
        "CallStatus": status,
        "Timestamp": format_datetime(datetime.fromtimestamp(event.at, UTC)),
    }
    if event.word is CarrierWord.ENDED:
        parameters |= {"CallDuration": str(round(event.talked_s)), "SipResponseCode": "200"}
    elif event.sip_code is not None:
        parameters["SipResponseCode"] = str(event.sip_code)
    signed = url + "".join(f"{name}{parameters[name]}" for name in sorted(parameters))
    signature = hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "X-Twilio-Signature": base64.b64encode(signature).decode(),
    }
    return Parcel(f"Twilio's {status}", url, urlencode(parameters).encode(), headers)


def _twilio_leg(call: CarriedCall, event: CarrierEvent) -> dict[str, str]:
    """Which of the two legs the event is about, and what Twilio says of that one only."""
    parent = call.ids["sip.twilio.callSid"]
    if event.word is not CarrierWord.INITIATED:
        number = {"CallbackSource": "call-progress-events", "SequenceNumber": str(event.number)}
        return {"CallSid": call.ids["child_sid"], "ParentCallSid": parent, "Direction": "outbound-dial"} | number
    shown = {f"SipHeader_{call.header[0]}": call.header[1]} if call.header is not None else {}
    return {"CallSid": parent, "Direction": "inbound"} | shown


def _generic_key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"), validate=True)


def _telnyx_key(private_key: str) -> SigningKey:
    return SigningKey(base64.b64decode(private_key, validate=True))


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
