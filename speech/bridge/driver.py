"""Binds one conversation to its line, its brain client and its voice. Events are handled one after another."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from speech.bridge.brain import Brain
from speech.bridge.kept_turns import kept_turns
from speech.bridge.line import FrameTooLong, Line, LineLost
from speech.bridge.local_brain import LocalBrains, ServeBrainOf
from speech.bridge.model.actions import (
    Action,
    AskForBrain,
    CloseBridge,
    Done,
    EndOfReply,
    HangUp,
    Note,
    PassOver,
    PauseRecording,
    Report,
    ResumeRecording,
    Say,
    SendFrame,
    ServeBrain,
    Speak,
    StopSpeaking,
    Transfer,
    WakeAt,
)
from speech.bridge.model.call import CallFacts
from speech.bridge.model.events import (
    Answered,
    BrainAnswered,
    CallOver,
    EndWished,
    Event,
    HangUpRefused,
    Measured,
    OtherSideLeft,
    RunnerClosed,
    RunnerDialled,
    SpeechPlayed,
    Tick,
    TransferEnded,
    UserInterrupted,
    UserSaid,
    UserSilent,
    UserSpoke,
)
from speech.bridge.reporting import HANDED_OVER, TRANSFER_UNDER_WAY, Reported, Reporting
from speech.bridge.rules.conversation import Conversation
from speech.bridge.voice import Voice

REPORTED_WITHIN_S = 5.0
"""How long the last reports may take: an agent's wish to hang up before the voice does, and the transcript at the
end."""
BRAIN_ENDS_WITHIN_S = 2.0
SAID_WITHIN_S = 2.0
"""For the transcript, before it is asked why the call ended: the SDK waits ten seconds for both."""
_ABNORMAL = 1006

_log = logging.getLogger(__name__)


def steady_clock_ms() -> Callable[[], int]:
    """Milliseconds since 1970 that never run backwards, whatever happens to the machine's clock."""
    began_at = time.time() - time.monotonic()
    return lambda: round((began_at + time.monotonic()) * 1000)


