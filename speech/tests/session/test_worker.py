"""The whole worker: a real job process takes a call, the official AgentRunner dials the hub of the main process."""

import asyncio
from typing import Any

import aiohttp
import pytest
from unpod.connectivity.call_context import CallContext

from speech.tests.session.control_plane import metadata
from speech.tests.session.whole_worker import a_worker
from tests.contract.bridge.rig import CALL

pytestmark = pytest.mark.anyio

LONGEST_S = 60


async def test_a_call_is_taken_greeted_and_ended_by_its_agent() -> None:
    reached = asyncio.Event()
    seen: list[Any] = []

    async def greets_and_ends(ctx: CallContext) -> None:
        reached.set()

        @ctx.session.on("state")
        async def keep(event: Any) -> None:
            seen.append(event.model_extra)

        await ctx.session.say("Hello. Goodbye.")
        await ctx.session.end("done")
        await ctx.session.run()

    async with asyncio.timeout(LONGEST_S), a_worker(greets_and_ends) as worker:
        await worker.take(metadata(worker.url))
        await reached.wait()
        async with aiohttp.ClientSession() as http:
            health = await (await http.get(worker.bridge_base.replace("ws:", "http:") + "/health")).json()
        assert health == {"status": "ok", "places": 4, "in_use": 1}
        await worker.idle()
        reports = worker.plane.control.reports
        assert [event["type"] for event in reports] == ["ready", "hang_up", "transcript", "usage"]
        assert reports[0]["can_report"] == ["user_spoke", "silence", "voicemail", "transcript", "dtmf"]
        assert reports[1]["reason"] == "done"
        assert seen[-1] == {"end_reason": "AGENT_HUNG_UP", "status": "completed", "call_id": CALL}
        assert [turn["content"] for turn in reports[2]["turns"]] == ["Hello. Goodbye."]
        (spoken,) = [used for used in reports[3]["usage"]["models"] if used["type"] == "tts_usage"]
        assert spoken["provider"] == "local" and spoken["characters_count"] == len("Hello. Goodbye.")


async def test_a_voice_that_cannot_be_served_is_told_before_anybody_is_rung() -> None:
    async with asyncio.timeout(LONGEST_S), a_worker() as worker:
        await worker.take(metadata(worker.url, voice_profile_id="VP_9"))
        await worker.idle()
        (told,) = worker.plane.control.reports
        assert told == {
            "type": "hang_up",
            "reason": "failed: VP_9.voice_profile_id: is no profile of this worker",
        }


async def test_a_draining_worker_lets_its_call_go_on_to_its_end() -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def talks_until_told(ctx: CallContext) -> None:
        begun.set()
        await may_end.wait()
        await ctx.session.end("done")
        await ctx.session.run()

    async with asyncio.timeout(LONGEST_S), a_worker(talks_until_told) as worker:
        await worker.take(metadata(worker.url))
        await begun.wait()
        draining = asyncio.create_task(worker.server.drain())
        await asyncio.wait({draining}, timeout=0.3)
        assert worker.server.draining and not draining.done()
        may_end.set()
        await draining
        assert worker.plane.control.reported("hang_up")[0]["reason"] == "done"
