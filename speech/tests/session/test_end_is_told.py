"""The control plane's word on why a call is over, asked for when the leg has gone."""

from typing import Any

import aiohttp
import pytest
from aiohttp import web

from speech.bridge.hub import serving
from speech.bridge.model.outcome import Outcome
from speech.worker.calls import outcome
from speech.worker.calls.outcome import told

pytestmark = pytest.mark.anyio


class Plane:
    """Answers these, one after another; the last again."""

    def __init__(self, *answers: Any) -> None:
        self.answers = [*answers]
        self.asked: list[Any] = []

    async def events(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer t"
        self.asked.append(await request.json())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=500) if answer is None else web.json_response(answer)


@pytest.fixture(autouse=True)
def _asks_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "ASKED_AGAIN_AFTER_S", (0, 0, 0))


async def asked(plane: Plane) -> Outcome | None:
    async with aiohttp.ClientSession() as http, serving([web.post("/events", plane.events)], "127.0.0.1") as port:
        return await told(http, f"http://127.0.0.1:{port}/events", "t")


NOT_YET: dict[str, Any] = {"results": [], "status": "active", "end_reason": None}


async def test_it_is_asked_until_it_knows() -> None:
    plane = Plane(NOT_YET, NOT_YET, {"status": "failed", "end_reason": "VOICEMAIL_DETECTED_PRECONNECT"})
    assert await asked(plane) == Outcome("VOICEMAIL_DETECTED_PRECONNECT", "failed")
    assert plane.asked == [{"events": []}] * 3


async def test_an_attempt_that_is_over_has_failed_while_its_call_waits_for_the_next() -> None:
    assert await asked(Plane({"status": "pending", "end_reason": "SIP_FAILED_CAPACITY"})) == Outcome(
        "SIP_FAILED_CAPACITY", "failed"
    )


@pytest.mark.parametrize("answer", [NOT_YET, None, [], {"status": "completed"}])
async def test_what_is_not_known_in_time_is_not_made_up(answer: Any) -> None:
    plane = Plane(answer)
    assert await asked(plane) is None
    assert len(plane.asked) == 4
