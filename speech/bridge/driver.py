"""Binds one conversation to its line, its brain client and its voice. Everything happens in one task, in order."""

import asyncio
from collections.abc import Awaitable, Callable

from speech.bridge.brain import Brain
from speech.bridge.line import Line
from speech.bridge.model.actions import Done
from speech.bridge.model.call import CallFacts
from speech.bridge.model.events import (
    Answered,
    CallOver,
    EndWished,
    Event,
    Measured,
    Served,
    SpeechPlayed,
    UserInterrupted,
    UserSaid,
    UserSilent,
    UserSpoke,
)
from speech.bridge.voice import Voice

type ServeBrainOf = Callable[[Served], Awaitable[None]]
"""Serves a brain that is no runner until the call is over."""


class Driver:
    """`await driver.run()` from the moment the worker knows of the call. The other methods are the voice's: each puts
    an event into the conversation's queue and returns at once."""

    def __init__(
        self,
        *,
        call: CallFacts,
        line: Line,
        brain: Brain,
        voice: Voice,
        clock_ms: Callable[[], int],
        serve_brain: ServeBrainOf | None = None,
    ) -> None:
        self.ready = asyncio.Event()
        """Set when a runner's handshake is done for the first time: now the phone may ring."""
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._last_turn = 0

    async def run(self) -> Done:
        """Runs the conversation to its end, which always comes. Then the line is closed and all reports are sent, or
        were tried."""
        raise NotImplementedError

    def tell(self, event: Event) -> None:
        self._events.put_nowait(event)

    def answered(self) -> None:
        self.tell(Answered())

    def user_spoke(self) -> None:
        self.tell(UserSpoke())

    def user_said(self, text: str, language: str | None = None, at_ms: int | None = None) -> int:
        """The number of the turn: the reply comes as `Voice.speak` with this number."""
        self._last_turn += 1
        self.tell(UserSaid(self._last_turn, text, language, at_ms))
        return self._last_turn

    def interrupted(self, heard_prefix: str | None = None) -> None:
        self.tell(UserInterrupted(heard_prefix))

    def played(self, turn: int) -> None:
        self.tell(SpeechPlayed(turn))

    def silent(self, silent_s: float) -> None:
        self.tell(UserSilent(silent_s))

    def measured(self, measured: Measured) -> None:
        self.tell(measured)

    def end(self, reason: str) -> None:
        """The voice itself wants the call to end: `HangUp` follows after the last words."""
        self.tell(EndWished(reason))

    def over(self, end_reason: str, status: str, error: str | None = None) -> None:
        """The call has ended. The runner is told why, its bridge is closed, and `run` returns."""
        self.tell(CallOver(end_reason, status, error))
