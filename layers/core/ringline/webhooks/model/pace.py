"""How fast an endpoint may be sent to, and what its row of turns says. Pure.

A turn is a place among as many as the endpoint takes each second; whoever takes it leaves the moment there, and for
a second nobody else can. A lease is a place among as many as it takes at once; whoever takes it gives it back, or dies,
and then it falls free when no post can be under way any more. Both are taken in one conditional write, which compares
where the places lie. So however many functions deliver at once:

- within any second, as the clocks of the functions tell it, at most `per_second` turns are taken;
- at most `parallel` leases are held, and none by a post that is over.
"""

from collections.abc import Mapping

from ringline.record import stored
from ringline.webhooks.model.endpoint import Endpoint

SECOND_MS = 1000

LEASE_MS = 40_000
"""How long a lease lasts that nobody gives back: longer than a function of ours may run (30 s)."""

SLOW_MS = 2000
"""A post that took so long was to a slow endpoint: a hundred such a second would take all deliverers there are."""

SLOW_FOR_MS = 300_000
"""So long an endpoint counts as slow after a slow post."""

SLOW_RENEWED_MS = 60_000
"""It is written down again at most so often."""

SLOW_PARALLEL = 10
"""Posts to a slow endpoint at once: a tenth of the deliverers, for whoever it is."""


@stored
class Limits:
    """None where there is none."""

    per_second: int | None = None
    parallel: int | None = None


@stored
class HeldBack:
    """It was not tried, and that is no failure: it waits for its endpoint's turn, or for a probe to show that the
    endpoint is back. `wait_ms` is None where the sweep wakes it."""

    why: str
    wait_ms: int | None


@stored
class Turn:
    """A post may be made now. `lease` is the place that it holds among those made at once, until `lease_until`."""

    at: int
    lease: str | None = None
    lease_until: int = 0
    row: str | None = None


@stored
class NoTurn:
    """All places are taken, or others wait ahead. The first of them falls free at `free_at`, as far as is known, and
    those that wait go out `spacing_ms` apart."""

    free_at: int
    spacing_ms: int


def limits_of(endpoint: Endpoint, now: int) -> Limits | None:
    """What holds for the endpoint at this moment; None where nothing does, and nothing is written."""
    parallel = endpoint.max_parallel
    if endpoint.is_slow(now):
        parallel = SLOW_PARALLEL if parallel is None else min(parallel, SLOW_PARALLEL)
    if endpoint.max_per_second is None and parallel is None:
        return None
    return Limits(endpoint.max_per_second, parallel)


def turn_names(limits: Limits) -> list[str]:
    return [f"turn_{number}" for number in range(limits.per_second or 0)]


def lease_names(limits: Limits) -> list[str]:
    return [f"lease_{number}" for number in range(limits.parallel or 0)]


def free_turns(row: Mapping[str, int], limits: Limits, now: int) -> list[str]:
    return [name for name in turn_names(limits) if row.get(name, 0) <= now - SECOND_MS]


def free_leases(row: Mapping[str, int], limits: Limits, now: int) -> list[str]:
    return [name for name in lease_names(limits) if row.get(name, 0) <= now]


def free_at(row: Mapping[str, int], limits: Limits, now: int) -> int:
    """When the first turn and lease are free, if nobody takes them before. A post under way gives its lease back long
    before that ends: it is looked for where such posts were over so far."""
    turns = [row.get(name, 0) + SECOND_MS for name in turn_names(limits)]
    held = [row.get(name, 0) for name in lease_names(limits)]
    leases = [0 if until <= now else max(now, until - LEASE_MS + row.get("took_ms", SECOND_MS)) for until in held]
    return max(now, min(turns, default=now), min(leases, default=now))


def spacing_ms(row: Mapping[str, int], limits: Limits) -> int:
    """How far apart those that wait go out."""
    by_rate = -(-SECOND_MS // limits.per_second) if limits.per_second else 0
    by_parallel = -(-row.get("took_ms", SECOND_MS) // limits.parallel) if limits.parallel else 0
    return max(1, by_rate, by_parallel)
