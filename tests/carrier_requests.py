"""Carriers' requests to our hook: the files of events/receive_sip_event, signed as their providers sign."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ringline.telephony.carriers.request import HookRequest
from tests.sample_events import event_of

SENT_AT_S = 1_795_224_880
"""When the files were signed."""

ROOM = "acc_1.call_01JD5Z0000000000000000000A.1"
HOST = "api.example.com"
_TELNYX_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TELNYX_PUBLIC_KEY = base64.b64encode(_TELNYX_KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
TWILIO_TOKEN = "12345678901234567890123456789012"
GENERIC_SECRET = "whsec_" + base64.b64encode(b"a secret of a generic carrier ..").decode()
SECRETS = {"telnyx": TELNYX_PUBLIC_KEY, "twilio": TWILIO_TOKEN, "generic": GENERIC_SECRET}
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
OTHER_SECRETS = {
    "telnyx": base64.b64encode(OTHER_KEY).decode(),
    "twilio": "0" * 32,
    "generic": "whsec_" + base64.b64encode(b"the secret of another carrier ..").decode(),
}


def provider_of(event: dict[str, Any]) -> str:
    return str(event["pathParameters"]["provider"])


def request_of(event: dict[str, Any]) -> HookRequest:
    """The request as the readers see it."""
    query = f"?{event['rawQueryString']}" if event["rawQueryString"] else ""
    return HookRequest(f"https://{HOST}{event['rawPath']}{query}", event["headers"], event["body"].encode())


def sent(case: str, at_s: int, room: str | None = None, **changes: Any) -> dict[str, Any]:
    """The file's request as the carrier would have sent it at that time about that room; `changes` go into what it
    tells of the call."""
    event = event_of("receive_sip_event", case)
    event["body"] = _changed(event, at_s, room or ROOM, changes)
    event["rawQueryString"] = event["rawQueryString"].replace(ROOM, room or ROOM)
    return signed(event, at_s)


def signed(event: dict[str, Any], at_s: int) -> dict[str, Any]:
    """The event with signature headers of that time, over its URL and body as they are."""
    make = {"telnyx": _telnyx, "twilio": _twilio, "generic": _generic}[provider_of(event)]
    return event | {"headers": event["headers"] | make(event, at_s)}


def _changed(event: dict[str, Any], at_s: int, room: str, changes: dict[str, Any]) -> str:
    moment = datetime.fromtimestamp(at_s, UTC)
    body = str(event["body"]).replace(ROOM, room)
    if provider_of(event) == "twilio":
        told = dict(parse_qsl(body))
        if "Timestamp" in told:
            told["Timestamp"] = format_datetime(moment)
        return urlencode(told | changes)
    document = json.loads(body)
    if provider_of(event) == "telnyx":
        document["data"]["occurred_at"] = moment.isoformat()
        document["data"]["payload"] |= changes
    else:
        document["timestamp"] = moment.isoformat()
        document["data"] |= changes
    return json.dumps(document)


def _telnyx(event: dict[str, Any], at_s: int) -> dict[str, str]:
    signature = _TELNYX_KEY.sign(f"{at_s}|{event['body']}".encode())
    return {"telnyx-timestamp": str(at_s), "telnyx-signature-ed25519": base64.b64encode(signature).decode()}


def _twilio(event: dict[str, Any], _at_s: int) -> dict[str, str]:
    told = sorted(parse_qsl(event["body"], keep_blank_values=True))
    text = request_of(event).url + "".join(name + value for name, value in told)
    mac = hmac.new(TWILIO_TOKEN.encode(), text.encode(), hashlib.sha1)
    return {"x-twilio-signature": base64.b64encode(mac.digest()).decode()}


def _generic(event: dict[str, Any], at_s: int) -> dict[str, str]:
    key = base64.b64decode(GENERIC_SECRET.removeprefix("whsec_"))
    mac = hmac.new(key, f"msg_1.{at_s}.{event['body']}".encode(), hashlib.sha256)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{base64.b64encode(mac.digest()).decode()}",
    }
