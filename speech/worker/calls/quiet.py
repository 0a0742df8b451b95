"""Carries out what the silence watch wants, in the session's own time."""

import asyncio
from collections.abc import Callable

from speech.bridge.driver import Driver
from speech.worker.answering.answering import Answering
from speech.worker.calls.silence import SilenceStep, SilenceWatch
from speech.worker.calls.voice import SessionVoice
from speech.worker.settings import Settings

REASON = "silence"
"""docs/agents.md: the call's end is AGENT_HUNG_UP_SILENCE_DETECTED."""
LOOKS_EVERY_S = 0.5


class Quiet:
    """`run` from the answer to the end of the call. `user_speaks` is told by the session."""

    def __init__(
        self,
        voice: SessionVoice,
        driver: Driver,
        settings: Settings,
        clock_s: Callable[[], float],
        answering: Answering,
        has_company: Callable[[], bool],
    ) -> None:
        """`has_company`: whether the call is being handed over, or somebody else is in it: then nobody is asked whether
        they are there, and no call ends because they wait."""
        self._voice = voice
        self._driver = driver
        self._question = settings.silence_question
        self._watch = SilenceWatch(settings.silence_ask_s, settings.silence_end_s)
        self._clock_s = clock_s
        self._answering = answering
        self._has_company = has_company
        self._user_speaks = False

    def user_speaks(self, speaks: bool) -> None:
        self._user_speaks = speaks
        if speaks:
            self._watch.somebody_spoke()

    async def run(self) -> None:
        while True:
            self.look()
            self._answering.look()
            await asyncio.sleep(LOOKS_EVERY_S)

    def look(self) -> None:
        """One look at who speaks, and what follows."""
        now = self._clock_s()
        if self._user_speaks or self._has_company() or self._driver.is_ending:
            self._watch.somebody_spoke()
        elif self._voice.is_busy:
            self._watch.sound()
        else:
            self._watch.quiet(now)
        step = self._watch.step(now)
        if step is SilenceStep.ASK:
            self._driver.silent(round(self._watch.silent_s(now), 1))
            self._voice.say_for_itself(self._question)
        elif step is SilenceStep.END:
            self._driver.silent(round(self._watch.silent_s(now), 1))
            self._driver.end(REASON)
            # Where the hang-up is refused the call goes on, and a silence of its own begins.
            self._watch.somebody_spoke()
