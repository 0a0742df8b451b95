"""Whether one more call may wait: an account's queue is bounded, so that a key in the wrong hands fills it once.

Nothing is written for it. Each container counts the queue's entries now and then, and lets calls in for a while on what
it counted: the fewer places are left, the sooner it counts again. How exact that is, with many containers at once:

- while the account makes fewer than `_FASTEST` calls a second, no count is relied on for longer than the queue can take
  to become full, and half of that with half the speed;
- up to half as many containers as there are `_SHARES` share what was left without exceeding it;
- but for the last places, where each container may let one call in on a count that another one has used up, too. So
  at the end an account may have as many calls more as it makes at the very same moment: 39 with 40 at once.

A count reads the whole queue: a read unit for each 25 calls that wait, 400 for ten thousand.
"""

from dataclasses import dataclass, field
from typing import Protocol

from ringline.calls.tables.store import Gate
from ringline.runtime.clock import MS_PER_S, Clock, whole_s

_SHARES = 128
_FASTEST = 800
_FULL_FOR_S = 2
"""For so long a container that found the queue full refuses without looking again: a flood of creates is cheap."""

_LONGEST_WAIT_S = 60


class Queues(Protocol):
    def waiting(self, account_id: str, most: int) -> int:
        """How many calls of the account wait, be it for later; `most` where it is more."""


@dataclass(slots=True)
class _Counted:
    left: int
    until: int


@dataclass(slots=True)
class QueueRoom:
    """What one container counted lately, by account."""

    queues: Queues
    clock: Clock
    _counted: dict[str, _Counted] = field(default_factory=dict)

    def take(self, account_id: str, gate: Gate) -> bool:
        """Whether one more call may wait, which then takes its place."""
        most = gate.most_waiting
        counted = self._counted.get(account_id)
        if counted is None or counted.until <= self.clock():
            counted = self._counted[account_id] = self._count(account_id, most)
        if counted.left == 0:
            return False
        counted.left -= 1
        if counted.left == 0:
            counted.until = 0
        return True

    def _count(self, account_id: str, most: int) -> _Counted:
        room = most - self.queues.waiting(account_id, most)
        now = self.clock()
        if room <= 0:
            return _Counted(0, now + _FULL_FOR_S * MS_PER_S)
        return _Counted(max(1, room // _SHARES), now + max(1, room * MS_PER_S // _FASTEST))


def next_place_in_s(gate: Gate) -> int:
    """When the queue has a place again, if calls last as long as so far."""
    if gate.mean_line_ms is None or gate.cap == 0:
        return _LONGEST_WAIT_S
    return min(_LONGEST_WAIT_S, max(_FULL_FOR_S, whole_s(round(gate.mean_line_ms / gate.cap))))
