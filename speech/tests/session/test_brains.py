"""Brains that are no runner, against endpoints that answer as theirs do."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from speech.bridge.hub import serving
from speech.bridge.local_brain import LocalBridge, LocalBridgeClosed
from speech.bridge.model.actions import Why
from speech.bridge.model.events import BrainAnswer, Served
from speech.tests.session.rig import SessionRig, a_session_with, settings
from speech.worker.brains.replies import BrainFailed, Caller, Message, chat_url, read_sse_line, replies_of
from speech.worker.brains.served import ServedBrain
from tests.contract.bridge.rig import Control, eventually

pytestmark = pytest.mark.anyio


class Endpoint:
    """Answers as an OpenAI-compatible endpoint does; or once a turn. What was asked is kept."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.fails = 0
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1/chat/completions", self.chat), web.post("/turn", self.turn)]

    async def chat(self, request: web.Request) -> web.StreamResponse:
        await self._take(request)
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        for piece in ("Hello ", "there."):
            chunk = {"choices": [{"delta": {"content": piece}}]}
            await answer.write(f"data: {json.dumps(chunk)}\n\n".encode())
            await self.may_go_on.wait()
        await answer.write(b"data: [DONE]\n\n")
        return answer

    async def turn(self, request: web.Request) -> web.Response:
        await self._take(request)
        return web.json_response({"text": f"You said: {self.asked[-1]['text']}"})

    async def _take(self, request: web.Request) -> None:
        if self.fails:
            self.fails -= 1
            raise web.HTTPServiceUnavailable
        self.asked.append(await request.json())
        self.keys.append(request.headers.get("Authorization"))


