"""How long turns took."""

import pytest

from speech.bridge.model.events import Measured
from speech.worker.calls.latency import Latencies, percentile


def test_a_turn_is_timed_from_the_last_sound_to_the_first() -> None:
    latencies = Latencies()
    latencies.said(1, stopped_ms=1000, now_ms=1400)
    latencies.first_word(1, 1450)
    latencies.first_word(1, 1500)
    assert latencies.first_sound(1, 1600) == Measured(ttfa_ms=600, asr_p95_ms=400, tts_p95_ms=150)
    assert latencies.first_sound(1, 1700) is None
    assert latencies.report() == {
        "turns": 1,
        "total_p50_ms": 600,
        "total_p95_ms": 600,
        "stt_p50_ms": 400,
        "stt_p95_ms": 400,
        "brain_p50_ms": 50,
        "brain_p95_ms": 50,
        "tts_p50_ms": 150,
        "tts_p95_ms": 150,
    }


def test_where_the_end_of_speech_is_not_known_the_text_is_the_beginning() -> None:
    latencies = Latencies()
    latencies.said(1, stopped_ms=None, now_ms=1400)
    latencies.first_word(1, 1450)
    assert latencies.first_sound(1, 1600) == Measured(ttfa_ms=200, asr_p95_ms=None, tts_p95_ms=150)


def test_a_turn_without_an_answer_counts_nowhere() -> None:
    latencies = Latencies()
    latencies.said(1, stopped_ms=1000, now_ms=1400)
    assert latencies.first_sound(1, 1500) is None
    assert latencies.first_sound(7, 1500) is None
    assert latencies.report()["turns"] == 0


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.95, 95), (1.0, 100), (0.01, 1)])
def test_a_percentile_is_one_of_the_values(share: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value
