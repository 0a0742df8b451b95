"""The hub as the SDK's own WebSocket client meets it, and the line of a job in another process."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from speech.bridge.attach import AttachPoint, attached
from speech.bridge.hub import Hub, path_of, serving
from speech.bridge.line import FrameTooLong, Line, LineLost, LineTaken
from speech.bridge.model.events import LineEvent, RunnerClosed, RunnerDialled, RunnerFrame
from speech.bridge.model.frames import MOST_BYTES_OF_A_FRAME
from tests.contract.bridge.rig import CALL, KEY, WITHIN_S, a_token, eventually

pytestmark = pytest.mark.anyio
SECRET = "of this process"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Served:
    hub: Hub
    port: int
    lost_jobs: list[tuple[str, int | None]] = field(default_factory=list)

    def dial(self, token: str, call_id: str = CALL, query: str = "") -> websockets.connect:
        return websockets.connect(f"ws://127.0.0.1:{self.port}/bridge/{call_id}?{query}token={token}")


@contextlib.asynccontextmanager
async def a_hub() -> AsyncIterator[Served]:
    hub = Hub(key=KEY, clock_s=time.time)
    lost_jobs: list[tuple[str, int | None]] = []
    point = AttachPoint(hub, secret=SECRET, on_job_lost=lambda *lost: lost_jobs.append(lost))
    async with asyncio.timeout(WITHIN_S), serving([*hub.routes(), *point.routes()], "127.0.0.1") as port:
        try:
            yield Served(hub, port, lost_jobs)
        finally:
            await hub.close()


@pytest.fixture(params=["in process", "attached"])
async def line_of(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Served, Line]]:
    """The same line, as it is given to the sandbox and to a job."""
    async with a_hub() as served:
        if request.param == "in process":
            yield served, served.hub.open(CALL)
            return
        async with aiohttp.ClientSession() as http:
            async with attached(http, f"http://127.0.0.1:{served.port}", CALL, SECRET) as line:
                yield served, line


async def close_code(runner: ClientConnection) -> int | None:
    with contextlib.suppress(websockets.ConnectionClosed):
        await runner.recv()
    await runner.wait_closed()
    return runner.close_code


async def events(line: Line, count: int) -> list[LineEvent]:
    return [await line.next() for _ in range(count)]


async def test_frames_go_both_ways_as_they_are(line_of: tuple[Served, Line]) -> None:
    served, line = line_of
    async with served.dial(a_token("j1", worker_id="bot#1")) as runner:
        await runner.send('{"event": "hello"}')
        assert await events(line, 2) == [RunnerDialled(1, "j1", "bot#1"), RunnerFrame(1, '{"event": "hello"}')]
        line.send(1, '{"event":"state"}')
        line.send(2, "for a bridge that is not there")
        line.send(1, "last")
        line.close_bridge(1, 1000)
        assert [await runner.recv(), await runner.recv()] == ['{"event":"state"}', "last"]
        assert await close_code(runner) == 1000


async def test_a_runner_that_is_cut_off_is_gone_at_once(line_of: tuple[Served, Line]) -> None:
    served, line = line_of
    async with served.dial(a_token("j1")) as runner:
        await line.next()
        runner.transport.abort()
        assert await line.next() == RunnerClosed(1, 1006)


async def test_one_bridge_is_live_at_a_time_and_a_redial_is_let_in(line_of: tuple[Served, Line]) -> None:
    served, line = line_of
    token = a_token("j1")
    async with served.dial(token) as first:
        await line.next()
        async with served.dial(token) as second:
            assert await close_code(second) == 4009
        await first.close()
        assert await line.next() == RunnerClosed(1, 1000)
        async with served.dial(token) as third:
            assert await line.next() == RunnerDialled(2, "j1", "w")
            line.send(2, "hi")
            assert await third.recv() == "hi"


async def test_a_job_that_was_passed_over_is_refused_and_another_is_not(line_of: tuple[Served, Line]) -> None:
    served, line = line_of
    line.pass_over("j1")
    async with served.dial(a_token("j2")) as second:
        await line.next()
        line.close_bridge(1, 1000)
        assert await close_code(second) == 1000
    async with served.dial(a_token("j1")) as first:
        assert await close_code(first) == 4003


async def test_after_the_call_every_dial_is_refused(line_of: tuple[Served, Line]) -> None:
    served, line = line_of
    async with served.dial(a_token("j1")) as runner:
        await line.next()
        await asyncio.gather(line.close(), close_code(runner))
        assert runner.close_code == 1000
    await eventually(lambda: not served.hub.is_open(CALL))
    async with served.dial(a_token("j1")) as late:
        assert await close_code(late) == 4003


async def test_a_frame_that_the_sdk_cannot_receive_is_refused_before_it_is_sent(line_of: tuple[Served, Line]) -> None:
    served, line = line_of
    async with served.dial(a_token("j1")) as runner:
        await line.next()
        with pytest.raises(FrameTooLong):
            line.send(1, "ß" * (MOST_BYTES_OF_A_FRAME // 2) + "x")
        line.send(1, "ß" * (MOST_BYTES_OF_A_FRAME // 2))
        assert len(await runner.recv()) == MOST_BYTES_OF_A_FRAME // 2


@pytest.mark.parametrize(
    "token",
    [
        "",
        "no-token",
        a_token("j1", expires_in_s=-1),
        a_token("j1", call_id="SCL_2"),
        a_token("j1", key=b"another key of more than thirty-two bytes"),
    ],
    ids=["none", "no token", "expired", "of another call", "of another key"],
)
async def test_a_token_that_does_not_open_the_call_is_refused(token: str) -> None:
    async with a_hub() as served:
        served.hub.open(CALL)
        async with served.dial(token) as runner:
            assert await close_code(runner) == 4003


async def test_a_call_that_is_not_here_is_refused() -> None:
    async with a_hub() as served, served.dial(a_token("j1")) as runner:
        assert await close_code(runner) == 4003


async def test_a_runner_of_another_attempt_is_refused() -> None:
    async with a_hub() as served, aiohttp.ClientSession() as http:
        async with attached(http, f"http://127.0.0.1:{served.port}", CALL, SECRET, attempt=2):
            async with served.dial(a_token("j1")) as runner:
                assert await close_code(runner) == 4003
        await eventually(lambda: not served.hub.is_open(CALL))
        line = served.hub.open(CALL, attempt=1)
        async with served.dial(a_token("j1")):
            assert await line.next() == RunnerDialled(1, "j1", "w")


async def test_a_runner_that_answers_no_ping_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.bridge.hub.PING_EVERY_S", 0.05)
    async with a_hub() as served, aiohttp.ClientSession() as http:
        line = served.hub.open(CALL)
        url = f"http://127.0.0.1:{served.port}/bridge/{CALL}?token={a_token('j1')}"
        async with http.ws_connect(url, autoping=False):
            assert await events(line, 2) == [RunnerDialled(1, "j1", "w"), RunnerClosed(1, 1006)]


async def test_a_runner_that_floods_an_unread_line_is_let_go_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_hub() as served:
        monkeypatch.setattr("speech.bridge.hub.MOST_UNREAD", 2)
        line = served.hub.open(CALL)
        async with served.dial(a_token("j1")) as runner:
            for _ in range(10):
                await runner.send("{}")
            await asyncio.gather(line.close(), close_code(runner))
            assert runner.close_code == 1000


async def test_of_two_tokens_the_last_one_counts() -> None:
    async with a_hub() as served:
        line = served.hub.open(CALL)
        async with served.dial(a_token("j1"), query="token=old&"):
            assert await line.next() == RunnerDialled(1, "j1", "w")


async def test_a_call_is_run_by_one() -> None:
    async with a_hub() as served, aiohttp.ClientSession() as http:
        served.hub.open(CALL)
        with pytest.raises(LineTaken):
            served.hub.open(CALL)
        async with attached(http, f"http://127.0.0.1:{served.port}", CALL, SECRET) as line:
            with pytest.raises(LineLost):
                await line.next()


async def test_each_speech_worker_of_a_call_has_a_line_of_its_own() -> None:
    """The agent that has a call, and the one to which it is handed over, may be jobs of one machine."""
    async with a_hub() as served, aiohttp.ClientSession() as http:
        hub_url = f"http://127.0.0.1:{served.port}"
        async with (
            attached(http, hub_url, CALL, SECRET, 1, 1) as first,
            attached(http, hub_url, CALL, SECRET, 1, 2) as second,
            websockets.connect(f"ws://127.0.0.1:{served.port}/bridge/{path_of(CALL, 1)}?token={a_token('j1')}"),
            websockets.connect(f"ws://127.0.0.1:{served.port}/bridge/{path_of(CALL, 2)}?token={a_token('j2')}"),
        ):
            assert await first.next() == RunnerDialled(1, "j1", "w")
            assert await second.next() == RunnerDialled(1, "j2", "w")
            async with websockets.connect(
                f"ws://127.0.0.1:{served.port}/bridge/{path_of(CALL, 3)}?token={a_token('j3')}"
            ) as nobodys:
                assert await close_code(nobodys) == 4003
        await eventually(lambda: not served.hub.is_open(CALL, 1) and not served.hub.is_open(CALL, 2))
        assert served.lost_jobs == []


async def test_a_job_without_the_secret_gets_no_line() -> None:
    async with a_hub() as served, aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with attached(http, f"http://127.0.0.1:{served.port}", CALL, "a guess"):
                pass


async def test_a_job_that_dies_takes_its_bridge_along_and_is_told_of() -> None:
    async with a_hub() as served:
        async with aiohttp.ClientSession() as http:
            job = await http.ws_connect(
                f"http://127.0.0.1:{served.port}/attach/{CALL}", headers={"Authorization": f"Bearer {SECRET}"}
            )
            async with served.dial(a_token("j1")) as runner:
                await job.receive()
                assert job._response.connection is not None
                transport = job._response.connection.transport
                assert isinstance(transport, asyncio.Transport)
                transport.abort()
                assert await close_code(runner) == 1011
        assert served.lost_jobs == [(CALL, None)]
        await eventually(lambda: not served.hub.is_open(CALL))


async def test_a_job_that_fails_in_its_call_is_told_of_as_one_that_died() -> None:
    async with a_hub() as served, aiohttp.ClientSession() as http:
        with pytest.raises(RuntimeError, match="no such sound"):
            async with attached(http, f"http://127.0.0.1:{served.port}", CALL, SECRET, 1, 2) as line:
                async with served.dial(a_token("j1"), path_of(CALL, 2)) as runner:
                    assert isinstance(await line.next(), RunnerDialled)
                    await line.close(is_lost=True)
                    assert await close_code(runner) == 1011
                raise RuntimeError("no such sound")
        assert served.lost_jobs == [(CALL, 2)]
        with contextlib.suppress(RuntimeError):
            async with attached(http, f"http://127.0.0.1:{served.port}", CALL, SECRET, 1, 3):
                raise RuntimeError
        await eventually(lambda: served.lost_jobs == [(CALL, 2), (CALL, 3)])


async def test_a_job_that_ends_its_call_is_not_lost() -> None:
    async with a_hub() as served, aiohttp.ClientSession() as http:
        async with attached(http, f"http://127.0.0.1:{served.port}", CALL, SECRET):
            pass
        await eventually(lambda: not served.hub.is_open(CALL))
        assert served.lost_jobs == []
