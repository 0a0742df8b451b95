"""A customer's server is asked what is to become of a caller, while it rings: signed and guarded as webhooks are."""

import json
from collections.abc import Mapping
from typing import Any

from ringline.json_text import read_json
from ringline.runtime.clock import MS_PER_S, Clock
from ringline.webhooks.sending.client import Answered, WebhookClient
from ringline.webhooks.sending.signing import signature_headers

WITHIN_S = 1.0
"""Somebody hears it ring meanwhile, and LiveKit waits with the next event of their room."""

READ_BYTES = 256 * 1024
"""The longest instructions that an agent may have, with every character of them escaped as JSON may, and data beside
them. A call's row, which may have 400 KB, takes all of it."""


class AskServer:
    def __init__(self, *, allow_private: bool, clock: Clock, client: WebhookClient | None = None) -> None:
        self._client = client or WebhookClient(allow_private=allow_private, timeout_s=WITHIN_S, read_bytes=READ_BYTES)
        self._clock = clock

    def ask(self, url: str, secret: str | None, question_id: str, question: Mapping[str, Any]) -> dict[str, Any] | None:
        """The object that the server answered with status 200; None where it did not, or not in time. Never raises."""
        body = json.dumps(question, separators=(",", ":"), ensure_ascii=False).encode()
        signed = signature_headers([] if secret is None else [secret], question_id, self._clock() // MS_PER_S, body)
        answer = self._client.post(url, {"content-type": "application/json", **signed}, body)
        if not isinstance(answer, Answered) or answer.status_code != 200:
            return None
        try:
            told = read_json(answer.body)
        except ValueError:
            return None
        return told if isinstance(told, dict) else None
