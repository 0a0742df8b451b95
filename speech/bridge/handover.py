"""Hands a call over by the control plane, which alone knows to whom the call may go, and follows what becomes of it.

POST /v1/calls/{id}/agent-transfers              asked for, or refused by a code
GET  /v1/calls/{id}/agent-transfers/{transfer}   how it stands, again and again
"""

import asyncio
import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp

from speech.bridge.model.actions import Transfer
from speech.bridge.model.events import TransferEnded

ASKS_EVERY_S = 1.0
"""A phone rings for half a minute, and each question costs a request."""
TRY_AGAIN_AFTER_S = (0.2, 0.5, 1.0)
ANSWER_WITHIN_S = 5.0
MOST_UNANSWERED = 60
"""Questions in a row to which there was no answer: between a minute and six. The control plane has limits for each
target's ringing, and tells when the last one is over."""

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_WORDS = {"transfer_not_allowed": "not_allowed", "transfer_under_way": "already_transferring"}
"""Codes of the control plane for which the bridge has had a word of its own before."""

_log = logging.getLogger(__name__)

type Announce = Callable[[str], Awaitable[None]]


class Handover:
    """`events_url` is where the call's agent reports (`/v1/calls/{id}/agent-events`), `token` that of its dispatch."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        *,
        events_url: str,
        token: str,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._url = events_url.rpartition("/")[0] + "/agent-transfers"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._sleep = sleep
        self.is_under_way = False
        """Whether the call may be somebody else's at any moment."""

    async def run(self, transfer: Transfer, announce: Announce) -> TransferEnded:
        """What became of it. Whom a number has brought into the call is told `announce`'s words; the agent goes then.
        Never raises for what the other side answers or does not answer."""
        body = _body(transfer)
        if body is None:
            return TransferEnded(False, "no_such_human")
        self.is_under_way = True
        ended = TransferEnded(False, "no_result")
        try:
            ended = await self._ask_and_follow(body, transfer, announce)
        finally:
            # Whoever has handed over is put out of the room, and that is no surprise.
            self.is_under_way = ended.done
        return ended

    async def _ask_and_follow(self, body: Mapping[str, Any], transfer: Transfer, announce: Announce) -> TransferEnded:
        asked = await self._ask(body)
        if isinstance(asked, TransferEnded):
            return asked
        unanswered = 0
        while unanswered <= MOST_UNANSWERED:
            match asked:
                case {"state": "joined", "to": {"type": "sip"}}:
                    if transfer.announcement:
                        await announce(transfer.announcement)
                    return TransferEnded(True)
                case {"state": "joined" | "completed"}:
                    return TransferEnded(True)
                case {"state": "failed", "followed_by": str(following)}:
                    shown = await self._show(following)
                    if shown is None:
                        await self._sleep(ASKS_EVERY_S)
                case {"state": "failed"}:
                    return TransferEnded(False, str(asked.get("reason") or "failed"))
                case _:
                    await self._sleep(ASKS_EVERY_S)
                    shown = await self._show(str(asked.get("transfer_id")))
            unanswered = 0 if shown else unanswered + 1
            asked = shown or asked
        return TransferEnded(False, "no_result")

    async def _ask(self, body: Mapping[str, Any]) -> Mapping[str, Any] | TransferEnded:
        """The same request with the same key is the same transfer: it may be sent again."""
        headers = {**self._headers, "Idempotency-Key": uuid.uuid4().hex}
        why = "unreachable"
        for pause_s in (*TRY_AGAIN_AFTER_S, None):
            answered = await self._request("POST", self._url, headers, body)
            if answered is not None:
                status, told = answered
                if status < 300:
                    return told
                why = str(told.get("code") or status)
                if status < 500 and status != 429:
                    break
            if pause_s is not None:
                await self._sleep(pause_s)
        return TransferEnded(False, _WORDS.get(why, why))

    async def _show(self, transfer_id: str) -> Mapping[str, Any] | None:
        answered = await self._request("GET", f"{self._url}/{transfer_id}", self._headers, None)
        return answered[1] if answered is not None and answered[0] == 200 else None

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> tuple[int, Mapping[str, Any]] | None:
        limit = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
        try:
            async with self._http.request(method, url, json=body, headers=headers, timeout=limit) as answer:
                told = await answer.json(content_type=None)
                return answer.status, told if isinstance(told, Mapping) else {}
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            _log.warning("the control plane did not answer about a transfer", extra={"why": type(error).__name__})
            return None


def _body(transfer: Transfer) -> Mapping[str, Any] | None:
    """The request for it; None for a human whom no number names. An agent takes the call over by itself."""
    if transfer.kind == "agent":
        to = {"type": "agent", "config": {"agent_id": transfer.target}}
        return {"to": to, "announcement": transfer.announcement or None}
    if not _E164.fullmatch(transfer.target):
        return None
    to = {"type": "sip", "config": {"number": transfer.target}}
    if transfer.mode == "cold":
        return {"to": to}
    # The agent says when it has handed over.
    return {"to": to, "mode": "warm", "warm_handoff_ms": None, "announcement": transfer.announcement or None}
