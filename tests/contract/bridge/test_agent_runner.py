"""The official AgentRunner takes calls over the bridge, unchanged."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from unpod.connectivity.call_context import CallContext

from examples.attach_end_reason import attach_end_reason
from speech.bridge.model.call import CallFacts
from tests.contract.bridge.rig import AGENT, CALL, Echo, Rig, a_call_with, eventually

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_three_turns_and_the_reason_of_the_end_is_seen() -> None:
    seen: list[Any] = []

    async def entrypoint(ctx: CallContext) -> None:
        @ctx.session.on("state")
        async def keep(event: Any) -> None:
            seen.append(event.model_extra)

        seen.append(ctx)
        ctx.session.dialog_machine = Echo()
        await ctx.session.run()

    async with a_call_with(entrypoint) as rig:
        await rig.driver.ready.wait()
        rig.driver.answered()
        for text in ("one", "two", "three"):
            rig.driver.user_said(text)
            await rig.telephone.hears(f"you said {text}")
        rig.driver.over("USER_HUNG_UP_IN_CALL", "completed")
        done = await rig.over()
        assert done.end_reason == "USER_HUNG_UP_IN_CALL"
        await eventually(lambda: len(seen) > 1 and "end_reason" in (seen[-1] or {}))
    context = seen[0]
    assert (context.call_id, context.user_number, context.direction) == (CALL, "+15550100", "outbound")
    assert seen[-1] == {"end_reason": "USER_HUNG_UP_IN_CALL", "status": "completed", "call_id": CALL}
    assert [event["type"] for event in rig.control.reports] == ["ready", "user_spoke", "transcript"]


async def test_what_the_entrypoint_says_is_held_until_the_answer() -> None:
    said = asyncio.Event()

    async def entrypoint(ctx: CallContext) -> None:
        await ctx.session.say("Hello, this is Bot.")
        said.set()
        await ctx.session.run()

    async with a_call_with(entrypoint) as rig:
        await rig.driver.ready.wait()
        await said.wait()
        rig.driver.user_spoke()
        await until_handled(rig)
        assert rig.telephone.heard == []
        rig.driver.answered()
        await rig.telephone.hears("Hello, this is Bot.")


async def test_barge_in_tells_the_agent_what_was_heard() -> None:
    echo = Echo()
    interrupted = asyncio.Event()

    async def entrypoint(ctx: CallContext) -> None:
        @ctx.session.on("interruption")
        async def note() -> None:
            interrupted.set()

        ctx.session.dialog_machine = echo
        await ctx.session.run()

    async with a_call_with(entrypoint) as rig:
        rig.telephone.is_slow = True
        rig.driver.answered()
        turn = rig.driver.user_said("a long story")
        await rig.telephone.until(lambda: rig.telephone.speaks.get(turn) == "you said a long story")
        await until_handled(rig)
        rig.telephone.stop()
        rig.driver.interrupted("you said")
        rig.telephone.is_slow = False
        rig.driver.user_said("stop")
        await rig.telephone.hears("you said stop")
        assert interrupted.is_set()
        assert echo.marked == ["you said"]
        rig.driver.over("USER_HUNG_UP_IN_CALL", "completed")
        await rig.over()
        (transcript,) = rig.control.reported("transcript")
        assert [turn["content"] for turn in transcript["turns"]] == [
            "a long story",
            "you said",
            "stop",
            "you said stop",
        ]


async def test_barge_in_stops_a_reply_that_still_streams() -> None:
    class Endless(Echo):
        async def stream(
            self, text: str, context: dict[str, Any] | None = None, language: str | None = None
        ) -> AsyncIterator[str]:
            if text == "stop":
                yield "stopped"
                return
            yield "la "
            await asyncio.Event().wait()

    async def entrypoint(ctx: CallContext) -> None:
        ctx.session.dialog_machine = Endless()
        await ctx.session.run()

    async with a_call_with(entrypoint) as rig:
        rig.driver.answered()
        turn = rig.driver.user_said("sing")
        await rig.telephone.until(lambda: rig.telephone.speaks.get(turn) == "la ")
        rig.telephone.stop()
        rig.driver.interrupted("la")
        rig.driver.user_said("stop")
        await rig.telephone.hears("stopped")


async def test_the_call_is_hung_up_after_the_last_words_were_heard() -> None:
    async def entrypoint(ctx: CallContext) -> None:
        @ctx.session.on("user_turn")
        async def goodbye(text: str) -> None:
            await ctx.session.say("Goodbye.")
            await ctx.session.end("goodbye")

        await ctx.session.run()

    async with a_call_with(entrypoint) as rig:
        rig.telephone.is_slow = True
        await rig.driver.ready.wait()
        rig.driver.answered()
        rig.driver.user_said("bye")
        await rig.telephone.until(lambda: "Goodbye." in rig.telephone.speaks.values())
        await until_handled(rig)
        assert rig.telephone.hung_up_for is None
        rig.telephone.play_all()
        await rig.over()
        assert rig.telephone.heard == ["Goodbye."]
        assert rig.control.reported("hang_up") == [{"type": "hang_up", "reason": "goodbye"}]


async def test_an_adapter_that_is_complete_ends_the_call() -> None:
    class Once(Echo):
        is_complete = True

    async def entrypoint(ctx: CallContext) -> None:
        ctx.session.dialog_machine = Once()
        await ctx.session.run()

    async with a_call_with(entrypoint) as rig:
        rig.driver.answered()
        rig.driver.user_said("hello")
        await rig.over()
        assert (rig.telephone.heard, rig.telephone.hung_up_for) == (["you said hello"], "completed")
        assert [why for _, why in rig.control.asked] == ["join"]


async def test_a_transfer_that_is_not_allowed_is_refused_and_the_call_goes_on() -> None:
    told: list[Any] = []

    async def entrypoint(ctx: CallContext) -> None:
        @ctx.session.on("state")
        async def keep(event: Any) -> None:
            told.append((event.model_extra or {}).get("transfer_result"))

        @ctx.session.on("user_turn")
        async def transfer(text: str) -> None:
            if text.startswith("+"):
                await ctx.session.transfer(text)

        ctx.session.dialog_machine = Echo()
        await ctx.session.run()

    facts = CallFacts(CALL, AGENT, transfer_numbers=("+15550111",), transfer_prefixes=())
    async with a_call_with(entrypoint, facts=facts) as rig:
        rig.driver.answered()
        for number in ("+15550199", "+15550111"):
            rig.driver.user_said(number)
            await rig.telephone.hears(f"you said {number}")
        rig.driver.user_said("and now?")
        await rig.telephone.hears("you said and now?")
        assert [transfer.target for transfer in rig.telephone.transfers] == ["+15550111"]
    results = [each for each in told if each is not None]
    assert results == [
        {"target": "+15550199", "result": "refused", "why": "not_allowed"},
        {"target": "+15550111", "result": "failed", "why": "busy"},
    ]


async def test_a_runner_killed_in_an_unanswered_turn_is_followed_by_another() -> None:
    contexts: list[CallContext] = []

    class Stuck(Echo):
        async def stream(
            self, text: str, context: dict[str, Any] | None = None, language: str | None = None
        ) -> AsyncIterator[str]:
            if text == "two":
                kill(contexts[0])
                return
            yield f"first: {text}"

    async def first(ctx: CallContext) -> None:
        contexts.append(ctx)
        ctx.session.dialog_machine = Stuck()
        await ctx.session.run()

    async def second(ctx: CallContext) -> None:
        contexts.append(ctx)
        ctx.session.dialog_machine = Echo()
        await ctx.session.run()

    async with a_call_with(first, second) as rig:
        rig.driver.answered()
        rig.driver.user_said("one")
        await rig.telephone.hears("first: one")
        rig.driver.user_said("two")
        await rig.telephone.hears("you said two")
        rig.driver.over("USER_HUNG_UP_IN_CALL", "completed")
        await rig.over()
        assert [why for _, why in rig.control.asked] == ["join", "lost"]
    assert contexts[1].data == {
        "agent_id": AGENT,
        "resumed": True,
        "turns": [{"role": "user", "content": "one"}, {"role": "agent", "content": "first: one"}],
    }
    assert contexts[0].call_id == contexts[1].call_id == CALL
    assert rig.control.reported("ready") == [{"type": "ready", "can_report": ["user_spoke", "transcript"]}]


async def test_the_last_runner_killed_ends_the_call_as_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.bridge.rules.seeking.GRACE_MS", 300)

    async def entrypoint(ctx: CallContext) -> None:
        kill(ctx)
        await ctx.session.run()

    async with a_call_with(entrypoint) as rig:
        await rig.over()
        assert rig.telephone.hung_up_for == "agent_failed"


async def test_an_entrypoint_that_raises_three_times_loses_the_call_to_another_runner() -> None:
    tries: list[str] = []

    async def broken(ctx: CallContext) -> None:
        tries.append(ctx.call_id)
        raise RuntimeError("no model")

    async def sound(ctx: CallContext) -> None:
        ctx.session.dialog_machine = Echo()
        await ctx.session.run()

    async with a_call_with(broken, sound) as rig:
        rig.driver.answered()
        rig.driver.user_said("anybody?")
        await rig.telephone.hears("you said anybody?")
        assert len(tries) == 3
        assert [why for _, why in rig.control.asked] == ["join", "lost"]


async def test_an_entrypoint_that_raises_once_keeps_the_call() -> None:
    contexts: list[CallContext] = []

    async def shaky(ctx: CallContext) -> None:
        contexts.append(ctx)
        await ctx.session.say(f"Hello {len(contexts)}")
        if len(contexts) == 1:
            raise RuntimeError("cold cache")
        ctx.session.dialog_machine = Echo()
        await ctx.session.run()

    async with a_call_with(shaky) as rig:
        await rig.driver.ready.wait()
        await eventually(lambda: len(contexts) == 2)
        rig.driver.answered()
        rig.driver.user_said("still there?")
        await rig.telephone.hears("you said still there?")
        assert rig.telephone.heard == ["Hello 2", "you said still there?"]
        assert [why for _, why in rig.control.asked] == ["join"]
    assert "resumed" not in contexts[1].data


async def test_an_entrypoint_that_returns_has_ended_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.bridge.rules.seeking.REDIAL_MS", 50)

    async def entrypoint(ctx: CallContext) -> None:
        await ctx.session.say("Nobody is here. Goodbye.")

    async with a_call_with(entrypoint) as rig:
        rig.driver.answered()
        await rig.over()
        assert rig.telephone.heard == ["Nobody is here. Goodbye."]
        assert rig.telephone.hung_up_for == "agent_left"
        assert [why for _, why in rig.control.asked] == ["join"]


async def test_orders_hidden_in_say_are_obeyed_and_never_spoken() -> None:
    async def entrypoint(ctx: CallContext) -> None:
        await ctx.session.recording.pause("card number")
        await ctx.session.recording.resume()
        await ctx.session.set_filler("One moment.")
        ctx.session.dialog_machine = Echo()
        await ctx.session.run()

    async with a_call_with(entrypoint) as rig:
        rig.driver.answered()
        rig.driver.user_said("hi")
        await rig.telephone.hears("you said hi")
        assert rig.telephone.recording == ["pause card number", "resume"]
        assert rig.telephone.heard == ["you said hi"]


async def test_a_filler_is_said_where_the_agent_thinks_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.bridge.rules.speaking.FILLER_AFTER_MS", 30)

    class Slow(Echo):
        async def stream(
            self, text: str, context: dict[str, Any] | None = None, language: str | None = None
        ) -> AsyncIterator[str]:
            await filled.wait()
            yield "Now."

    filled = asyncio.Event()

    async def entrypoint(ctx: CallContext) -> None:
        await ctx.session.set_filler("One moment.")
        ctx.session.dialog_machine = Slow()
        await ctx.session.run()

    async with a_call_with(entrypoint) as rig:
        rig.driver.answered()
        rig.driver.user_said("hi")
        await rig.telephone.hears("One moment.")
        filled.set()
        await rig.telephone.hears("Now.")
        rig.driver.over("USER_HUNG_UP_IN_CALL", "completed")
        await rig.over()
        (transcript,) = rig.control.reported("transcript")
        assert [turn["content"] for turn in transcript["turns"]] == ["hi", "Now."]


async def test_the_example_keeps_the_reason_for_the_hook_that_wants_it() -> None:
    kept: list[Any] = []

    async def entrypoint(ctx: CallContext) -> None:
        attach_end_reason(ctx)

        @ctx.session.on("call_end")
        async def on_end(final_state: str) -> None:
            kept.append(ctx.session.data.get("end_reason"))

        await ctx.session.run()

    async with a_call_with(entrypoint) as rig:
        await rig.driver.ready.wait()
        rig.driver.over("VOICEMAIL_DETECTED_PRECONNECT", "failed")
        await rig.over()
        await eventually(lambda: kept)
    assert kept == ["VOICEMAIL_DETECTED_PRECONNECT"]


def kill(ctx: CallContext) -> None:
    """As a killed process leaves its bridge: without a close frame."""
    ctx.session._bridge._ws.transport.abort()


async def until_handled(rig: Rig) -> None:
    """All that was told before has been handled."""
    await eventually(rig.driver._events.empty)
    await asyncio.sleep(0)
