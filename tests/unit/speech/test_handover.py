"""The bridge has a call handed over by the control plane, and follows what becomes of it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from speech.bridge.handover import ASKS_EVERY_S, MOST_UNANSWERED, Handover
from speech.bridge.model.actions import Transfer
from speech.bridge.model.events import TransferEnded

pytestmark = pytest.mark.anyio

NUMBER = {"type": "sip", "config": {"number": "+15550111"}}
WARM = Transfer("number", "+15550111", "warm", "Here is somebody.")
COLD = Transfer("number", "+15550111", "cold", "")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Plane:
    """Answers with what it is told to, the last answer again and again."""

    def __init__(self, *answers: tuple[int, dict[str, Any]]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Any]] = []
        self.keys: list[str | None] = []
        self.said: list[str] = []
        self.waits: list[float] = []

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.text()
        self.asked.append((request.method, request.path, json.loads(body) if body else None))
        self.keys.append(request.headers.get("Idempotency-Key"))
        status, told = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.json_response(told, status=status)

    async def announce(self, text: str) -> None:
        self.said.append(text)


@asynccontextmanager
async def a_handover(plane: Plane) -> AsyncIterator[Handover]:
    async def no_waiting(seconds: float) -> None:
        plane.waits.append(seconds)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", plane.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        async with aiohttp.ClientSession() as http:
            events_url = f"http://{host}:{port}/v1/calls/c1/agent-events"
            yield Handover(http, events_url=events_url, token="t", sleep=no_waiting)
    finally:
        await runner.cleanup()


async def handed_over(plane: Plane, transfer: Transfer) -> TransferEnded:
    async with a_handover(plane) as handover:
        ended = await handover.run(transfer, plane.announce)
        assert handover.is_under_way is ended.done
        return ended


def stands(state: str, **more: Any) -> tuple[int, dict[str, Any]]:
    return 200, {"transfer_id": "transfer_1", "state": state, "to": NUMBER} | more


async def test_who_picks_up_hears_the_announcement_and_then_the_agent_has_handed_over() -> None:
    plane = Plane((202, stands("requested")[1]), stands("ringing"), stands("joined"))
    assert await handed_over(plane, WARM) == TransferEnded(True)
    assert plane.said == ["Here is somebody."]
    asked, *looked = plane.asked
    body = {"to": NUMBER, "mode": "warm", "warm_handoff_ms": None, "announcement": "Here is somebody."}
    assert asked == ("POST", "/v1/calls/c1/agent-transfers", body)
    assert looked == [("GET", "/v1/calls/c1/agent-transfers/transfer_1", None)] * 2


async def test_a_phone_that_was_sent_away_is_somebody_elses() -> None:
    plane = Plane((202, stands("requested")[1]), stands("completed"))
    assert await handed_over(plane, COLD) == TransferEnded(True)
    assert plane.asked[0][2] == {"to": NUMBER} and plane.said == []


async def test_another_agent_is_asked_for_by_its_id() -> None:
    plane = Plane((202, stands("joined", to={"type": "agent", "config": {"agent_id": "sales"}})[1]))
    assert await handed_over(plane, Transfer("agent", "sales", "warm", "One moment.")) == TransferEnded(True)
    assert plane.asked[0][2]["to"] == {"type": "agent", "config": {"agent_id": "sales"}}
    assert plane.said == [], "two agents never talk at once"


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([(422, {"code": "transfer_not_allowed"})], "not_allowed"),
        ([(409, {"code": "transfer_under_way"})], "already_transferring"),
        ([(422, {"code": "unknown_agent"})], "unknown_agent"),
        ([(202, stands("requested")[1]), stands("failed", reason="USER_BUSY")], "USER_BUSY"),
        ([(503, {"code": "contended"})], "contended"),
    ],
)
async def test_a_refusal_and_a_failure_are_told_by_their_word(answers: list[Any], why: str) -> None:
    assert await handed_over(Plane(*answers), WARM) == TransferEnded(False, why)


async def test_the_fallback_of_a_transfer_is_followed() -> None:
    following = stands("joined", transfer_id="transfer_1.2")
    plane = Plane((202, stands("failed", reason="USER_BUSY", followed_by="transfer_1.2")[1]), following)
    assert await handed_over(plane, WARM) == TransferEnded(True)
    assert plane.asked[-1][1].endswith("/transfer_1.2")


async def test_a_fallback_that_is_not_told_at_once_is_asked_for_after_a_while() -> None:
    failed = stands("failed", reason="USER_BUSY", followed_by="transfer_1.2")[1]
    plane = Plane((202, failed), (503, {}), (429, {}), stands("joined", transfer_id="transfer_1.2"))
    assert await handed_over(plane, WARM) == TransferEnded(True)
    assert plane.waits == [ASKS_EVERY_S] * 2


async def test_targets_that_ring_one_after_another_are_followed_for_minutes() -> None:
    rings = [stands("ringing")] * (MOST_UNANSWERED + 1)
    plane = Plane((202, stands("requested")[1]), *rings, (503, {}), *rings, stands("joined"))
    assert await handed_over(plane, COLD) == TransferEnded(True)


async def test_a_transfer_of_which_nothing_is_told_any_more_has_no_result() -> None:
    plane = Plane((202, stands("requested")[1]), stands("ringing"), (404, {"code": "transfer_not_found"}))
    assert await handed_over(plane, COLD) == TransferEnded(False, "no_result")
    assert len(plane.asked) == 2 + MOST_UNANSWERED + 1


async def test_a_request_that_may_not_have_arrived_is_sent_again_with_its_key() -> None:
    plane = Plane((503, {}), (202, stands("joined")[1]))
    assert (await handed_over(plane, WARM)).done
    assert plane.keys[0] is not None and plane.keys[0] == plane.keys[1]


async def test_a_human_without_a_number_is_nobody() -> None:
    plane = Plane((202, {}))
    assert await handed_over(plane, Transfer("human", "queue-1", "cold", "")) == TransferEnded(False, "no_such_human")
    assert plane.asked == []
