"""A customer's server, as small as one can be: takes webhooks, verifies them with the public library, keeps what it
got."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError


@dataclass(frozen=True, slots=True)
class Received:
    """One webhook as it came in; `body` is parsed only after its signature was found to be right."""

    webhook_id: str
    event_type: str
    body: dict[str, Any]


@dataclass(slots=True)
class Listener:
    """`url` is where webhooks go. The secret is told once the endpoint is registered; before that everything is
    refused."""

    url: str = ""
    secret: str | None = None
    refused: int = 0
    received: asyncio.Queue[Received] = field(default_factory=asyncio.Queue)

    async def take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        try:
            if self.secret is None:
                raise WebhookVerificationError("no secret yet")
            body = Webhook(self.secret).verify(raw, dict(request.headers))
        except WebhookVerificationError:
            self.refused += 1
            return web.Response(status=400)
        await self.received.put(Received(request.headers["webhook-id"], body["type"], body))
        return web.Response(status=204)

    async def next(self, event_type: str, within_s: float) -> Received:
        """The next webhook of that type; others are passed over. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while True:
                got = await self.received.get()
                if got.event_type == event_type:
                    return got


@asynccontextmanager
async def listening(listener: Listener | None = None) -> AsyncIterator[Listener]:
    """A listener, or the one given, on a free port of this machine."""
    listener = listener or Listener()
    app = web.Application()
    app.router.add_post("/webhooks", listener.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        listener.url = f"http://{host}:{port}/webhooks"
        yield listener
    finally:
        await runner.cleanup()
