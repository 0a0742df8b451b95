"""What is told of the requests to LiveKit: how many, how long they took, and which were refused."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from ringline.telephony.asking.meter import RequestMeter


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_requests_and_their_lag_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    meter = RequestMeter()
    meter.note("CreateRoom", 0.02, 200)
    meter.note("ListParticipants", 0.004, 200)
    meter.note("CreateSIPParticipant", 14.0, 200)
    meter.tell()
    (line,) = told(capsys)
    assert line["LivekitRequests"] == [3] and line["LivekitLag"] == [20, 4], "a dial waits for its phone"
    assert line["requests"] == {"CreateRoom": 1, "ListParticipants": 1, "CreateSIPParticipant": 1}
    assert "LivekitRefused" not in line
    (metrics,) = line["_aws"]["CloudWatchMetrics"]
    assert metrics["Dimensions"] == [[]] or not any(set(each) - {"service"} for each in metrics["Dimensions"])


def test_what_livekit_does_not_take_or_answer_is_counted_and_a_busy_phone_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    meter = RequestMeter()
    meter.note("CreateRoom", 0.01, 429)
    meter.note("DeleteRoom", 5.0, None)
    meter.note("CreateSIPParticipant", 3.0, 429)
    meter.tell()
    assert [line["LivekitRefused"] for line in told(capsys)] == [[2]]


def test_a_session_that_goes_on_tells_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    meter = RequestMeter()
    for _ in range(120):
        meter.note("ListParticipants", 0.003, 200)
    assert [line["LivekitRequests"] for line in told(capsys)] == [[50], [50]]
    meter.tell()
    meter.tell()
    assert [line["LivekitRequests"] for line in told(capsys)] == [[20]], "what was told is not told again"


def test_every_request_of_a_session_is_heard(capsys: pytest.CaptureFixture[str]) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=429 if request.path.endswith("DeleteRoom") else 200)

    async def asking() -> None:
        app = web.Application()
        app.router.add_post("/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port, meter = runner.addresses[0][1], RequestMeter()
        async with aiohttp.ClientSession(trace_configs=[meter.listener()]) as session:
            for method in ("CreateRoom", "DeleteRoom"):
                async with session.post(f"http://127.0.0.1:{port}/twirp/livekit.RoomService/{method}"):
                    pass
            await runner.cleanup()
            with pytest.raises(aiohttp.ClientError):
                await session.post(f"http://127.0.0.1:{port}/twirp/livekit.RoomService/ListRooms")
        meter.tell()

    asyncio.run(asking())
    (line,) = told(capsys)
    assert line["requests"] == {"CreateRoom": 1, "DeleteRoom": 1, "ListRooms": 1}
    assert (line["LivekitRequests"], line["LivekitRefused"], len(line["LivekitLag"])) == ([3], [2], 3)