class Serves(Control):
    """A control plane whose agent is no runner."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self.served = served

    async def ask(self, request: int, why: Why) -> BrainAnswer:
        self.asked.append((request, why))
        return self.served


async def talks(rig: SessionRig, text: str, reply: str) -> None:
    await rig.voice.heard(text)
    await eventually(lambda: reply in rig.reads.text)


def a_call(served: Served, http: aiohttp.ClientSession, greeting: str = "", **variables: str) -> Any:
    async def serve(brain: Served, bridge: LocalBridge) -> None:
        await ServedBrain(bridge, replies_of(brain, http, settings(**variables)), greeting).run()

    return a_session_with(serve_brain=serve, control=Serves(served), with_sound=False)


async def test_an_endpoint_is_asked_with_the_whole_talk_and_its_key() -> None:
    endpoint = Endpoint()
    async with aiohttp.ClientSession() as http, serving(endpoint.routes(), "127.0.0.1") as port:
        url = f"http://127.0.0.1:{port}/v1"
        served = Served("endpoint", {"url": url, "api_key": "k", "model": "m", "kind": "chat"})
        async with a_call(served, http, greeting="Good morning.") as rig:
            await rig.driver.ready.wait()
            rig.driver.answered()
            await eventually(lambda: "Good morning." in rig.reads.text)
            await talks(rig, "hello", "Hello there.")
            await rig.voice.heard("and now")
            await eventually(lambda: len(endpoint.asked) == 2)
    assert endpoint.keys == ["Bearer k", "Bearer k"]
    assert endpoint.asked[1]["model"] == "m" and endpoint.asked[1]["stream"] is True
    assert [(told["role"], told["content"]) for told in endpoint.asked[1]["messages"]] == [
        ("assistant", "Good morning."),
        ("user", "hello"),
        ("assistant", "Hello there."),
        ("user", "and now"),
    ]


async def test_an_endpoint_of_the_older_kind_is_asked_once_a_turn() -> None:
    endpoint = Endpoint()
    async with aiohttp.ClientSession() as http, serving(endpoint.routes(), "127.0.0.1") as port:
        served = Served("endpoint", {"url": f"http://127.0.0.1:{port}/turn", "kind": "turn"})
        async with a_call(served, http) as rig:
            await rig.driver.ready.wait()
            rig.driver.answered()
            await talks(rig, "hello", "You said: hello")
    assert endpoint.asked == [
        {
            "text": "hello",
            "context": {
                "call_id": "SCL_1",
                "session_id": "SCL_1",
                "turn_number": 1,
                "direction": "outbound",
                "user_number": "+15550100",
                "data": {},
            },
        }
    ]


async def test_a_prompt_is_answered_by_the_deployments_model() -> None:
    endpoint = Endpoint()
    async with aiohttp.ClientSession() as http, serving(endpoint.routes(), "127.0.0.1") as port:
        served = Served("prompt", {"instructions": "You sell tea.", "model": None})
        variables = {"SPEECH_LLM_URL": f"http://127.0.0.1:{port}/v1", "SPEECH_LLM_KEY": "k", "SPEECH_LLM_MODEL": "d"}
        async with a_call(served, http, **variables) as rig:
            await rig.driver.ready.wait()
            rig.driver.answered()
            await talks(rig, "hello", "Hello there.")
    assert endpoint.asked[0]["model"] == "d"
    assert endpoint.asked[0]["messages"][0] == {"role": "system", "content": "You sell tea."}


async def test_instructions_that_took_the_place_of_the_prompt_are_told_once() -> None:
    endpoint = Endpoint()
    caller = Caller("SCL_1", "outbound", "+15550100", "You sell tea.", {})
    async with aiohttp.ClientSession() as http, serving(endpoint.routes(), "127.0.0.1") as port:
        variables = {"SPEECH_LLM_URL": f"http://127.0.0.1:{port}/v1", "SPEECH_LLM_KEY": "k", "SPEECH_LLM_MODEL": "d"}
        served = Served("prompt", {"instructions": "You sell tea.", "model": None})
        replies = replies_of(served, http, settings(**variables))
        assert "".join([piece async for piece in replies.reply([Message("user", "hello")], caller)])
    assert endpoint.asked[0]["messages"][0] == {"role": "system", "content": "You sell tea."}


async def test_a_turn_that_failed_is_asked_again() -> None:
    endpoint = Endpoint()
    endpoint.fails = 2
    async with aiohttp.ClientSession() as http, serving(endpoint.routes(), "127.0.0.1") as port:
        served = Served("endpoint", {"url": f"http://127.0.0.1:{port}/v1", "kind": "chat"})
        async with a_call(served, http) as rig:
            await rig.driver.ready.wait()
            rig.driver.answered()
            await talks(rig, "hello", "Hello there.")
            assert [why for _, why in rig.control.asked] == ["join", "lost", "lost"]
    assert [told["content"] for told in endpoint.asked[0]["messages"]] == ["hello"]


async def test_an_endpoint_that_stays_broken_ends_the_call_as_failed() -> None:
    endpoint = Endpoint()
    endpoint.fails = 1000
    async with aiohttp.ClientSession() as http, serving(endpoint.routes(), "127.0.0.1") as port:
        served = Served("endpoint", {"url": f"http://127.0.0.1:{port}/v1", "kind": "chat"})
        async with a_call(served, http) as rig:
            await rig.driver.ready.wait()
            rig.driver.answered()
            await rig.voice.heard("hello")
            await rig.over()
            assert rig.phone.hung_up_for == "agent_failed"


async def test_a_newer_turn_breaks_the_reply_off_that_is_still_coming() -> None:
    endpoint = Endpoint()
    endpoint.may_go_on.clear()
    async with aiohttp.ClientSession() as http, serving(endpoint.routes(), "127.0.0.1") as port:
        served = Served("endpoint", {"url": f"http://127.0.0.1:{port}/v1", "kind": "chat"})
        async with a_call(served, http) as rig:
            await rig.driver.ready.wait()
            rig.driver.answered()
            await rig.voice.heard("tell me a story")
            await eventually(lambda: rig.voice.is_busy and endpoint.asked)
            endpoint.may_go_on.set()
            await talks(rig, "no, wait", "Hello there.")
    roles = [told["role"] for told in endpoint.asked[-1]["messages"]]
    assert roles[-1] == "user" and endpoint.asked[-1]["messages"][-1]["content"] == "no, wait"


def test_a_brain_of_another_kind_is_not_served() -> None:
    with pytest.raises(BrainFailed, match="playbook"):
        replies_of(Served("playbook", {}), None, settings())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "piece"),
    [
        ('data: {"choices":[{"delta":{"content":"a"}}]}', "a"),
        ('data:{"choices":[{"delta":{"content":"a"}}]}\r\n', "a"),
        ('data: {"choices":[{"delta":{"role":"assistant"}}]}', ""),
        ('data: {"choices":[],"usage":{"total_tokens":3}}', ""),
        (": comment", ""),
        ("", ""),
        ("data: [DONE]", None),
    ],
)
def test_a_line_of_a_stream_is_read(line: str, piece: str | None) -> None:
    assert read_sse_line(line) == piece


@pytest.mark.parametrize("line", ["data: {", 'data: {"error":{"message":"overloaded"}}', "data: []"])
def test_a_line_that_breaks_the_stream_is_a_failure(line: str) -> None:
    with pytest.raises(BrainFailed):
        read_sse_line(line)


def test_a_base_and_the_whole_address_are_one_endpoint() -> None:
    whole = "https://a.example/v1/chat/completions"
    assert chat_url("https://a.example/v1") == chat_url("https://a.example/v1/") == chat_url(whole) == whole
    assert chat_url(f"{whole}?key=1") == f"{whole}?key=1"


async def test_a_reply_whose_bridge_is_closed_meanwhile_ends_without_a_word_of_it() -> None:
    """A task whose exception nobody takes is told of as a fault."""
    frames: list[Any] = []
    bridge = LocalBridge(-1, frames.append)
    is_closed = asyncio.Event()

    class Slow:
        async def reply(self, talk: Any, caller: Any) -> AsyncIterator[str]:
            yield "One "
            await is_closed.wait()
            yield "two."

    faults: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, told: faults.append(told))
    serving_it = asyncio.create_task(ServedBrain(bridge, Slow()).run())
    bridge.give(json.dumps({"event": "user.text", "text": "hello"}))
    await eventually(lambda: len(frames) > 1)
    bridge.shut()
    is_closed.set()
    with pytest.raises(LocalBridgeClosed):
        await serving_it
    del serving_it
    gc.collect()
    assert faults == []


async def test_a_prompt_knows_of_the_voicemail_that_it_may_speak_to() -> None:
    asked: list[list[tuple[str, str]]] = []
    bridge = LocalBridge(-1, lambda _event: None)

    class Keeps:
        async def reply(self, talk: Any, caller: Any) -> AsyncIterator[str]:
            asked.append([(message.role, message.content) for message in talk])
            yield "Hello."

    serving_it = asyncio.create_task(ServedBrain(bridge, Keeps()).run())
    bridge.give(json.dumps({"event": "state", "state": "idle", "voicemail": {"why": "a tone"}}))
    bridge.give(json.dumps({"event": "user.text", "text": "Leave a message."}))
    await eventually(lambda: bool(asked))
    bridge.shut()
    with pytest.raises(LocalBridgeClosed):
        await serving_it
    ((first, second),) = asked
    assert first[0] == "system" and "voicemail" in first[1] and second == ("user", "Leave a message.")
