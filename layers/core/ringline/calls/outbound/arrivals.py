"""When a dialer first looks for the agent that it has dispatched: each look is a request to LiveKit, and each moment
that an agent waits unseen is one in which nobody is called.

How long agents take is the customers' own: 0.25 to 0.45 s where a worker is free. A dialer learns it from its looks:
the first one comes later where it was too soon, and a little sooner where it found the agent, until one in five
is too soon. So an agent costs 1.2 looks, where one moment for everybody costs one and a half, or two.
"""

from ringline.calls.model.timing import AGENT_FIRST_LOOK_S, AGENT_SEEN_WITHIN_S

_LATER_S, _SOONER_S = 0.04, 0.01
"""By how much the moment moves: it rests where one look in five comes too soon."""


class Arrivals:
    """Lives as long as the process, for all of its dials."""

    def __init__(self) -> None:
        self.first_look_s = AGENT_FIRST_LOOK_S

    def seen(self, looks: int, waited_s: float) -> None:
        """An agent was seen with that look, after so long. One that comes much later was not free, or is started anew:
        that says nothing of the others."""
        earliest_s, latest_s = AGENT_SEEN_WITHIN_S
        if waited_s > 2 * latest_s:
            return
        moved_s = self.first_look_s + (-_SOONER_S if looks == 1 else _LATER_S)
        self.first_look_s = round(min(latest_s, max(earliest_s, moved_s)), 3)
