"""What strangers send to the functions, signed and proven as they do it: LiveKit, a carrier, an agent."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt

from tests import carrier_requests
from tests.component.crash.rig.phones import Word
from tests.sample_events import event_of

LIVEKIT_KEY, LIVEKIT_SECRET = "devkey", "a-secret-of-more-than-32-characters"
CARRIER_SECRET = carrier_requests.GENERIC_SECRET
PUBLIC_URL = "https://api.example.com"


def livekits_hook(document: Mapping[str, Any], now: int) -> dict[str, Any]:
    body = json.dumps(document)
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    claims = {"iss": LIVEKIT_KEY, "exp": now // 1000 + 300, "sha256": digest}
    headers = {"authorization": jwt.encode(claims, LIVEKIT_SECRET, algorithm="HS256")}
    return event_of("receive_livekit_event", "forged") | {"headers": headers, "body": body}


def carriers_hook(word: Word) -> dict[str, Any]:
    case, told = f"generic_{word.kind}", word.told | {"provider_call_id": f"sbc-{word.call}"}
    return carrier_requests.sent(case, word.at // 1000, word.call, **told)


def agents_report(dispatched: str, reports: tuple[Mapping[str, Any], ...]) -> dict[str, Any]:
    """The reports of the agent that was dispatched with these words, where and as they tell it to."""
    told = json.loads(dispatched)
    event = event_of("receive_agent_event", "ready")
    event["headers"] |= {"authorization": f"Bearer {told['token']}"}
    place = {"rawPath": urlsplit(told["agent_events_url"]).path, "pathParameters": {"call_id": told["call_id"]}}
    return event | place | {"body": json.dumps({"events": reports})}
