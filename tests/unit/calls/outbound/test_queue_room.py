"""The bound of an account's queue: how exact it is among containers, and what it reads."""

from dataclasses import dataclass, field

import pytest

from ringline.calls.outbound.queue_room import QueueRoom, next_place_in_s
from ringline.calls.tables.store import Gate


@dataclass
class Queue:
    """The table, with how often it was counted."""

    calls: int = 0
    counts: int = 0

    def waiting(self, account_id: str, most: int) -> int:
        self.counts += 1
        return min(self.calls, most)


@dataclass
class Clock:
    now: int = 1_000_000

    def __call__(self) -> int:
        return self.now


@dataclass
class Containers:
    """So many, of which each makes a call in turn."""

    number: int
    most: int
    queue: Queue = field(default_factory=Queue)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.rooms = [QueueRoom(self.queue, self.clock) for _ in range(self.number)]

    def all_at_once(self, took_ms: int = 0) -> int:
        """Each looks before any of them has made its call. How many were let in."""
        let_in = sum(room.take("acct_1", Gate(0, 1, max_waiting=self.most)) for room in self.rooms)
        self.queue.calls += let_in
        self.clock.now += took_ms
        return let_in


@pytest.mark.parametrize("waiting", [0, 9_000, 9_990])
def test_one_container_is_exact(waiting: int) -> None:
    one = Containers(1, 10_000, Queue(waiting))
    for _ in range(10_500 - waiting):
        one.all_at_once(took_ms=20)
    assert one.queue.calls == 10_000


@pytest.mark.parametrize("creates_a_second", [10, 100, 400])
@pytest.mark.parametrize("most", [40, 1_000, 10_000])
def test_forty_containers_let_in_thirty_nine_more_than_may_wait_at_most(most: int, creates_a_second: int) -> None:
    forty = Containers(40, most)
    took_ms = 40 * 1000 // creates_a_second
    for _ in range(2 * most // 40 + 2):
        forty.all_at_once(took_ms)
    assert most <= forty.queue.calls <= most + 39


def test_a_place_that_comes_free_is_taken() -> None:
    one = Containers(1, 5, Queue(5))
    assert one.all_at_once() == 0
    one.queue.calls, one.clock.now = 4, one.clock.now + 2_000
    assert one.all_at_once() == 1


def test_a_flood_at_a_full_queue_is_refused_from_memory() -> None:
    one = Containers(1, 5, Queue(5))
    assert sum(one.all_at_once() for _ in range(1_000)) == 0
    assert one.queue.counts == 1


def test_an_account_with_few_calls_waiting_is_counted_every_twelve_seconds() -> None:
    one = Containers(1, 10_000)
    for _ in range(60):
        one.all_at_once(took_ms=1_000)
    assert one.queue.counts == 5


def test_an_account_that_may_have_none_waiting_makes_no_calls() -> None:
    assert Containers(1, 0).all_at_once() == 0


@pytest.mark.parametrize(
    ("gate", "seconds"),
    [
        (Gate(1, 2, line_ms=60_000, line_ends=1), 30),
        (Gate(1, 60, line_ms=60_000, line_ends=1), 2),
        (Gate(1, 1, line_ms=600_000, line_ends=1), 60),
        (Gate(1, 2), 60),
        (Gate(0, 0, line_ms=60_000, line_ends=1), 60),
    ],
)
def test_who_is_refused_is_told_when_a_place_is_likely(gate: Gate, seconds: int) -> None:
    assert next_place_in_s(gate) == seconds
