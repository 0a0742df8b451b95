"""The driver carries out what the conversation wants, whatever breaks around it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringline.calls.model.transfers import standing
from ringline.calls.rules.transfers.steps import UNDER_WAY
from speech.bridge.driver import Driver, steady_clock_ms
from speech.bridge.line import FrameTooLong, LineLost
from speech.bridge.local_brain import LocalBridge, LocalBridgeClosed, ServeBrainOf
from speech.bridge.model.actions import Done, Transfer, Why
from speech.bridge.model.call import CallFacts
from speech.bridge.model.events import (
    Assigned,
    BrainAnswer,
    LineEvent,
    NoRunner,
    RunnerDialled,
    RunnerFrame,
    Served,
    TransferEnded,
)
from speech.bridge.reporting import HANDED_OVER, TRANSFER_UNDER_WAY

pytestmark = pytest.mark.anyio
CALL = CallFacts("SCL_1", "bot")
PROMPT = Served("prompt", {"instructions": "Be kind."})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class FakeLine:
    events: asyncio.Queue[LineEvent | None] = field(default_factory=asyncio.Queue)
    sent: list[str] = field(default_factory=list)
    did: list[str] = field(default_factory=list)
    states: list[Mapping[str, Any]] = field(default_factory=list)
    is_narrow: bool = False

    def told_of_transfers(self) -> list[str]:
        return [told["transfer_result"]["result"] for told in self.states if "transfer_result" in told]

    async def next(self) -> LineEvent:
        event = await self.events.get()
        if event is None:
            raise LineLost("gone")
        return event

    def send(self, bridge: int, text: str) -> None:
        if self.is_narrow:
            raise FrameTooLong("too long")
        frame = json.loads(text)
        self.sent.append(frame["event"])
        if frame["event"] == "state":
            self.states.append(frame)

    def close_bridge(self, bridge: int, code: int) -> None:
        self.did.append(f"close {bridge} {code}")

    def pass_over(self, job_id: str) -> None:
        self.did.append(f"pass over {job_id}")

    async def close(self, *, is_lost: bool = False) -> None:
        self.did.append("lost" if is_lost else "closed")

    def dial(self) -> None:
        self.events.put_nowait(RunnerDialled(1, "j1", "w"))
        self.says("hello")

    def says(self, event: str, **fields: Any) -> None:
        self.events.put_nowait(RunnerFrame(1, json.dumps({"event": event, **fields})))


@dataclass
class FakeBrain:
    answer: BrainAnswer
    asked: list[Why] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    hands_over: bool = False
    """Whether a transfer is under way."""
    is_another_agents: bool = False
    """Whether the call is by now."""
    is_silent: bool = False
    """Whether it takes what it is told, and the answers are lost."""
    is_open: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, request: int, why: Why) -> BrainAnswer:
        self.asked.append(why)
        return self.answer

    async def report(self, events: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        await self.is_open.wait()
        self.reports += [event["type"] for event in events]
        return [] if self.is_silent else [self.word_on(event) for event in events]

    def word_on(self, event: Mapping[str, Any]) -> str:
        """As `calls/rules/agent_rules.py` has it."""
        if self.is_another_agents:
            return HANDED_OVER
        is_for_silence = event["type"] == "hang_up" and str(event["reason"]).startswith(("silence", "idle"))
        return TRANSFER_UNDER_WAY if self.hands_over and is_for_silence else "applied"


@dataclass
class FakeVoice:
    did: list[str] = field(default_factory=list)
    spoke: asyncio.Event = field(default_factory=asyncio.Event)
    breaks: bool = False
    transfer_breaks: bool = False
    picks_up: asyncio.Event | None = None
    """When the target does: at once where this is None."""
    driver: Driver | None = None

    def speak(self, turn: int, text: str) -> None:
        self._do(f"speak {text}")

    def end_of_reply(self, turn: int) -> None:
        self._do("end of reply")

    def say(self, turn: int, text: str, *, filler: bool) -> None:
        self._do(f"say {text}")
        assert self.driver is not None
        self.driver.played(turn)

    def stop(self) -> None:
        self._do("stop")

    def pause_recording(self, reason: str) -> None:
        self._do(f"pause {reason}")

    def resume_recording(self) -> None:
        self._do("resume")

    async def transfer(self, transfer: Transfer) -> TransferEnded:
        self._do(f"transfer {transfer.target}")
        if self.transfer_breaks:
            raise RuntimeError("no such line")
        if self.picks_up is not None:
            await self.picks_up.wait()
        return TransferEnded(done=True)

    async def hang_up(self, reason: str) -> None:
        self._do(f"hang up {reason}")

    def leave(self) -> None:
        self._do("leave")

    def _do(self, what: str) -> None:
        self.did.append(what)
        self.spoke.set()
        if self.breaks:
            raise RuntimeError("no sound")


@dataclass
class Setting:
    line: FakeLine
    brain: FakeBrain
    voice: FakeVoice
    driver: Driver
    call: asyncio.Task[Done]
    kept: list[str]

    async def spoken(self) -> None:
        await self.voice.spoke.wait()
        self.voice.spoke.clear()


@asynccontextmanager
async def a_driver(
    *, answer: BrainAnswer | None = None, serve_brain: ServeBrainOf | None = None, within_s: float = 10
) -> AsyncIterator[Setting]:
    line, brain, voice = FakeLine(), FakeBrain(answer or Assigned("j1", "w", 2.0)), FakeVoice()
    brain.is_open.set()
    kept: list[str] = []
    voice.driver = driver = Driver(
        call=CALL, line=line, brain=brain, voice=voice, serve_brain=serve_brain, keep_turns=kept.append
    )
    setting = Setting(line, brain, voice, driver, asyncio.create_task(driver.run()), kept)
    async with asyncio.timeout(within_s):
        yield setting
    setting.call.cancel()
    await asyncio.gather(setting.call, return_exceptions=True)


async def test_a_call_from_its_first_word_to_its_end() -> None:
    async with a_driver() as setting:
        setting.line.dial()
        await setting.driver.ready.wait()
        setting.driver.answered()
        setting.line.says("agent.say", text="Hello.")
        setting.line.says("agent.say", text="__recording_pause:card")
        setting.line.says("agent.say", text="__recording_resume")
        setting.line.says("agent.transfer", target="+15550111")
        while "transfer +15550111" not in setting.voice.did:
            await setting.spoken()
        setting.driver.over("CALL_TRANSFERRED", "completed")
        assert await setting.call == Done("CALL_TRANSFERRED", "completed")
        assert setting.voice.did == ["say Hello.", "pause card", "resume", "transfer +15550111"]
        assert setting.line.did == ["close 1 1000", "closed"]
        assert setting.brain.reports == ["ready", "recording", "recording", "transcript"]


async def test_who_asks_why_the_call_ended_asks_after_what_was_said_is_reported() -> None:
    async with a_driver() as setting:
        setting.line.dial()
        await setting.driver.ready.wait()
        setting.driver.answered()
        setting.brain.is_open.clear()
        leaving = asyncio.create_task(setting.driver.other_side_left())
        await asyncio.wait({leaving}, timeout=0.05)
        assert not leaving.done()
        setting.brain.is_open.set()
        await leaving
        assert setting.brain.reports == ["ready", "transcript"]
        setting.driver.over("AGENT_HUNG_UP_VOICEMAIL_DETECTED", "completed")
        await setting.call
        assert setting.brain.reports == ["ready", "transcript"]


async def test_a_conversation_that_is_over_keeps_nobody_waiting_for_what_was_said() -> None:
    async with a_driver() as setting:
        setting.driver.over("CALL_CANCELED", "failed")
        await setting.call
        await setting.driver.other_side_left()


async def test_the_control_plane_is_told_of_the_end_before_the_voice_hangs_up() -> None:
    async with a_driver() as setting:
        setting.brain.is_open.clear()
        setting.line.dial()
        setting.driver.answered()
        setting.line.says("agent.end_call", reason="done")
        for _ in range(50):
            await asyncio.sleep(0)
        assert not setting.driver.ready.is_set(), "the control plane does not know of its brain yet"
        assert setting.voice.did == []
        setting.brain.is_open.set()
        await setting.spoken()
        assert setting.voice.did == ["hang up done"]
        assert "hang_up" in setting.brain.reports


async def test_an_agent_whose_hang_up_is_refused_speaks_on_and_may_hang_up_later() -> None:
    async with a_driver() as setting:
        setting.line.dial()
        await setting.driver.ready.wait()
        setting.driver.answered()
        setting.brain.hands_over = True
        setting.driver.end("silence")
        for _ in range(50):
            await asyncio.sleep(0)
        assert (setting.brain.reports, setting.voice.did) == (["ready", "hang_up"], [])
        assert not setting.driver.is_ending
        setting.line.says("agent.say", text="Nobody picks up there.")
        await setting.spoken()
        setting.brain.hands_over = False
        setting.driver.end("silence")
        await setting.spoken()
        assert setting.voice.did == ["say Nobody picks up there.", "hang up silence"]
        assert setting.brain.reports == ["ready", "hang_up", "hang_up"]


async def test_speech_that_fails_while_a_hang_up_is_on_its_way_ends_the_call_though_that_is_refused() -> None:
    async with a_driver() as setting:
        setting.line.dial()
        await setting.driver.ready.wait()
        setting.driver.answered()
        setting.brain.hands_over = True
        setting.brain.is_open.clear()
        setting.driver.end("silence")
        setting.driver.end("failed: speech")
        for _ in range(50):
            await asyncio.sleep(0)
        setting.brain.is_open.set()
        await setting.spoken()
        assert setting.voice.did == ["hang up failed: speech"]
        assert setting.brain.reports == ["ready", "hang_up", "hang_up"]


async def test_while_a_transfer_is_under_way_any_other_hang_up_still_ends_the_call() -> None:
    async with a_driver() as setting:
        setting.line.dial()
        setting.driver.answered()
        setting.brain.hands_over = True
        setting.line.says("agent.end_call", reason="done")
        await setting.spoken()
        assert setting.voice.did == ["hang up done"]
        assert setting.driver.is_ending


async def test_a_hang_up_that_nobody_answers_is_carried_out() -> None:
    async with a_driver() as setting:
        setting.brain.hands_over = setting.brain.is_silent = True
        setting.line.dial()
        setting.driver.answered()
        setting.driver.end("silence")
        await setting.spoken()
        assert setting.voice.did == ["hang up silence"]


async def test_a_hang_up_that_is_answered_too_late_is_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.bridge.driver.REPORTED_WITHIN_S", 0.03)
    async with a_driver() as setting:
        setting.brain.hands_over = True
        setting.brain.is_open.clear()
        setting.line.dial()
        setting.driver.answered()
        setting.driver.end("silence")
        await setting.spoken()
        assert setting.voice.did == ["hang up silence"]


@pytest.mark.parametrize("reason", ["done", "silence"])
async def test_an_agent_whose_call_is_another_agents_by_now_closes_nothing_and_goes(reason: str) -> None:
    async with a_driver() as setting:
        setting.line.dial()
        await setting.driver.ready.wait()
        setting.driver.answered()
        setting.brain.is_another_agents = True
        setting.driver.end(reason)
        await setting.spoken()
        assert setting.voice.did == ["leave"]
        assert setting.brain.reports == ["ready", "hang_up"]


def test_the_words_for_what_is_not_done_are_the_control_planes() -> None:
    assert (TRANSFER_UNDER_WAY, HANDED_OVER) == (UNDER_WAY, standing.HANDED_OVER)


async def test_a_voice_that_breaks_does_not_keep_the_runner_from_the_reason() -> None:
    async with a_driver() as setting:
        setting.voice.breaks = True
        setting.line.dial()
        setting.driver.answered()
        setting.line.says("agent.say", text="Hello.")
        await setting.spoken()
        setting.driver.over("INTERNAL_ERROR", "completed", error="no sound")
        await setting.call
        assert setting.line.sent[-2:] == ["state", "error"]


async def test_a_transfer_that_breaks_has_failed() -> None:
    async with a_driver() as setting:
        setting.voice.transfer_breaks = True
        setting.line.dial()
        setting.driver.answered()
        setting.line.says("agent.transfer", target="+15550111")
        setting.line.says("agent.end_call", reason="done")
        while "hang up done" not in setting.voice.did:
            await setting.spoken()
        assert setting.brain.reports == ["ready", "hang_up"]


async def test_a_transfer_may_take_as_long_as_all_its_targets_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_driver(within_s=1000) as setting:
        setting.voice.picks_up = asyncio.Event()
        setting.line.dial()
        setting.driver.answered()
        setting.line.says("agent.transfer", target="+15550111")
        while "transfer +15550111" not in setting.voice.did:
            await setting.spoken()
        loop = asyncio.get_running_loop()
        now_s = loop.time
        monkeypatch.setattr(loop, "time", lambda: now_s() + 360)
        for _ in range(10):
            await asyncio.sleep(0)
        assert setting.line.told_of_transfers() == []
        setting.voice.picks_up.set()
        for _ in range(10):
            await asyncio.sleep(0)
        assert setting.line.told_of_transfers() == ["completed"]


async def test_what_was_kept_before_the_line_was_lost_stays_as_it_was() -> None:
    async with a_driver() as setting:
        setting.line.dial()
        await setting.driver.ready.wait()
        setting.driver.answered()
        setting.driver.user_said("How much is it?")
        setting.line.says("agent.text.delta", text="It is")
        await setting.spoken()
        kept = [*setting.kept]
        assert json.loads(kept[-1])[0]["open"] is True
        setting.line.events.put_nowait(None)
        for _ in range(20):
            await asyncio.sleep(0)
        assert setting.brain.asked[-1] == "lost"
        assert setting.kept == kept


async def test_an_agent_that_is_ready_after_its_caller_has_fallen_back_to_another_does_not_come() -> None:
    async with a_driver() as setting:
        setting.brain.is_another_agents = True
        setting.line.dial()
        await setting.spoken()
        assert setting.voice.did == ["leave"]
        assert not setting.driver.ready.is_set()


async def test_a_frame_that_the_line_refuses_ends_nothing() -> None:
    async with a_driver() as setting:
        setting.line.is_narrow = True
        setting.line.dial()
        await setting.driver.ready.wait()
        setting.driver.over("USER_HUNG_UP_IN_CALL", "completed")
        assert (await setting.call).end_reason == "USER_HUNG_UP_IN_CALL"


async def test_time_passes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.bridge.rules.seeking.JOIN_MS", 30)
    async with a_driver(answer=NoRunner("no_runner", 0.01)) as setting:
        await setting.spoken()
        assert setting.voice.did == ["hang up agent_failed"]


async def test_a_line_that_is_lost_is_a_runner_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.bridge.rules.seeking.GRACE_MS", 30)
    async with a_driver() as setting:
        setting.line.dial()
        await setting.driver.ready.wait()
        setting.line.events.put_nowait(None)
        await setting.spoken()
        assert setting.brain.asked[:2] == ["join", "lost"]
        assert setting.voice.did == ["hang up agent_failed"]


async def test_a_brain_of_this_process_talks_as_a_runner_does() -> None:
    heard: list[str] = []

    async def serve(brain: Served, bridge: LocalBridge) -> None:
        assert brain == PROMPT
        await bridge.send(json.dumps({"event": "hello"}))
        await bridge.send(json.dumps({"event": "agent.say", "text": "Hello."}))
        while True:
            heard.append(json.loads(await bridge.recv())["event"])

    async with a_driver(answer=PROMPT, serve_brain=serve) as setting:
        await setting.driver.ready.wait()
        setting.driver.answered()
        await setting.spoken()
        setting.driver.over("USER_HUNG_UP_IN_CALL", "completed")
        await setting.call
        assert setting.voice.did == ["say Hello."]
        assert (heard[:2], heard[-1]) == (["hello.ack", "call.started"], "state")
        assert setting.line.sent == []


async def test_a_brain_of_this_process_that_breaks_is_served_again() -> None:
    served: list[LocalBridge] = []

    async def serve(brain: Served, bridge: LocalBridge) -> None:
        served.append(bridge)
        await bridge.send(json.dumps({"event": "hello"}))
        if len(served) == 1:
            raise RuntimeError("the endpoint is gone")
        await bridge.send(json.dumps({"event": "agent.say", "text": "I am back."}))
        await bridge.recv()
        await bridge.close()

    async with a_driver(answer=PROMPT, serve_brain=serve) as setting:
        setting.driver.answered()
        await setting.spoken()
        assert setting.voice.did[0] == "say I am back."
        assert setting.brain.asked == ["join", "lost"]
        with pytest.raises(LocalBridgeClosed):
            await served[0].send("{}")


async def test_a_brain_that_nobody_serves_ends_the_call() -> None:
    async with a_driver(answer=PROMPT) as setting:
        await setting.spoken()
        assert setting.voice.did == ["hang up agent_failed"]


def test_the_clock_never_runs_backwards() -> None:
    clock_ms = steady_clock_ms()
    read = [clock_ms() for _ in range(100)]
    assert read == sorted(read)
    assert read[0] > 1_600_000_000_000
