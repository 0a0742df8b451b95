"""A voicemail's tone in synthetic sound."""

import numpy
import pytest
from numpy.typing import NDArray

from speech.worker.answering.tones import ToneEar

HZ = 16_000
FRAME = HZ // 50


def sound(seconds: float, *hertz: float, loud: float = 6000.0, noise: float = 0.0) -> NDArray[numpy.int16]:
    times = numpy.arange(int(seconds * HZ)) / HZ
    tones = sum((numpy.sin(2 * numpy.pi * each * times) for each in hertz), numpy.zeros(len(times)))
    noises = numpy.random.default_rng(7).normal(0, 1, len(times)) * noise
    return (tones * loud / max(1, len(hertz)) + noises).astype(numpy.int16)


def heard(*pieces: NDArray[numpy.int16], hz: int = HZ) -> list[int]:
    ear, found = ToneEar(hz), []
    samples = numpy.concatenate(pieces)
    for start in range(0, len(samples), FRAME):
        if (hertz := ear.hear(samples[start : start + FRAME])) is not None:
            found.append(hertz)
    return found


@pytest.mark.parametrize("hertz", [440, 800, 1000, 1400, 2000])
def test_a_beep_is_heard_once(hertz: int) -> None:
    (found,) = heard(sound(0.5), sound(0.5, hertz), sound(1))
    assert abs(found - hertz) <= 16


def test_a_beep_is_heard_over_a_telephones_noise() -> None:
    assert len(heard(sound(0.5, noise=200), sound(0.6, 1000, noise=200))) == 1


@pytest.mark.parametrize(
    "others",
    [
        [sound(3)],
        [sound(3, noise=3000)],
        [sound(1, 770, 1336)],
        [sound(1, 350, 440)],
        [sound(0.15, 1000), sound(0.5)],
        [sound(1, 1000, loud=100)],
        [sound(1, 150)],
        [sound(1, 120, 240, 360, 480, 600, 720)],
        [sound(0.1, 500 + step * 120) for step in range(12)],
    ],
    ids=["silence", "noise", "a key", "dial tone", "a short one", "a quiet one", "hum", "a voice", "a melody"],
)
def test_nothing_else_is_a_beep(others: list[NDArray[numpy.int16]]) -> None:
    assert heard(*others) == []


def test_the_sound_of_a_telephone_is_enough() -> None:
    narrow = (numpy.sin(2 * numpy.pi * 1000 * numpy.arange(4000) / 8000) * 6000).astype(numpy.int16)
    assert heard(narrow, hz=8000) == [1000]
