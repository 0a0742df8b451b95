"""Twilio: status callbacks of Programmable Voice, a form signed with the account's auth token. Pure.

The signature is over the URL as Twilio called it, followed by each parameter's name and value, sorted. A JSON body has
no parameters: its SHA-256 is in the URL (`bodySHA256`), which is signed. Twilio signs with or without the port of the
URL, so both are tried. The signed `Timestamp` shows whether a request is older than MAX_AGE_S, and must be there. Only
answering machine detection sends none, and then nothing shows its age.

Nothing stands between what is signed, so whoever holds an old callback can cut it otherwise: `Timestamp=Mon` and
`TimestampM=on` have one signature. What is signed as a whole cannot be changed, so it is looked at, too: a request
without a `Timestamp` is one of the detection's, and nowhere in it do a timestamp's or a status' names stand.

Our header arrives as the parameter `SipHeader_X-Ringline-Call` with the leg that LiveKit sent. The leg to the phone is
a child of that one (`ParentCallSid`) and shows no header; its callback's URL may name the call: `?call=<header>`.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ringline.calls.model.carrier_event import CarrierEvent, Kind
from ringline.calls.model.timing import MS_PER_S
from ringline.telephony.carriers.reading import CALL_HEADER, call_ids, sip_code, text
from ringline.telephony.carriers.refusals import refusal_in
from ringline.telephony.carriers.request import HookRefused, HookRequest, HookUnreadable, check_age, json_object

TWILIO = "twilio"

_FORM = "application/x-www-form-urlencoded"
_DATE = re.compile(r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:[+-]\d{4}|GMT)")
"""RFC 2822 as Twilio writes it, and nothing that was cut off or taken from what follows."""

_HASHES = {"HMAC_SHA1": hashlib.sha1, "HMAC_SHA256": hashlib.sha256}
_KINDS = {
    "ringing": Kind.RINGING,
    "in-progress": Kind.ANSWERED,
    "answered": Kind.ANSWERED,
    "completed": Kind.ENDED,
    "busy": Kind.FAILED,
    "no-answer": Kind.FAILED,
    "failed": Kind.FAILED,
    "canceled": Kind.FAILED,
}
# The SIP codes that Twilio's words stand for, where it sends no code.
_CODES = {"busy": 486, "no-answer": 408, "canceled": 487}


def verify(request: HookRequest, secrets: tuple[str, ...], now_s: float) -> None:
    """Raises HookRefused unless one of the auth tokens signed this URL with these parameters, and, where the parameters
    say when, now."""
    given = request.header("x-twilio-signature").encode()
    make = _hash_of(request.headers.get("x-twilio-webhooks-signature-settings", ""))
    suffix = _signed_parameters(request)
    for secret in secrets:
        for url in _with_and_without_port(request.url):
            mac = hmac.new(secret.encode(), (url + suffix).encode(), make).digest()
            if hmac.compare_digest(base64.b64encode(mac), given):
                _check_age(_parameters(request), request.url + suffix, now_s)
                return
    raise HookRefused("signature differs")


def _hash_of(settings: str) -> Any:
    """What the signature's own header says it was made with; SHA-1 where it says nothing."""
    named = dict(part.strip().partition("=")[::2] for part in settings.split(","))
    try:
        return _HASHES[(named.get("algorithm") or "HMAC_SHA1").upper()]
    except KeyError:
        raise HookRefused("signed in an unknown way") from None


def _signed_parameters(request: HookRequest) -> str:
    if _is_form(request):
        try:
            pairs = parse_qsl(request.body.decode(), keep_blank_values=True, errors="strict")
        except ValueError:
            raise HookRefused("not a form") from None
        return "".join(name + value for name, value in sorted(set(pairs)))
    hashed = request.query("bodySHA256")
    if hashed is None:
        raise HookRefused("body is not signed")
    if not hmac.compare_digest(hashed.lower().encode(), hashlib.sha256(request.body).hexdigest().encode()):
        raise HookRefused("body hash differs")
    return ""


def _is_form(request: HookRequest) -> bool:
    return request.headers.get("content-type", _FORM).partition(";")[0].strip().lower() == _FORM


def _with_and_without_port(url: str) -> tuple[str, ...]:
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise HookRefused("host is not one") from None
    host = parts.hostname or ""
    bare = f"[{host}]" if ":" in host else parts.netloc.removesuffix(f":{port}")
    return parts._replace(netloc=bare).geturl(), parts._replace(netloc=f"{bare}:{port}").geturl()


def _check_age(parameters: Mapping[str, Any], signed: str, now_s: float) -> None:
    stamp = parameters.get("Timestamp")
    if stamp is None:
        if "AnsweredBy" not in parameters or any(name in signed for name in ("Timestamp", "CallStatus")):
            raise HookRefused("no timestamp")
        return
    at = _moment(stamp) if _DATE.fullmatch(str(stamp)) else None
    if at is None:
        raise HookRefused("timestamp is not one")
    check_age(str(at // MS_PER_S), now_s)


def _moment(stamp: Any) -> int | None:
    """An RFC 2822 date in milliseconds."""
    try:
        at = parsedate_to_datetime(str(stamp))
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()) * MS_PER_S
    except (ValueError, OverflowError):
        return None


def _parameters(request: HookRequest) -> dict[str, Any]:
    if _is_form(request):
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    try:
        return json_object(request.body)
    except HookUnreadable:
        return {}


def read(request: HookRequest) -> tuple[CarrierEvent, ...]:
    """The events in a verified request: the leg's status, and that a machine answered, in the order they happened.
    Raises HookUnreadable."""
    parameters = _parameters(request)
    ids = call_ids(parameters.get("ParentCallSid"), parameters.get("CallSid"))
    if not ids:
        raise HookUnreadable("no CallSid")
    room, at = request.query("call") or _header(parameters), _moment(parameters.get("Timestamp"))
    status = str(parameters.get("CallStatus", ""))
    code, error = sip_code(parameters.get("SipResponseCode")), _error(parameters)
    kind = _kind(parameters, status)
    event = CarrierEvent(
        kind=kind,
        provider=TWILIO,
        room=room,
        provider_call_ids=ids,
        at=at,
        sip_code=code or _CODES.get(status),
        sip_status=error,
        cause=text(status),
        refusal=refusal_in(code, error) if kind is Kind.FAILED else None,
    )
    if not str(parameters.get("AnsweredBy", "")).startswith("machine"):
        return (event,)
    machine = CarrierEvent(Kind.FORWARDED, TWILIO, room, ids, at, to_voicemail=True)
    return (machine, event) if event.kind is Kind.ENDED else (event, machine)


def _kind(parameters: Mapping[str, Any], status: str) -> Kind:
    kind = _KINDS.get(status, Kind.OTHER)
    # The leg that LiveKit sent is reported as ringing as soon as Twilio has it. The phone rings with its own leg.
    comes_in = parameters.get("Direction") == "inbound"
    return Kind.OTHER if kind is Kind.RINGING and comes_in else kind


def _header(parameters: Mapping[str, Any]) -> str | None:
    name = f"sipheader_{CALL_HEADER}"
    return next((text(value) for key, value in parameters.items() if key.lower() == name), None)


def _error(parameters: Mapping[str, Any]) -> str | None:
    """Twilio's error, number first: it may tell a call that Twilio blocked from a person who declined."""
    words = (text(parameters.get(name)) for name in ("ErrorCode", "ErrorMessage"))
    return text(" ".join(word for word in words if word is not None))
