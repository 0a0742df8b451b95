"""How long whoever looks again and again bears with an API that is away, or busy, before giving up."""

from collections.abc import Callable
from dataclasses import dataclass

from cli.model.failures import Failure, is_passing

_MOST_MISSES = 20
"""So many times in a row."""


@dataclass
class Patience:
    """Counts the misses. What does not pass by itself is raised at once."""

    misses: int = 0

    def look[Seen](self, ask: Callable[[], Seen]) -> Seen | None:
        """What is seen; None for a miss. Raises the failure of the last miss that is borne with."""
        try:
            seen = ask()
        except Failure as failure:
            self.misses += 1
            if not is_passing(failure) or self.misses > _MOST_MISSES:
                raise
            return None
        self.misses = 0
        return seen
