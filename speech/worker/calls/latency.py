"""How long each turn took, from the other side's last sound to the agent's first."""

from dataclasses import dataclass, field

from speech.bridge.model.events import Measured

P95 = 0.95


@dataclass(slots=True)
class Turn:
    """Moments of one turn, milliseconds since 1970; None: it has not come so far."""

    stopped_ms: int | None
    said_ms: int
    first_word_ms: int | None = None
    first_sound_ms: int | None = None


@dataclass(slots=True)
class Latencies:
    """Of one call. A turn that was never answered counts nowhere."""

    _turns: dict[int, Turn] = field(default_factory=dict)

    def said(self, turn: int, stopped_ms: int | None, now_ms: int) -> None:
        """The turn's text goes to the brain. `stopped_ms` is when the other side fell silent."""
        self._turns[turn] = Turn(stopped_ms, now_ms)

    def first_word(self, turn: int, now_ms: int) -> None:
        timed = self._turns.get(turn)
        if timed is not None and timed.first_word_ms is None:
            timed.first_word_ms = now_ms

    def first_sound(self, turn: int, now_ms: int) -> Measured | None:
        """The reply begins to be heard. What there is to tell of it, once a turn."""
        timed = self._turns.get(turn)
        if timed is None or timed.first_word_ms is None or timed.first_sound_ms is not None:
            return None
        timed.first_sound_ms = now_ms
        return Measured(
            ttfa_ms=now_ms - (timed.said_ms if timed.stopped_ms is None else timed.stopped_ms),
            asr_p95_ms=p95(self._of("stt")),
            tts_p95_ms=p95(self._of("tts")),
        )

    def report(self) -> dict[str, float | int]:
        """For the call's usage: median and 95th percentile of each part, milliseconds."""
        shown: dict[str, float | int] = {"turns": len(self._of("total"))}
        for part in ("total", "stt", "brain", "tts"):
            values = self._of(part)
            if values:
                shown[f"{part}_p50_ms"] = percentile(values, 0.5)
                shown[f"{part}_p95_ms"] = percentile(values, P95)
        return shown

    def _of(self, part: str) -> list[int]:
        return [value for turn in self._turns.values() if (value := _part(turn, part)) is not None]


def _part(turn: Turn, part: str) -> int | None:
    begins, ends = {
        "stt": (turn.stopped_ms, turn.said_ms),
        "brain": (turn.said_ms, turn.first_word_ms),
        "tts": (turn.first_word_ms, turn.first_sound_ms),
        "total": (turn.said_ms if turn.stopped_ms is None else turn.stopped_ms, turn.first_sound_ms),
    }[part]
    return None if begins is None or ends is None else max(0, ends - begins)


def percentile(values: list[int], share: float) -> int:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(share * 100) // 100) - 1)]


def p95(values: list[int]) -> int | None:
    return percentile(values, P95) if values else None
