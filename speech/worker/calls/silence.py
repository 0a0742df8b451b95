"""When nobody speaks any more: the worker asks, and then ends the call.

last sound ... ask_s ... the question is spoken ... end_s ... the call is ended ("silence")
                somebody speaks: from the beginning
"""

from dataclasses import dataclass
from enum import StrEnum


class SilenceStep(StrEnum):
    ASK = "ask"
    END = "end"


@dataclass(slots=True)
class SilenceWatch:
    """Moments are seconds of one clock, whichever."""

    ask_s: float
    end_s: float
    _quiet_since: float | None = None
    _began: float | None = None
    _asked: bool = False

    def somebody_spoke(self) -> None:
        """The other side speaks, or its turn is being answered: no silence."""
        self._quiet_since = self._began = None
        self._asked = False

    def sound(self) -> None:
        """The agent speaks, be it the question."""
        self._quiet_since = None

    def quiet(self, now: float) -> None:
        """From now on nobody speaks, and no reply is being thought of."""
        if self._quiet_since is None:
            self._quiet_since = now
            if not self._asked:
                self._began = now

    def due_in(self, now: float) -> float | None:
        """How long until `step` has something, or None while somebody speaks."""
        if self._quiet_since is None:
            return None
        return max(0.0, self._quiet_since + (self.end_s if self._asked else self.ask_s) - now)

    def step(self, now: float) -> SilenceStep | None:
        """What is to be done now, if anything."""
        if self._quiet_since is None or self.due_in(now) != 0:
            return None
        self._quiet_since = None
        if self._asked:
            return SilenceStep.END
        self._asked = True
        return SilenceStep.ASK

    def silent_s(self, now: float) -> float:
        """How long nobody has been heard for. The question does not count as somebody."""
        return 0.0 if self._began is None else now - self._began
