"""What the person at a phone says to an agent that hears and speaks words. Pure."""

from dataclasses import dataclass
from typing import Any, Self

_LINES = ("Hello, who is there?", "I see. What is it about?", "All right, thank you.")


@dataclass(frozen=True, slots=True)
class PersonScript:
    """Three turns, unless told otherwise.

    They say their `lines` one after the other, each once the agent has finished, and the first one if it says nothing.
    The first time that the agent says more than `interrupts_after_words` in one go, they say `interrupts_with` into it;
    the first time that it says more than `hangs_up_after_words`, they hang up into it. `hangs_up`: once the agent has
    answered their last line."""

    lines: tuple[str, ...] = _LINES
    hangs_up: bool = False
    interrupts_after_words: int | None = None
    interrupts_with: str = "Wait, one moment."
    hangs_up_after_words: int | None = None

    @classmethod
    def from_json(cls, described: dict[str, Any]) -> Self:
        """A script as a JSON object describes it. Raises TypeError if it describes none."""
        return cls(**{**described, "lines": tuple(described.get("lines", _LINES))})


A_TALKER = PersonScript()
