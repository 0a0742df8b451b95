"""How full a worker is: its calls against its places, and nothing else.

The usual measure is the machine's CPU. On a busy machine such a worker takes no call and says so to nobody, and LiveKit
forgets a dispatch for which there was no worker.
"""

from typing import Any

from livekit.agents import AgentServer

FULL = 0.999
"""Any load below it has a free place; 1 has none."""


class PlacesServer(AgentServer):
    """An AgentServer with so many places. A job that was accepted and has not begun yet has its place already."""

    def __init__(self, *, places: int, **options: Any) -> None:
        super().__init__(load_fnc=self.load, load_threshold=FULL, **options)
        self.places = places

    @property
    def calls(self) -> int:
        """How many calls there are; none before the worker has begun."""
        return len(self.active_jobs) if hasattr(self, "_proc_pool") else 0

    @property
    def taken(self) -> int:
        """How many places nobody else can have: all of them while the worker drains, whatever calls go on."""
        return self.places if self.draining else self.calls

    def load(self) -> float:
        """The share of places that are taken."""
        return self.calls / self.places

    def _get_effective_load(self) -> float:
        """In livekit-agents 1.8.9 the load of accepted jobs is estimated from the number of warm processes while no job
        runs: the first of them would fill this worker."""
        return (self.calls + self._reserved_slots) / self.places
