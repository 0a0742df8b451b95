"""Hands an event on to a server of this machine, as Ringline would deliver it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from cli.model.failures import Usage

WITHIN_S = 10.0
"""What Ringline's own deliveries wait for an answer."""

_SHOWN_BYTES = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered, or why it did not; `says` is the beginning of its body."""

    status_code: int | None
    says: str
    duration_ms: int

    @property
    def is_taken(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


class Forward:
    """Posts to one URL. Raises Usage, when it is made, for what is no URL."""

    def __init__(self, url: str) -> None:
        import httpx

        try:
            parts = httpx.URL(url)
        except httpx.InvalidURL:
            parts = httpx.URL()
        if parts.scheme not in {"http", "https"} or not parts.host:
            raise Usage("is no URL such as http://127.0.0.1:3000/hook", "--forward")
        self.url = url
        # A proxy that the surroundings name has nothing to do with a port of this machine.
        self._client = httpx.Client(timeout=WITHIN_S, trust_env=False)

    def post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Sends once. Never raises for what the server does; a redirect is an answer that is not followed."""
        import httpx

        began = time.monotonic()
        try:
            answer = self._client.post(self.url, content=body, headers=dict(headers))
            status_code, says = answer.status_code, answer.text[:_SHOWN_BYTES]
        except httpx.HTTPError as error:
            status_code, says = None, str(error) or type(error).__name__
        return Answer(status_code, says, round((time.monotonic() - began) * 1000))
