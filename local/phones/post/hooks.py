"""Webhooks, sent as LiveKit sends them.

One room's events go out one after the other, and so do those of one egress; these lines do not wait for each other. How
often each is tried, and what is dropped, stands in `model/post.py`. An endpoint that refuses the connection, or answers
429 or 5xx (not 501), has not taken the event. It may take as long as it likes: there is no time-out, and everything
behind it waits. Nothing survives a restart.
"""

import asyncio
import base64
import hashlib
import json
import logging
import time
from dataclasses import dataclass, field

import aiohttp
import jwt
from google.protobuf.json_format import MessageToDict
from livekit.protocol.webhook import WebhookEvent

from local.phones.kernel.faults import FaultKind, Faults
from local.phones.kernel.ids import new_id
from local.phones.kernel.pace import Pace
from local.phones.kernel.tasks import Tasks
from local.phones.model import timings
from local.phones.model.post import Line, is_taken, wait_after
from local.phones.numbers.callees import HookTrouble

_log = logging.getLogger("phones.hooks")
_LAST_EVENTS = ("participant_left", "room_finished")


@dataclass(frozen=True, slots=True)
class Posting:
    """One signed request: the same bytes and token on every try."""

    event: str
    body: bytes
    token: str
    queued_at_s: float


@dataclass(slots=True)
class _Line:
    """The queue of one room name, or egress, at one endpoint, and the event held back so that the next overtakes it."""

    waiting: Line[Posting] = field(default_factory=Line)
    sender: asyncio.Task[None] | None = None
    held: Posting | None = None


class Hooks:
    """Signs, queues and posts events to every endpoint, but those that are `left_out`."""

    def __init__(
        self,
        urls: tuple[str, ...],
        key: tuple[str, str],
        *,
        pace: Pace,
        faults: Faults,
        tasks: Tasks,
        left_out: frozenset[str] = frozenset(),
    ) -> None:
        self.left_out = left_out
        self._urls = urls
        self._api_key, self._api_secret = key
        self._pace = pace
        self._faults = faults
        self._tasks = tasks
        self._lines: dict[tuple[str, str], _Line] = {}
        self._session: aiohttp.ClientSession | None = None
        self.silenced = False  # while the server is down, no event of this time is ever sent

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None), connector=aiohttp.TCPConnector(limit=0)
        )

    async def stop(self) -> None:
        if self._session is not None:
            await self._session.close()

    def forget_all(self) -> None:
        """Drops what waits, as a killed server does."""
        for line in self._lines.values():
            if line.sender is not None:
                line.sender.cancel()
        self._lines.clear()

    def send(
        self, event: WebhookEvent, room: str, trouble: HookTrouble = HookTrouble.NONE, *, queue: str | None = None
    ) -> None:
        """Stamps and queues `event`. Events of one `queue` keep their order; it is the room's name unless given."""
        if self.silenced or event.event in self.left_out or self._is_lost(event.event, room, trouble):
            return
        event.id = new_id("EV_")
        event.created_at = int(time.time())
        posting = self._sign(event)
        copies = 2 if self._hit(FaultKind.DUPLICATE_HOOKS, event.event, room) or trouble is HookTrouble.DOUBLED else 1
        delay = self._faults.take(FaultKind.DELAY_HOOKS, event.event, room)
        delay_s = delay.delay_s if delay else timings.HOOK_LATE_S if trouble is HookTrouble.LATE else 0.0
        swap = self._hit(FaultKind.REORDER_HOOKS, event.event, room) or trouble is HookTrouble.REORDERED
        for url in self._urls:
            for _ in range(copies):
                if delay_s:
                    self._tasks.start(self._queue_later(url, queue or room, posting, delay_s))
                else:
                    self._queue(url, queue or room, posting, swap=swap)

    def _is_lost(self, event: str, room: str, trouble: HookTrouble) -> bool:
        return (
            trouble is HookTrouble.ALL_LOST
            or (trouble is HookTrouble.LAST_LOST and event in _LAST_EVENTS)
            or self._hit(FaultKind.DROP_HOOKS, event, room)
        )

    def _hit(self, kind: FaultKind, event: str, room: str) -> bool:
        return self._faults.take(kind, event, room) is not None

    def _sign(self, event: WebhookEvent) -> Posting:
        body = json.dumps(MessageToDict(event), separators=(",", ":")).encode()
        now = int(time.time())
        claims = {
            "iss": self._api_key,
            "nbf": now,
            "exp": now + timings.HOOK_TOKEN_TTL_S,
            "sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
        }
        return Posting(event.event, body, jwt.encode(claims, self._api_secret, "HS256"), self._pace.now_s())

    async def _queue_later(self, url: str, room: str, posting: Posting, delay_s: float) -> None:
        await self._pace.sleep(delay_s)
        self._queue(url, room, posting)

    def _queue(self, url: str, room: str, posting: Posting, *, swap: bool = False) -> None:
        line = self._lines.setdefault((url, room), _Line())
        if swap and line.held is None:
            line.held = posting
            self._tasks.start(self._release_later(url, room, posting))
            return
        overtaken, line.held = line.held, None
        for each in (posting, overtaken):
            if each is not None:
                line.waiting.put(each, each.queued_at_s)
        if line.sender is None:
            line.sender = self._tasks.start(self._send_in_order(url, room, line))

    async def _release_later(self, url: str, room: str, posting: Posting) -> None:
        await self._pace.sleep(timings.HOOK_HELD_S)
        line = self._lines.get((url, room))
        if line is not None and line.held is posting:
            line.held = None
            self._queue(url, room, posting)

    async def _send_in_order(self, url: str, room: str, line: _Line) -> None:

        def dropped(posting: Posting) -> None:
            _log.warning("dropped %s of %s: it waited over 30 s", posting.event, room)

        while (posting := line.waiting.take(self._pace.now_s(), dropped)) is not None:
            await self._deliver(url, room, posting)
        line.sender = None
        if line.held is None and self._lines.get((url, room)) is line:
            del self._lines[(url, room)]

    async def _deliver(self, url: str, room: str, posting: Posting) -> None:
        tries = 1
        while not await self._post(url, posting):
            wait_s = wait_after(tries)
            if wait_s is None:
                break
            await self._pace.sleep(wait_s)
            tries += 1
        else:
            return
        _log.warning("gave up on %s of %s", posting.event, room)

    async def _post(self, url: str, posting: Posting) -> bool:
        """Whether the endpoint took the event, or refused it for good."""
        assert self._session is not None, "hooks are sent between start() and stop()"
        headers = {
            "Content-Type": "application/webhook+json",
            "User-Agent": "LiveKit",
            "Authorization": posting.token,
        }
        try:
            async with self._session.post(url, data=posting.body, headers=headers, allow_redirects=False) as answer:
                await answer.read()
                return is_taken(answer.status)
        except (aiohttp.ClientError, OSError):
            return False
