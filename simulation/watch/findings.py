"""What the watchers found."""

from dataclasses import dataclass

from simulation.kernel.world import World


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant does not hold. `name` says which."""

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


class Findings:
    def __init__(self, world: World) -> None:
        self._world = world
        self._world_is_over = False
        self.first: Violation | None = None
        self.broken_at: int | None = None
        """When, if it was before the end of the world."""

    def fail(self, name: str, what: str) -> None:
        """Notes the first violation. Raising would end up in the handlers under test, which survive anything."""
        if self.first is None:
            self._world.trace(f"VIOLATION {name}: {what}")
            self.first = Violation(name, what)
            self.broken_at = None if self._world_is_over else self._world.now

    def world_is_over(self) -> None:
        """What is found from now on only the end can show."""
        self._world_is_over = True
