"""How many requests a key may make a minute: what is written, what is refused, and how exact it is."""

from collections import Counter
from dataclasses import dataclass, field

import pytest

from ringline.accounts.rates import USUAL_REQUESTS_PER_MINUTE, KeyRates

MINUTE_MS = 60_000


@dataclass
class Rows:
    """The table, with what was written to it."""

    limit: int | None = None
    requests: Counter[tuple[str, int]] = field(default_factory=Counter)
    writes: int = 0
    limits_read: int = 0

    def limit_of(self, account_id: str) -> int | None:
        self.limits_read += 1
        return self.limit

    def add(self, key_id: str, minute: int, requests: int) -> int:
        self.writes += 1
        self.requests[key_id, minute] += requests
        return self.requests[key_id, minute]


@dataclass
class Clock:
    now: int = 100 * MINUTE_MS

    def __call__(self) -> int:
        return self.now


def taken(rates: KeyRates, times: int, key_id: str = "key_1") -> int:
    """How many of so many requests were let through."""
    return sum(not rates.take("acct_1", key_id).is_over for _ in range(times))


def test_a_key_may_make_as_many_requests_as_its_limit_and_no_more() -> None:
    rates = KeyRates(Rows(limit=50), Clock())
    assert taken(rates, 80) == 50


def test_another_key_is_not_held_to_what_the_first_one_used_up() -> None:
    rates = KeyRates(Rows(limit=50), Clock())
    taken(rates, 80)
    assert taken(rates, 10, "key_2") == 10


def test_the_next_minute_begins_anew() -> None:
    clock = Clock()
    rates = KeyRates(Rows(limit=50), clock)
    taken(rates, 80)
    clock.now += MINUTE_MS
    assert taken(rates, 80) == 50


def test_a_limit_that_an_operator_changes_holds_from_the_next_minute_on() -> None:
    clock, rows = Clock(), Rows(limit=50)
    rates = KeyRates(rows, clock)
    taken(rates, 1)
    rows.limit = 3
    clock.now += MINUTE_MS
    assert taken(rates, 9) == 3


def test_a_request_is_told_how_many_are_left_and_when_they_begin_anew() -> None:
    clock = Clock(100 * MINUTE_MS + 18_500)
    rate = KeyRates(Rows(limit=50), clock).take("acct_1", "key_1")
    assert (rate.limit, rate.left, rate.resets_in_s, rate.is_over) == (50, 49, 42, False)


def test_without_a_limit_of_its_own_an_account_has_the_usual_one() -> None:
    assert KeyRates(Rows(), Clock()).take("acct_1", "key_1").limit == USUAL_REQUESTS_PER_MINUTE


def test_a_key_that_asks_seldom_costs_no_write_and_one_read_a_minute() -> None:
    rows = Rows()
    assert taken(KeyRates(rows, Clock()), 29) == 29
    assert (rows.writes, rows.limits_read) == (0, 1)


def test_a_flood_writes_two_hundred_times_a_minute_however_long_it_is() -> None:
    rows = Rows()
    taken(KeyRates(rows, Clock()), 5 * USUAL_REQUESTS_PER_MINUTE)
    assert rows.writes == 200


@pytest.mark.parametrize("containers", [2, 40])
def test_containers_let_through_a_two_hundredth_of_the_limit_each_beyond_it_at_most(containers: int) -> None:
    rows, clock, limit = Rows(limit=6000), Clock(), 6000
    all_of_them = [KeyRates(rows, clock) for _ in range(containers)]
    let_through = sum(taken(each, 1) for _ in range(2 * limit // containers) for each in all_of_them)
    assert limit <= let_through <= limit + containers * limit // 200
