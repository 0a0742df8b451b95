"""The worker's session in sound: a microphone and an ear, the real VAD, an ear of fixed texts and a mouth that makes
tones."""

import asyncio

import pytest
from livekit.agents import APIError, stt
from livekit.agents.voice.events import ErrorEvent
from unpod.connectivity.call_context import CallContext

from speech.tests.session.rig import SessionRig, a_session_with
from speech.tests.session.sound import HZ, BrokenMouth, a_tone, spoken
from speech.worker.calls.quiet import LOOKS_EVERY_S
from tests.contract.bridge.rig import Echo, eventually

pytestmark = pytest.mark.anyio

STORY = "Once upon a time there was a small telephone that nobody ever called, and it waited and waited. " * 3


async def echoes(ctx: CallContext) -> None:
    ctx.session.dialog_machine = Echo()
    await ctx.session.run()


async def tells_a_story(ctx: CallContext) -> None:
    ctx.session.dialog_machine = Echo()
    await ctx.session.say(STORY)
    await ctx.session.run()


async def answered(rig: SessionRig) -> None:
    await rig.driver.ready.wait()
    rig.driver.answered()


async def test_what_is_said_becomes_a_turn_and_the_reply_is_heard(speech: bytes) -> None:
    async with a_session_with(echoes, hears=["what is the time"]) as rig:
        await answered(rig)
        rig.speaks.speak(speech)
        await eventually(lambda: "you said what is the time" in rig.reads.text.replace("\n", ""))
        assert len(rig.hears.sounds_at) == 1
        assert [event["type"] for event in rig.control.reports] == ["ready", "user_spoke"]
        assert rig.voice.latencies.report()["turns"] == 1


async def test_who_speaks_into_the_agents_speech_is_heard_and_the_agent_knows_what_was_heard(speech: bytes) -> None:
    heard: list[str | None] = []

    async def story(ctx: CallContext) -> None:
        @ctx.session.on("interruption")
        async def keep(*_: object) -> None:
            heard.append("interrupted")

        await tells_a_story(ctx)

    async with a_session_with(story, hears=["stop please"]) as rig:
        await answered(rig)
        await eventually(lambda: len(rig.reads.text) > 20)
        rig.speaks.speak(speech)
        await eventually(lambda: "you said stop please" in rig.reads.text.replace("\n", ""))
        rig.driver.over("USER_HUNG_UP_IN_CALL", "completed")
        await rig.over()
        (transcript,) = rig.control.reported("transcript")
        told = [(turn["role"], turn["content"]) for turn in transcript["turns"]]
        assert [role for role, _ in told] == ["agent", "user", "agent"]
        story_heard = told[0][1]
        assert story_heard and STORY.startswith(story_heard) and len(story_heard) < len(STORY) / 2
        assert told[1:] == [("user", "stop please"), ("agent", "you said stop please")]


async def test_silence_is_asked_into_and_then_ends_the_call() -> None:
    async with a_session_with(echoes, SPEECH_SILENCE_ASK_S="0.2", SPEECH_SILENCE_END_S="0.2") as rig:
        await answered(rig)
        watching = asyncio.create_task(rig.quiet.run())
        await rig.over()
        watching.cancel()
        assert rig.phone.hung_up_for == "silence"
        assert "Are you still there?" in rig.reads.text
        first, last = rig.control.reported("silence")
        assert 0 < first["silent_s"] < last["silent_s"]


async def test_who_waits_for_somebody_to_be_called_in_is_not_asked_and_not_cut_off() -> None:
    async with a_session_with(echoes, SPEECH_SILENCE_ASK_S="0.1", SPEECH_SILENCE_END_S="0.1") as rig:
        await answered(rig)
        rig.phone.is_handing_over = True
        watching = asyncio.create_task(rig.quiet.run())
        await asyncio.sleep(3 * LOOKS_EVERY_S)
        assert (rig.phone.hung_up_for, rig.reads.text) == (None, "")
        rig.phone.is_handing_over = False
        await rig.over()
        watching.cancel()
        assert rig.phone.hung_up_for == "silence"


async def test_after_a_hang_up_that_is_refused_the_silence_begins_anew() -> None:
    async with a_session_with(echoes, SPEECH_SILENCE_ASK_S="0.2", SPEECH_SILENCE_END_S="0.2") as rig:
        await answered(rig)
        rig.control.is_handing_over = True
        watching = asyncio.create_task(rig.quiet.run())
        await eventually(lambda: rig.control.reported("hang_up"))
        await eventually(lambda: not rig.driver.is_ending)
        assert rig.phone.hung_up_for is None
        rig.control.is_handing_over = False
        await rig.over()
        watching.cancel()
        assert rig.phone.hung_up_for == "silence"
        told = [event["type"] for event in rig.control.reports if event["type"] != "transcript"]
        assert told == ["ready", *["silence", "silence", "hang_up"] * 2]
        assert rig.reads.text.count("Are you still there?") == 2


@pytest.mark.parametrize(
    ("error", "reason"), [(ValueError("a field is missing"), "failed: speech"), (APIError("try again"), None)]
)
async def test_an_ear_that_fails_for_good_ends_the_call_as_failed(error: Exception, reason: str | None) -> None:
    """livekit-agents opens the stream anew after an error of its own kind alone."""
    async with a_session_with(echoes) as rig:
        await answered(rig)
        failed = stt.STTError(timestamp=0, label="ear", error=error, recoverable=False)
        rig.session.emit("error", ErrorEvent(error=failed, source=rig.session.stt))
        if reason is not None:
            await rig.over()
        assert rig.phone.hung_up_for == reason


async def test_speech_that_is_not_to_be_had_ends_the_call_as_failed() -> None:
    async def says_two_things(ctx: CallContext) -> None:
        await ctx.session.say("Hello.")
        await ctx.session.say("Is this a good time?")
        await ctx.session.run()

    async with a_session_with(says_two_things, mouth=BrokenMouth()) as rig:
        await answered(rig)
        await rig.over()
        assert rig.phone.hung_up_for == "failed: speech"


async def test_a_greeting_and_its_tone_are_told_with_what_shows_them(speech: bytes) -> None:
    async with a_session_with(echoes, hears=["you have reached somebody"]) as rig:
        await answered(rig)
        rig.answering.answered()
        rig.speaks.speak(speech + speech + bytes(HZ) + a_tone(0.6, 1000) + bytes(HZ))
        await eventually(lambda: bool(rig.control.reported("voicemail")))
        (report,) = rig.control.reported("voicemail")
        assert report["why"] == "a tone of 1000 Hz after a greeting"


@pytest.fixture(scope="module")
def speech() -> bytes:
    """Two seconds in which the VAD hears a voice."""
    return spoken("please tell me what the time is")
