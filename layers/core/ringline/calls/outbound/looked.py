"""What a search for a call to dial (`admit`) has found out so far."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from ringline.calls.model.ports import NoPlace, Place, SpeechPlace
from ringline.calls.progress.capacity import Known
from ringline.calls.tables.agent_rests import AgentRest
from ringline.calls.tables.limits.livekit_budget import Turn
from ringline.calls.tables.livekit_rest import Rest
from ringline.calls.tables.store import Gate, QueueEntry

NO_GATE = Gate(0, 0)


@dataclass(slots=True)
class Looked:
    """Turns that were taken, of a trunk or of LiveKit (None), or that a trunk has at any time, as unpaced ones do;
    LiveKit's turn once more, as it is given back if nothing is dialled with it; until when trunks and agents rest, and
    until when the trunks of a pool's numbers do, by the pool's pipe; how it stands with each agent and its runners;
    which places the calls take that are about to be claimed; which calls have no room, or are left alone, although
    their entries do not say so; what of the gate and of the caps was read; which numbers that were new as their calls
    were made have been called since, and which were asked about; who waits behind the first; and how often others were
    met where a claim was to be written."""

    turns: dict[str | None, int] = field(default_factory=dict)
    livekits_turn: Turn | None = None
    unpaced: set[str] = field(default_factory=set)
    resting: dict[tuple[str, str], int] = field(default_factory=dict)
    pools_at_rest: defaultdict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    agents: dict[str, AgentRest] = field(default_factory=dict)
    places: dict[str, Place | NoPlace] = field(default_factory=dict)
    runners_taken: Counter[str] = field(default_factory=Counter)
    speech: SpeechPlace | NoPlace | None = None
    speech_was_looked_for: bool = False
    speech_taken: Counter[str] = field(default_factory=Counter)
    without_room: set[str] = field(default_factory=set)
    gate: Gate = NO_GATE
    rest: Rest = field(default_factory=Rest)
    caps: Known = field(default_factory=Known)
    called: set[str] = field(default_factory=set)
    asked_about: set[str] = field(default_factory=set)
    behind: Sequence[QueueEntry] = ()
    met: int = 0

    def forget(self) -> None:
        """Before the queue is looked at again: turns that were taken stay."""
        self.behind = ()
        self.runners_taken.clear()
        self.speech_taken.clear()
        self.resting.clear()
        self.agents.clear()
        self.places.clear()
        self.speech_was_looked_for = False
        self.caps = Known()