class Driver:
    """`await driver.run()` from the moment the worker knows of the call. The other methods are the voice's: each puts
    an event into the conversation's queue and returns at once.

    `serve_brain` serves the brains that are no runners; without it a call that has one ends as AGENT_FAILED.
    `keep_turns` is given what was said whenever that has changed, as text that is not too long to be kept beside the
    call: who goes on after this process is lost has it in the metadata of its dispatch.
    """

    def __init__(
        self,
        *,
        call: CallFacts,
        line: Line,
        brain: Brain,
        voice: Voice,
        clock_ms: Callable[[], int] | None = None,
        serve_brain: ServeBrainOf | None = None,
        keep_turns: Callable[[str], None] | None = None,
    ) -> None:
        self.ready = asyncio.Event()
        """Set when a brain is there for the first time and the control plane knows of it: now the voice may come into
        the room. One that is there sooner counts as nobody."""
        self._call = call
        self._line = line
        self._brain = brain
        self._voice = voice
        self._clock_ms = clock_ms or steady_clock_ms()
        self._conversation = Conversation(call)
        self._local_brains = LocalBrains(self.tell, serve_brain) if serve_brain is not None else None
        self._keep_turns = keep_turns
        self._kept_changes = 0
        self._has_line = True
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._reporting = Reporting(brain)
        self._reported_hang_up: Reported | None = None
        self._wakes_at_ms: int | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._done: Done | None = None
        self._left = asyncio.Event()

    async def run(self) -> Done:
        """Runs the conversation to its end. Then the line is closed, and all reports are sent, or were tried."""
        self._begin(self._read_line())
        self._begin(self._reporting.run())
        try:
            self._do_all(self._conversation.begin(self._clock_ms()))
            while self._done is None:
                event = await self._next_event()
                self._do_all(self._conversation.handle(event, self._clock_ms()))
                self._keep()
                if isinstance(event, OtherSideLeft):
                    self._left.set()
            await self._reporting.caught_up(REPORTED_WITHIN_S)
            return self._done
        finally:
            self._left.set()
            if self._local_brains is not None:
                await self._local_brains.close(BRAIN_ENDS_WITHIN_S)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._line.close()

    def _keep(self) -> None:
        """Whoever has lost the line is about to be gone: what was kept before it is for the next one."""
        changes = self._conversation.turns_changed
        if self._keep_turns is not None and self._has_line and changes != self._kept_changes:
            self._kept_changes = changes
            self._keep_turns(kept_turns(self._conversation.turns_to_keep()))

    @property
    def is_ending(self) -> bool:
        """Whether the agent's part is over, or is to be after its last words. False again once its hang-up was
        refused."""
        return self._conversation.is_ending

    @property
    def has_heard(self) -> bool:
        """Whether the other side has said anything to this agent."""
        return self._conversation.has_heard

    # ------------------------------------------------------------ what the voice tells

    def tell(self, event: Event) -> None:
        self._events.put_nowait(event)

    def answered(self) -> None:
        """Both sides can hear each other."""
        self.tell(Answered())

    def user_spoke(self) -> None:
        """The other side begins to be heard."""
        self.tell(UserSpoke())

    def user_said(self, text: str, language: str | None = None, at_ms: int | None = None) -> int:
        """The number of the turn: the reply comes as `Voice.speak` with this number."""
        turn = self._conversation.next_turn()
        self.tell(UserSaid(turn, text, language, at_ms))
        return turn

    def interrupted(self, heard_prefix: str | None = None) -> None:
        """The other side spoke into the agent's speech, which the voice has stopped."""
        self.tell(UserInterrupted(heard_prefix))

    def played(self, turn: int) -> None:
        """All that was given for the turn has been heard."""
        self.tell(SpeechPlayed(turn))

    def silent(self, silent_s: float) -> None:
        self.tell(UserSilent(silent_s))

    def measured(self, measured: Measured) -> None:
        self.tell(measured)

    def end(self, reason: str) -> None:
        """The voice itself wants the call to end: `Voice.hang_up` follows after the last words. Where the control plane
        refuses it the conversation goes on instead (`is_ending`)."""
        self.tell(EndWished(reason))

    async def other_side_left(self, *, is_final: bool = True) -> None:
        """Nobody is there any more, or this agent is not; `is_final` where no other agent hears them either. `over`
        follows, once it is known why. Returns when what was said is reported, or was not in time: what the control
        plane is asked after that, it knows by it."""
        self.tell(OtherSideLeft(is_final))
        with suppress(TimeoutError):
            async with asyncio.timeout(SAID_WITHIN_S):
                await self._left.wait()
                await self._reporting.caught_up(SAID_WITHIN_S)

    def over(self, end_reason: str, status: str, error: str | None = None) -> None:
        """The call has ended. The runner is told why, its bridge is closed, and `run` returns."""
        self.tell(CallOver(end_reason, status, error))

    # ------------------------------------------------------------ events

    async def _next_event(self) -> Event:
        if self._wakes_at_ms is None:
            return await self._events.get()
        try:
            async with asyncio.timeout(max(self._wakes_at_ms - self._clock_ms(), 0) / 1000):
                return await self._events.get()
        except TimeoutError:
            return Tick()

    async def _read_line(self) -> None:
        bridge = 0
        try:
            while True:
                event = await self._line.next()
                if isinstance(event, RunnerDialled):
                    bridge = event.bridge
                self.tell(event)
        except LineLost:
            _log.error("the line to the runner is lost", extra=self._fields)
            self._has_line = False
            self.tell(RunnerClosed(bridge, _ABNORMAL))

    # ------------------------------------------------------------ actions

    def _do_all(self, actions: list[Action]) -> None:
        self._wakes_at_ms = None
        for action in actions:
            try:
                self._do(action)
            except Exception:
                # A voice that fails at one word must not keep the runner from being told of the end.
                _log.exception("an action failed", extra={**self._fields, "action": type(action).__name__})

    def _do(self, action: Action) -> None:
        match action:
            case SendFrame() | CloseBridge() | PassOver():
                self._do_on_line(action)
            case Speak() | EndOfReply() | Say() | StopSpeaking() | PauseRecording() | ResumeRecording():
                self._do_by_voice(action)
            case AskForBrain() | Transfer() | HangUp():
                self._begin(self._do_in_time(action))
            case ServeBrain():
                self._serve(action)
            case Report(event=event):
                self._report(event)
            case WakeAt(at_ms=at_ms):
                self._wakes_at_ms = at_ms
            case Note(what=what, fields=fields):
                _log.info(what, extra={**self._fields, **fields})
            case Done():
                self._done = action

    def _do_on_line(self, action: SendFrame | CloseBridge | PassOver) -> None:
        match action:
            case SendFrame(bridge=bridge, text=text) if bridge < 0 and self._local_brains is not None:
                self._local_brains.give(bridge, text)
            case CloseBridge(bridge=bridge) if bridge < 0 and self._local_brains is not None:
                self._local_brains.shut(bridge)
            case SendFrame(bridge=bridge, text=text):
                try:
                    self._line.send(bridge, text)
                except FrameTooLong:
                    _log.error("a frame was too long to be sent", extra=self._fields)
            case CloseBridge(bridge=bridge, code=code):
                self._line.close_bridge(bridge, code)
            case PassOver(job_id=job_id):
                self._line.pass_over(job_id)

    def _do_by_voice(self, action: Speak | EndOfReply | Say | StopSpeaking | PauseRecording | ResumeRecording) -> None:
        match action:
            case Speak(turn=turn, text=text):
                self._voice.speak(turn, text)
            case EndOfReply(turn=turn):
                self._voice.end_of_reply(turn)
            case Say(turn=turn, text=text, filler=filler):
                self._voice.say(turn, text, filler=filler)
            case StopSpeaking():
                self._voice.stop()
            case PauseRecording(reason=reason):
                self._voice.pause_recording(reason)
            case ResumeRecording():
                self._voice.resume_recording()

    def _report(self, event: Mapping[str, Any]) -> None:
        reported = self._reporting.add(event)
        if event["type"] == "ready":
            self._begin(self._tell_ready(reported))
        elif event["type"] == "hang_up":
            self._reported_hang_up = reported

    async def _tell_ready(self, reported: Reported) -> None:
        """An agent whose call is another one's before it was ready does not come: who comes first would have it."""
        await self._reporting.caught_up(REPORTED_WITHIN_S)
        if reported.word == HANDED_OVER:
            self._voice.leave()
        else:
            self.ready.set()

    def _serve(self, action: ServeBrain) -> None:
        if self._local_brains is None:
            _log.error("nobody here serves this kind of brain", extra={**self._fields, "kind": action.brain.kind})
            self.tell(EndWished("agent_failed"))
        else:
            self._local_brains.begin(action.brain)

    async def _do_in_time(self, action: AskForBrain | Transfer | HangUp) -> None:
        match action:
            case AskForBrain():
                await self._ask(action)
            case Transfer():
                await self._transfer(action)
            case HangUp(reason=reason):
                await self._hang_up(reason)

    async def _ask(self, asked: AskForBrain) -> None:
        answer = await self._brain.ask(asked.request, asked.why)
        self.tell(BrainAnswered(asked.request, answer))

    async def _transfer(self, transfer: Transfer) -> None:
        """For as long as the voice takes: one target may ring after another."""
        try:
            ended = await self._voice.transfer(transfer)
        except Exception:
            _log.exception("a transfer failed", extra=self._fields)
            ended = TransferEnded(done=False, why="error")
        self.tell(ended)

    async def _hang_up(self, reason: str) -> None:
        """The control plane is told first: to it a leg that has left would be one that the other side hung up. It may
        refuse, or say that another agent has the call. Whoever hears of neither in time hangs up."""
        reported = self._reported_hang_up
        await self._reporting.caught_up(REPORTED_WITHIN_S)
        match reported.word if reported is not None else None:
            case word if word == TRANSFER_UNDER_WAY:
                self.tell(HangUpRefused())
            case word if word == HANDED_OVER:
                self._voice.leave()
            case _:
                await self._voice.hang_up(reason)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a task of the call failed", exc_info=task.exception(), extra=self._fields)

    @property
    def _fields(self) -> dict[str, Any]:
        return {"call_id": self._call.call_id}
