"""What an agent of the sandbox tells the product's API about its one call.

The dispatch metadata says where (`agent_events_url`) and with which token. An agent whose metadata does not say where,
or whose script keeps it silent, reports nothing.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

from local.phones.post.courier import Courier, Line, Parcel

type AgentEvent = dict[str, Any]
type ApiAnswer = Mapping[str, Any]


class Reports:
    """The reports of one agent, in the order in which it makes them."""

    def __init__(self, line: Line, url: str, token: str) -> None:
        self._line = line
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    @classmethod
    def named_in(cls, metadata: str, courier: Courier) -> Self | None:
        """Reports to the place that a dispatch's metadata names; None if it names none."""
        try:
            named = json.loads(metadata)
            url, token = named["agent_events_url"], named["token"]
        except (ValueError, KeyError, TypeError):
            return None
        return cls(courier.line(), url, token) if isinstance(url, str) and isinstance(token, str) else None

    def tell(self, *events: AgentEvent) -> asyncio.Task[bytes | None]:
        """Sends events of this moment in one request. Whoever tells need not wait. No event merely asks how things
        stand."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        dated = [{"at": at, **event} for event in events]
        body = dated[0] if len(dated) == 1 else {"events": dated}
        what = f"the agent's {', '.join(str(event['type']) for event in events) or 'question'}"
        return self._line.send(Parcel(what, self._url, json.dumps(body).encode(), self._headers))

    async def ask(self, *events: AgentEvent) -> ApiAnswer | None:
        """Tells, and waits for what the API says to it; None if it did not take the events."""
        body = await asyncio.shield(self.tell(*events))
        try:
            answer = json.loads(body or b"")
        except ValueError:
            return None
        return answer if isinstance(answer, dict) else None
