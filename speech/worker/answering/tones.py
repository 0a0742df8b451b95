"""A voicemail's tone in the sound of a call: one pure tone that stays where it is. Pure; sound comes in."""

import numpy
from numpy.typing import NDArray

WINDOW_S = 0.064
TONE_S = 0.25
"""A beep lasts 0.3 to 1 s. A vowel that is as pure does not stay on its pitch for so long."""
LOWEST_HZ, HIGHEST_HZ = 350, 2600
PURE = 0.85
"""The part of all sound that is near the strongest. Of two tones at once, as keys and dialling make them, each has
half."""
LOUD = 300.0
"""Root mean square of 16-bit samples: quieter than any voice on a telephone."""


class ToneEar:
    """Hears 16-bit samples of `hertz` a second, in pieces of any length."""

    def __init__(self, hertz: int) -> None:
        self._size = 1 << round(hertz * WINDOW_S).bit_length() - 1
        self._hz_a_bin = hertz / self._size
        self._needed = max(1, round(TONE_S * hertz / self._size))
        self._shape = numpy.hanning(self._size)
        self._samples = numpy.zeros(0)
        self._bin: int | None = None
        self._windows = 0

    def hear(self, samples: NDArray[numpy.int16]) -> int | None:
        """The tone's frequency, in Hz, once for each tone, as soon as it has lasted."""
        self._samples = numpy.concatenate([self._samples, samples.astype(numpy.float64)])
        found = None
        while len(self._samples) >= self._size:
            window, self._samples = self._samples[: self._size], self._samples[self._size :]
            found = self._look(window) or found
        return found

    def _look(self, window: NDArray[numpy.float64]) -> int | None:
        strongest = self._strongest(window)
        if strongest is None or (self._bin is not None and abs(strongest - self._bin) > 1):
            self._windows = 0
        self._bin = strongest
        if strongest is None:
            return None
        self._windows += 1
        return round(strongest * self._hz_a_bin) if self._windows == self._needed else None

    def _strongest(self, window: NDArray[numpy.float64]) -> int | None:
        """The bin of the tone; None where there is none."""
        if numpy.sqrt(numpy.mean(window**2)) < LOUD:
            return None
        power = numpy.abs(numpy.fft.rfft((window - window.mean()) * self._shape)) ** 2
        strongest = int(power.argmax())
        if not LOWEST_HZ <= strongest * self._hz_a_bin <= HIGHEST_HZ:
            return None
        around = power[max(0, strongest - 2) : strongest + 3].sum()
        return strongest if around / power.sum() >= PURE else None
