"""The worker's session in text alone, with the official AgentRunner: no room, no sound."""

import asyncio
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from unpod.connectivity.call_context import CallContext

from speech.tests.session.rig import SessionRig, a_session_with
from speech.worker.calls.call import CallInRoom
from tests.contract.bridge.rig import Echo, eventually

pytestmark = pytest.mark.anyio


def shows(rig: SessionRig, text: str) -> bool:
    return text in rig.reads.text


async def echoes(ctx: CallContext) -> None:
    ctx.session.dialog_machine = Echo()
    await ctx.session.run()


async def test_a_turn_is_answered_by_the_runner() -> None:
    async with a_session_with(echoes, with_sound=False) as rig:
        await rig.driver.ready.wait()
        rig.driver.answered()
        for text in ("hello", "goodbye"):
            await rig.voice.heard(text, "en")
            await eventually(partial(shows, rig, f"you said {text}\n"))
        rig.driver.over("USER_HUNG_UP_IN_CALL", "completed")
        assert (await rig.over()).end_reason == "USER_HUNG_UP_IN_CALL"
        (transcript,) = rig.control.reported("transcript")
        assert [(turn["role"], turn["content"]) for turn in transcript["turns"]] == [
            ("user", "hello"),
            ("agent", "you said hello"),
            ("user", "goodbye"),
            ("agent", "you said goodbye"),
        ]


async def test_a_noise_into_a_filler_leaves_no_reply_awaited_for_ever() -> None:
    async def thinks_for_long(ctx: CallContext) -> None:
        await ctx.session.run()

    async with a_session_with(thinks_for_long, with_sound=False) as rig:
        await rig.driver.ready.wait()
        rig.driver.answered()
        await rig.voice.heard("hello", "en")
        assert rig.voice.is_busy
        rig.voice.say(99, "One moment, please.", filler=True)
        await rig.voice._fall_silent()
        await eventually(lambda: not rig.voice.is_busy)


@pytest.mark.parametrize(("said", "is_with_person"), [("hello", True), ("hello", False), (None, True), (None, False)])
async def test_an_agent_that_is_put_out_for_somebody_else_tells_what_was_said_to_it(
    said: str | None, is_with_person: bool
) -> None:
    async with a_session_with(echoes, with_sound=False) as rig:
        await rig.driver.ready.wait()
        rig.driver.answered()
        if said is not None:
            await rig.voice.heard(said, "en")
            await eventually(partial(shows, rig, f"you said {said}\n"))
        gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        gone.set_result("PARTICIPANT_REMOVED")
        call = object.__new__(CallInRoom)
        call._leg = cast(Any, SimpleNamespace(gone=gone, was_put_out=True, is_with_person=is_with_person))
        call._handover = cast(Any, SimpleNamespace(is_under_way=False))
        await call._tell_end(rig.driver, rig.talk)
        told = [
            ([turn["content"] for turn in each["turns"]], each["final"]) for each in rig.control.reported("transcript")
        ]
        assert told == ([] if said is None else [(["hello", "you said hello"], is_with_person)])
        assert rig.talk.done() is (said is not None and is_with_person), "another agent goes on, and tells the rest"
        if rig.talk.done():
            assert (await rig.over()).end_reason == "CALL_TRANSFERRED"


async def test_speech_is_held_until_the_other_side_can_hear() -> None:
    said = asyncio.Event()

    async def greets(ctx: CallContext) -> None:
        await ctx.session.say("Hello, this is Bot.")
        said.set()
        await ctx.session.run()

    async with a_session_with(greets, with_sound=False) as rig:
        await rig.driver.ready.wait()
        await said.wait()
        assert not rig.voice.is_busy
        rig.driver.answered()
        await eventually(lambda: rig.reads.text == "Hello, this is Bot.\n")


async def test_the_call_is_ended_after_the_last_words() -> None:
    async def says_goodbye(ctx: CallContext) -> None:
        await ctx.session.say("Goodbye then.")
        await ctx.session.end("done")
        await ctx.session.run()

    async with a_session_with(says_goodbye, with_sound=False) as rig:
        await rig.driver.ready.wait()
        rig.driver.answered()
        await rig.over()
        assert rig.phone.hung_up_for == "done"
        assert rig.reads.text == "Goodbye then.\n"
