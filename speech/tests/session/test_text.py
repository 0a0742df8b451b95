"""The worker's session in text alone, with the official AgentRunner: no room, no sound."""

import asyncio
from functools import partial

import pytest
from unpod.connectivity.call_context import CallContext

from speech.tests.session.rig import SessionRig, a_session_with
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
