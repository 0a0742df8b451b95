"""One account whose lines are all busy, in virtual time: each call that ends lets the next one in, so that ends and
claims meet at the account's gate all the time.

What is modelled is the table: a transaction takes so long, and one that begins while another is under way at the gate
is refused (TransactionConflict). What is tried again when, and how often, is what the store does: full jitter below
20 ms x 2^n, eight times (`calls/tables/writes/transactions.py`); who lets how many in is what the dialer does: it reads
gate and queue, and claims what is free up to `most` at once, for up to ten calls a bell; where it meets others it waits
as long and reads again (`calls/outbound/admit.py`). Reading and ringing take what is said below. Nothing here is
measured on a table.
"""

import random
from collections.abc import Callable, Generator
from heapq import heappop, heappush

from ringline.calls.model.timing import DIAL_BATCH
from ringline.calls.tables.writes.transactions import CONFLICT_TRIES, lets_others_pass_s
from ringline.record import Record

LASTS_S = 10.0
_READS_S = 0.012
"""Queue, gate, rests and calls, one behind the other."""
_BELL_S = 0.03
_AGAIN_S = 1.0
"""Who gives up is heard again: an event is redelivered, and a doorbell too."""

type Steps = Generator[float]
"""What somebody does: each step tells how long it takes."""


class Told(Record):
    """What became of the calls: how many began in each second, the share of its time that a line stood idle, and how
    many transactions were refused and how many were given up after eight tries, for each call that began."""

    calls_per_s: float
    idle: float
    refused: float
    given_up: float


class SteadyAccount:
    """`most` is how many calls are claimed in one transaction. With `writes_again` a dialer that meets others writes
    the same again, instead of reading what is free by then. Somebody always waits."""

    def __init__(self, *, lines: int, transaction_s: float, most: int, seed: int, writes_again: bool = False) -> None:
        self.now = 0.0
        self._lines = lines
        self._takes_s = transaction_s
        self._most = most
        self._writes_again = writes_again
        self._chance = random.Random(seed)
        self._heap: list[tuple[float, int, Steps]] = []
        self._begun = 0
        self._busy_until = 0.0
        self.in_use = self.head = 0
        self.claimed = self.refused = self.given_up = 0
        self.held_s = 0.0

    def run(self, warm_s: float, for_s: float) -> Told:
        """What is told is of `for_s`, after the lines have filled."""
        for _ in range(self._lines):
            self.in_use += 1
            self._begin(self._call(), self._chance.uniform(0, LASTS_S))
        self._until(warm_s)
        self.claimed = self.refused = self.given_up = 0
        self.held_s = 0.0
        self._until(warm_s + for_s)
        calls = max(1, self.claimed)
        idle = 1 - self.held_s / (self._lines * for_s)
        return Told(self.claimed / for_s, idle, self.refused / calls, self.given_up / calls)

    def _until(self, moment: float) -> None:
        while self._heap and self._heap[0][0] <= moment:
            at, _, steps = heappop(self._heap)
            self.held_s += self.in_use * (at - self.now)
            self.now = at
            wait = next(steps, None)
            if wait is not None:
                self._begin(steps, wait)
        self.held_s += self.in_use * (moment - self.now)
        self.now = moment

    def _begin(self, steps: Steps, after_s: float) -> None:
        self._begun += 1
        heappush(self._heap, (self.now + after_s, self._begun, steps))

    def _call(self) -> Steps:
        yield 0.0
        while not (yield from self._transaction(self._give_back)):
            self.given_up += 1
            yield _AGAIN_S
        yield _BELL_S
        yield from self._dialer()

    def _give_back(self) -> bool:
        self.in_use -= 1
        return True

    def _dialer(self) -> Steps:
        """A doorbell is heard."""
        dialled = met = 0
        while dialled < DIAL_BATCH:
            yield _READS_S
            head, several = self.head, min(self._most, DIAL_BATCH - dialled, self._lines - self.in_use)
            if several <= 0:
                return
            taken: list[int] = []

            def take(head: int = head, several: int = several, taken: list[int] = taken) -> bool:
                """All of them, or none where others took them meanwhile."""
                if self.head != head or self.in_use + several > self._lines:
                    self.refused += 1
                    return True
                self.head, self.in_use, self.claimed = head + several, self.in_use + several, self.claimed + several
                taken.append(several)
                return True

            tries = range(CONFLICT_TRIES) if self._writes_again else range(met, met + 1)
            if not (yield from self._transaction(take, tries)):
                met += 1
                if self._writes_again or met == CONFLICT_TRIES:
                    self.given_up += 1
                    met = 0
                    yield _AGAIN_S
                continue
            met = 0
            for _ in range(sum(taken)):
                dialled += 1
                self._begin(self._call(), LASTS_S)
        self._begin(self._dialer(), _BELL_S)

    def _transaction(
        self, act: Callable[[], bool], tries: range = range(CONFLICT_TRIES)
    ) -> Generator[float, None, bool]:
        """Whether it came to its end, whatever that was."""
        for attempt in tries:
            if self.now >= self._busy_until:
                self._busy_until = self.now + self._takes_s
                yield self._takes_s
                return act()
            self.refused += 1
            # The refusal takes its way, too.
            yield self._takes_s / 2 + lets_others_pass_s(attempt, self._chance)
        return False
