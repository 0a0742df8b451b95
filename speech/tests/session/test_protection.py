"""On ECS a task with calls is not stopped."""

import aiohttp
import pytest
from aiohttp import web

from speech.bridge.hub import serving
from speech.worker.protection import RENEWED_EVERY_S, TaskProtection

pytestmark = pytest.mark.anyio


class Agent:
    """ECS's agent beside the container."""

    def __init__(self) -> None:
        self.told: list[dict[str, object]] = []
        self.refuses = False

    async def put(self, request: web.Request) -> web.Response:
        if self.refuses:
            return web.json_response({"failure": {"Reason": "throttled"}})
        self.told.append(await request.json())
        return web.json_response({"protection": {}})


ON, OFF = {"ProtectionEnabled": True, "ExpiresInMinutes": 15}, {"ProtectionEnabled": False}


async def test_it_is_protected_from_its_first_call_to_the_end_of_its_last() -> None:
    agent, calls = Agent(), [0]
    routes = [web.put("/task-protection/v1/state", agent.put)]
    async with aiohttp.ClientSession() as http, serving(routes, "127.0.0.1") as port:
        protection = TaskProtection(f"http://127.0.0.1:{port}", http, lambda: calls[0])
        for now, count in ((0, 0), (2, 1), (4, 2), (RENEWED_EVERY_S, 2), (RENEWED_EVERY_S + 3, 1), (400, 0), (402, 0)):
            calls[0] = count
            await protection.look(now)
    assert agent.told == [ON, ON, OFF]


async def test_a_refusal_is_tried_again() -> None:
    agent = Agent()
    routes = [web.put("/task-protection/v1/state", agent.put)]
    async with aiohttp.ClientSession() as http, serving(routes, "127.0.0.1") as port:
        protection = TaskProtection(f"http://127.0.0.1:{port}", http, lambda: 1)
        agent.refuses = True
        await protection.look(0)
        agent.refuses = False
        await protection.look(2)
    assert agent.told == [ON]
