"""The client of the control plane: what an answer means, and what is tried again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from speech.bridge.brain import BrainClient
from speech.bridge.hub import serving
from speech.bridge.model.asking import TRY_AGAIN_AFTER_S, read_answer
from speech.bridge.model.events import Assigned, BrainAnswer, NoRunner, NoSuchCall, Served, Unreachable, Wait

pytestmark = pytest.mark.anyio
ASSIGNED = {
    "brain": "runner",
    "result": "assigned",
    "job_id": "j",
    "assign_id": "a",
    "worker_id": "w",
    "dial_within_s": 2,
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class ControlPlane:
    """Answers with what stands in the list, and with the last of it from then on."""

    answers: list[tuple[int, Any]]
    seen: list[tuple[str, str, Any]] = field(default_factory=list)
    slept_s: list[float] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append((request.path, request.headers["Authorization"], await request.json()))
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return (
            web.Response(status=status, text=body) if isinstance(body, str) else web.json_response(body, status=status)
        )

    async def sleep(self, pause_s: float) -> None:
        self.slept_s.append(pause_s)


@asynccontextmanager
async def client_of(plane: ControlPlane) -> AsyncIterator[BrainClient]:
    routes = [web.post("/v1/calls/SCL_1/{what}", plane.handle)]
    async with serving(routes, "127.0.0.1") as port, aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{port}/v1/calls/SCL_1"
        yield BrainClient(
            http,
            brain_url=f"{url}/brain",
            events_url=f"{url}/agent-events",
            token="of the dispatch",
            bridge_url="ws://here/bridge/SCL_1",
            dispatch=2,
            sleep=plane.sleep,
        )


async def ask(*answers: tuple[int, Any]) -> tuple[BrainAnswer, ControlPlane]:
    plane = ControlPlane([*answers])
    async with client_of(plane) as client:
        return await client.ask(3, "lost"), plane


async def test_a_brain_is_asked_for_with_the_token_of_the_dispatch() -> None:
    answer, plane = await ask((200, ASSIGNED))
    assert answer == Assigned("j", "w", 2.0)
    body = {"request": 3, "dispatch": 2, "why": "lost", "bridge_url": "ws://here/bridge/SCL_1"}
    assert plane.seen == [("/v1/calls/SCL_1/brain", "Bearer of the dispatch", body)]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"result": "wait", "wait_s": 1.5}, Wait(1.5)),
        ({"result": "none", "why": "no_runner", "again_in_s": 1}, NoRunner("no_runner", 1.0)),
        (
            {"brain": "prompt", "result": "served", "prompt": {"instructions": "Be kind."}},
            Served("prompt", {"instructions": "Be kind."}),
        ),
        (
            {"brain": "endpoint", "result": "served", "endpoint": {"url": "https://e"}},
            Served("endpoint", {"url": "https://e"}),
        ),
        ({"result": "a later word"}, Unreachable("an answer that cannot be read")),
        ({"brain": "prompt", "result": "served"}, Unreachable("an answer that cannot be read")),
    ],
)
def test_each_answer_is_read(body: dict[str, Any], answer: BrainAnswer) -> None:
    assert read_answer(body) == answer


@pytest.mark.parametrize("status", [401, 404, 409])
async def test_a_call_that_is_over_is_not_asked_for_again(status: int) -> None:
    answer, plane = await ask((status, {"code": "call_is_over"}))
    assert answer == NoSuchCall("call_is_over")
    assert len(plane.seen) == 1


@pytest.mark.parametrize("trouble", [(503, {}), (500, "no JSON"), (429, {}), (200, "no JSON")])
async def test_the_same_request_is_sent_again_after_trouble(trouble: tuple[int, Any]) -> None:
    answer, plane = await ask(trouble, (200, ASSIGNED))
    assert isinstance(answer, Assigned)
    assert plane.seen[0] == plane.seen[1]
    assert plane.slept_s == [TRY_AGAIN_AFTER_S[0]]


async def test_trouble_that_stays_is_given_up() -> None:
    answer, plane = await ask((503, {}))
    assert answer == Unreachable("status 503")
    assert len(plane.seen) == len(TRY_AGAIN_AFTER_S) + 1


async def test_a_control_plane_that_is_not_there_is_unreachable() -> None:
    plane = ControlPlane([(200, {})])
    async with aiohttp.ClientSession() as http:
        nowhere = "http://127.0.0.1:9/v1"
        client = BrainClient(
            http, brain_url=nowhere, events_url=nowhere, token="t", bridge_url="ws://b", sleep=plane.sleep
        )
        assert isinstance(await client.ask(1, "join"), Unreachable)
        await client.report([{"type": "ready"}])
    assert plane.slept_s == [*TRY_AGAIN_AFTER_S, *TRY_AGAIN_AFTER_S]


async def test_events_are_posted_together_in_their_order() -> None:
    plane = ControlPlane([(503, {}), (200, {"results": []})])
    events = [{"type": "user_spoke"}, {"type": "hang_up", "reason": "done"}]
    async with client_of(plane) as client:
        await client.report(events)
    assert [(path, body) for path, _, body in plane.seen] == [("/v1/calls/SCL_1/agent-events", {"events": events})] * 2


async def test_events_that_are_refused_are_not_sent_again() -> None:
    plane = ControlPlane([(422, {"code": "invalid_request"})])
    async with client_of(plane) as client:
        assert await client.report([{"type": "ready"}]) == []
    assert len(plane.seen) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            {
                "results": [
                    {"type": "silence", "result": "applied"},
                    {"type": "hang_up", "result": "transfer_under_way"},
                ]
            },
            ["applied", "transfer_under_way"],
        ),
        ({"results": [{"type": "silence", "result": "applied"}]}, []),
        ({"results": ["applied", {}]}, ["", ""]),
        ({"results": None}, []),
        ({}, []),
    ],
)
async def test_each_event_has_the_control_planes_word(answer: dict[str, Any], words: list[str]) -> None:
    plane = ControlPlane([(200, answer)])
    async with client_of(plane) as client:
        assert await client.report([{"type": "silence"}, {"type": "hang_up"}]) == words
