"""Keeps what LiveKit posts, as it was posted, and hands nothing on: a second webhook URL beside the product's own."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from local.trips.livekit.servers import HOST


class Recorder:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def open(self, port: int) -> AsyncIterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text("")
        app = web.Application()
        app.add_routes([web.post("/", self._keep)])
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, port).start()
            yield
        finally:
            await runner.cleanup()

    async def _keep(self, request: web.Request) -> web.Response:
        line = {"at": time.time(), "body": json.loads(await request.read())}
        async with self._lock:
            with self._path.open("a") as kept:
                kept.write(json.dumps(line) + "\n")
        return web.Response()
