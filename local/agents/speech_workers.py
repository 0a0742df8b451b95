"""A speech worker, as far as it is about who thinks for its call: what it asks the control plane, and when again; which
runner it lets in; what it does when that one is lost; and when it comes into a caller's room. The rules are those of
the worker that is deployed, which the phone network runs as it is (`speech.bridge`). Here they are played by worlds
that have no sockets.

calls out     it is in the room, and asks for its runner there
is called     asks for its runner -> is ready -> comes into the room, for LiveKit answers callers with its first sound
              finds none -> leaves without a word: another may have the caller by now
"""

from collections.abc import Callable
from typing import Protocol

from speech.bridge.model.actions import Action, AskForBrain, CloseBridge, PassOver, Why
from speech.bridge.model.asking import TRY_AGAIN_AFTER_S
from speech.bridge.model.events import BrainAnswer, BrainAnswered, RunnerClosed, RunnerDialled, Unreachable
from speech.bridge.rules.seeking import UNKNOWN_CALL, Change, Seeking
from speech.bridge.rules.steps import Steps, Timer


class PlaysSpeechWorker(Protocol):
    """Its world: the clock, the way to the control plane, and the far end of the bridge."""

    @property
    def now_ms(self) -> int: ...

    def after(self, ms: int, then: Callable[[], None]) -> None: ...

    def posts(self, request: int, why: Why, tried: int) -> None:
        """Asks for a brain. `answered` or `unanswered` follows, unless nobody waits any more."""

    def is_ready(self) -> None:
        """Its first runner is there. It tells the control plane."""

    def comes_in(self) -> None:
        """Into the caller's room, when that is told."""

    def stops(self) -> None:
        """It was never in the room, and nobody hears of it any more."""

    def cuts_off(self) -> None:
        """The bridge of the runner that is there is closed."""

    def changed(self, change: Change) -> None:
        """A runner came, or is gone, or none is waited for any longer. Of a loss it is told before anything is done
        about it."""


class SpeechWorker:
    def __init__(self, world: PlaysSpeechWorker, *, is_outside: bool = False) -> None:
        """`is_outside`: a caller's, which comes into the room with its runner."""
        self._world = world
        self._is_outside = is_outside
        self._was_ready = False
        self._seeking = Seeking(_StepsAtOnce(world, self._does, self._is_due))
        self._request = 0
        self._bridges = 0
        self._refused_with: int | None = None
        self.is_over = False
        """Set by whoever plays it: from then on nothing is asked, and nobody let in or missed."""

    @property
    def has_runner(self) -> bool:
        return self._seeking.bridge is not None

    def begins(self) -> None:
        if not self.is_over:
            self._seeking.begin(self._world.now_ms)

    def answered(self, request: int, answer: BrainAnswer) -> None:
        if not self.is_over:
            self._changed(self._seeking.answered(BrainAnswered(request, answer), self._world.now_ms))

    def unanswered(self, request: int, why: Why, tried: int) -> None:
        """The same is asked again, a few times. `tried` is how often it was before."""
        if tried < len(TRY_AGAIN_AFTER_S):
            if self._is_waited_for(request):
                pause_ms = round(TRY_AGAIN_AFTER_S[tried] * 1000)
                self._world.after(pause_ms, lambda: self._posts(request, why, tried + 1))
        else:
            self.answered(request, Unreachable("no answer"))

    def dialled(self, job_id: str) -> int | None:
        """None where the runner is let in, or the code with which it is not. One that is let in says hello in time."""
        if self.is_over:
            return UNKNOWN_CALL
        self._bridges += 1
        self._refused_with = None
        self._changed(self._seeking.dialled(RunnerDialled(self._bridges, job_id, ""), self._world.now_ms))
        return self._refused_with

    def greeted(self) -> None:
        self._seeking.greeted(self._world.now_ms)
        if not self._was_ready:
            self._was_ready = True
            self._world.is_ready()
            if self._is_outside:
                self._world.comes_in()

    def closed(self, code: int) -> None:
        """The runner that was let in is gone."""
        if self._seeking.bridge is not None and not self.is_over:
            self._changed(self._seeking.closed(RunnerClosed(self._seeking.bridge, code), self._world.now_ms))

    def _changed(self, change: Change | None) -> None:
        if change is Change.FAILED and self._is_outside and not self._was_ready:
            self._world.stops()
        elif change is not None and change is not Change.LOST:
            self._world.changed(change)

    def _is_due(self, timer: Timer) -> None:
        if not self.is_over:
            self._changed(self._seeking.due(timer, self._world.now_ms))

    def _does(self, action: Action) -> None:
        match action:
            case AskForBrain(request=request, why=why):
                self._request = request
                self._posts(request, why, 0)
            case CloseBridge(bridge=bridge, code=code):
                if bridge == self._seeking.bridge:
                    self._world.cuts_off()
                else:
                    self._refused_with = code
            case PassOver(job_id=job_id) if job_id == self._seeking.job_id and not self.has_runner:
                self._world.changed(Change.LOST)

    def _posts(self, request: int, why: Why, tried: int) -> None:
        if self._is_waited_for(request):
            self._world.posts(request, why, tried)

    def _is_waited_for(self, request: int) -> bool:
        return request == self._request and not self.is_over


class _StepsAtOnce(Steps):
    """Each step is taken when it is wanted, and each timer is a moment of its world."""

    def __init__(
        self, world: PlaysSpeechWorker, does: Callable[[Action], None], is_due: Callable[[Timer], None]
    ) -> None:
        super().__init__()
        self._world = world
        self._does = does
        self._is_due = is_due

    def do(self, *actions: Action) -> None:
        for action in actions:
            self._does(action)

    def set(self, timer: Timer, at_ms: int) -> None:
        # Nobody here keeps a speech worker waiting for its hello.
        if timer is not Timer.HELLO:
            super().set(timer, at_ms)
            self._world.after(at_ms - self._world.now_ms, lambda: self._runs_out(timer, at_ms))

    def _runs_out(self, timer: Timer, at_ms: int) -> None:
        if self._timers.get(timer) == at_ms:
            self.stop(timer)
            self._is_due(timer)
