"""The control plane as the bridge needs it: who is the brain of the call, and what the agent reports."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp

from speech.bridge.model.actions import Why
from speech.bridge.model.asking import ANSWER_WITHIN_S, TRY_AGAIN_AFTER_S, read_answer
from speech.bridge.model.events import BrainAnswer, NoSuchCall, Unreachable

_OVER = {401, 403, 404, 409, 410}

_log = logging.getLogger(__name__)


class Brain(Protocol):
    """What the driver asks and tells of one call."""

    async def ask(self, request: int, why: Why) -> BrainAnswer:
        """Never raises for what the other side answers or does not answer: that is Unreachable. The same number again
        gets the same answer."""

    async def report(self, events: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Posts agent events, in order. Returns the control plane's word on each (`result` in docs/agents.md), in their
        order; nothing where there was no answer. Gives up after its retries, with a line in the log."""


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: Mapping[str, Any]


class BrainClient:
    """Over HTTP: POST `brain_url` and `events_url` (`/v1/calls/{id}/brain` and `/v1/calls/{id}/agent-events`), with the
    token of the dispatch. `bridge_url` is where a runner of this call is to dial; `dispatch` is the dispatch's number,
    as each counts its requests anew. `worker_id` is under which name the worker is registered (`control`), if it is:
    whoever is ready says by whom and by which dispatch, so that its calls are found when it is lost."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        *,
        brain_url: str,
        events_url: str,
        token: str,
        bridge_url: str,
        dispatch: int = 1,
        worker_id: str | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._brain_url = brain_url
        self._events_url = events_url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._bridge_url = bridge_url
        self._dispatch = dispatch
        self._worker_id = worker_id
        self._sleep = sleep

    async def ask(self, request: int, why: Why) -> BrainAnswer:
        body = {"request": request, "dispatch": self._dispatch, "why": why, "bridge_url": self._bridge_url}
        reply = await self._post(self._brain_url, body)
        if isinstance(reply, Unreachable):
            return reply
        if reply.status in _OVER:
            return NoSuchCall(str(reply.body.get("code") or reply.status))
        return read_answer(reply.body) if reply.status == 200 else Unreachable(f"status {reply.status}")

    async def report(self, events: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        reply = await self._post(self._events_url, {"events": [self._signed(event) for event in events]})
        types = [event.get("type") for event in events]
        if isinstance(reply, Unreachable):
            _log.error("agent events were not taken", extra={"why": reply.why, "types": types})
        elif reply.status >= 400:
            _log.warning("agent events were refused", extra={"status": reply.status, "types": types})
        else:
            words = _words_of(reply.body)
            return words if len(words) == len(events) else []
        return []

    def _signed(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        if event.get("type") != "ready":
            return event
        worker = {} if self._worker_id is None else {"worker_id": self._worker_id}
        return {**event, "dispatch": self._dispatch, **worker}

    async def _post(self, url: str, body: Mapping[str, Any]) -> _Reply | Unreachable:
        """Sends the same again where the answer says that it may help, or none came."""
        for pause_s in (*TRY_AGAIN_AFTER_S, None):
            why = await self._try(url, body)
            if isinstance(why, _Reply):
                if why.status < 500 and why.status != 429:
                    return why
                why = Unreachable(f"status {why.status}")
            if pause_s is None:
                return why
            await self._sleep(pause_s)
        raise AssertionError("the last try returns")

    async def _try(self, url: str, body: Mapping[str, Any]) -> _Reply | Unreachable:
        limit = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
        try:
            async with self._http.post(url, json=body, headers=self._headers, timeout=limit) as answer:
                told = await answer.json(content_type=None)
                return _Reply(answer.status, told if isinstance(told, Mapping) else {})
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return Unreachable(type(error).__name__)


def _words_of(answer: Mapping[str, Any]) -> list[str]:
    results = answer.get("results")
    if not isinstance(results, list):
        return []
    return [str(result.get("result") or "") if isinstance(result, Mapping) else "" for result in results]
