"""Customers' servers in a process of their own: what each was posted, and when.

    python -m local.bench.webhooks.receivers PORT

`/quick/...` answers at once, `/slow/...` after two seconds, `/dead/...` never. `GET /seen` tells of each endpoint which
events came, with the moment (ms) of the first time.
"""

import asyncio
import sys
import time

from aiohttp import web

SLOW_ANSWERS_AFTER_S = 2.0


class Receivers:
    def __init__(self) -> None:
        self._seen: dict[str, dict[str, int]] = {}

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.post("/{manner}/{endpoint}", self._take), web.get("/seen", self._tell)])
        return app

    async def _take(self, request: web.Request) -> web.Response:
        manner, endpoint = request.match_info["manner"], request.match_info["endpoint"]
        if manner == "dead":
            await asyncio.Event().wait()
        if manner == "slow":
            await asyncio.sleep(SLOW_ANSWERS_AFTER_S)
        self._seen.setdefault(endpoint, {}).setdefault(request.headers["webhook-id"], int(time.time() * 1000))
        return web.Response(status=204)

    async def _tell(self, _: web.Request) -> web.Response:
        return web.json_response(self._seen)


if __name__ == "__main__":
    web.run_app(Receivers().app(), host="127.0.0.1", port=int(sys.argv[1]), print=None, shutdown_timeout=0)
