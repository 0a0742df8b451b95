"""Listens for a voicemail in a call, and tells the bridge once it is sure."""

from collections.abc import Callable

import numpy
from livekit import rtc

from speech.bridge.driver import Driver
from speech.bridge.model.events import VoicemailHeard
from speech.worker.answering.tones import ToneEar
from speech.worker.answering.voicemail import GreetingWatch


class Answering:
    """Hears nothing before `answered`, and never of a call that rang in: a caller is no voicemail."""

    def __init__(self, driver: Driver, clock_s: Callable[[], float]) -> None:
        self._driver = driver
        self._clock_s = clock_s
        self._watch: GreetingWatch | None = None
        self._ear: ToneEar | None = None

    def answered(self) -> None:
        """The phone was picked up, by whomever."""
        self._watch = GreetingWatch(self._clock_s())

    def user_speaks(self, speaks: bool) -> None:
        if self._watch is not None:
            (self._watch.speaks if speaks else self._watch.pauses)(self._clock_s())

    def said(self, text: str) -> None:
        if self._watch is not None:
            self._tell(self._watch.said(text, self._clock_s()))

    def look(self) -> None:
        """To be asked twice a second."""
        if self._watch is not None:
            self._tell(self._watch.look(self._clock_s()))

    def hear(self, frame: rtc.AudioFrame) -> None:
        """All sound of the other side."""
        if self._watch is None or not self._watch.listens(self._clock_s()):
            return
        if self._ear is None:
            self._ear = ToneEar(frame.sample_rate)
        samples = numpy.frombuffer(frame.data, dtype=numpy.int16)[:: frame.num_channels]
        hertz = self._ear.hear(samples)
        if hertz is not None:
            self._tell(self._watch.tone(hertz, self._clock_s()))

    def _tell(self, why: str | None) -> None:
        if why is not None:
            self._driver.tell(VoicemailHeard(why))
