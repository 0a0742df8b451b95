"""`webhook test`: an event as Ringline would send it, signed, sent from here: whether your server takes it."""

import json
from dataclasses import dataclass
from typing import Any

import httpx

from cli.model.failures import NotReachable
from cli.reach.api import Document
from cli.webhooks.forward import WITHIN_S
from ringline.webhooks.model.event_type import type_kept
from ringline.webhooks.sending.deliver import USER_AGENT
from ringline.webhooks.sending.signing import signature_headers

_SHOWN_BYTES = 200


@dataclass(frozen=True, slots=True)
class Answered:
    """What the server answered; `says` is the beginning of its body."""

    status_code: int
    says: str

    @property
    def is_taken(self) -> bool:
        return 200 <= self.status_code < 300


def sample(document: Document, event_type: str) -> Document:
    """The event that the API's own document shows as its example, by the name that is asked for."""
    operation: Any = document["webhooks"][type_kept(event_type)]["post"]
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    return dict(next(iter(examples.values()))["value"]) | {"type": event_type}


def send(
    url: str, secret: str, event: Document, webhook_id: str, at_s: int, transport: httpx.BaseTransport | None
) -> Answered:
    """Posts it. Raises NotReachable."""
    body = json.dumps(event).encode()
    signed = signature_headers([secret], webhook_id, at_s, body)
    headers = {"content-type": "application/json", "user-agent": USER_AGENT, **signed}
    try:
        with httpx.Client(transport=transport, timeout=WITHIN_S) as client:
            answer = client.post(url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotReachable(url, str(error) or type(error).__name__) from None
    return Answered(answer.status_code, answer.text[:_SHOWN_BYTES])
