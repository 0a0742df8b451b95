"""The control plane as the bridge needs it: who is the brain of the call, and what the agent reports."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import aiohttp

from speech.bridge.model.actions import Why
from speech.bridge.model.events import BrainAnswer


class Brain(Protocol):
    """What the driver asks and tells of one call."""

    async def ask(self, request: int, why: Why) -> BrainAnswer:
        """Never raises for what the other side answers or does not answer: that is `Unreachable`."""

    async def report(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Posts agent events, in order. Gives up after its retries, with a line in the log."""


class BrainClient:
    """Over HTTP: POST /v1/calls/{id}/brain and /v1/calls/{id}/agent-events, with the token of the dispatch."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        *,
        brain_url: str,
        events_url: str,
        token: str,
        bridge_url: str,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        raise NotImplementedError

    async def ask(self, request: int, why: Why) -> BrainAnswer:
        raise NotImplementedError

    async def report(self, events: Sequence[Mapping[str, Any]]) -> None:
        raise NotImplementedError
