"""Where each planted bug is looked for: first in the world that once showed it soonest, then wherever such bugs show.

    make planted-worlds          # notes these worlds anew, in tests/fixtures/planted_worlds.json

A note saves time and proves nothing: a bug that its noted world does not show any more, since the simulation has
changed, is looked for as one without a note. Note anew when that makes the tests slow.
"""

import gc
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import replace
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from multiprocessing import Pool
from operator import attrgetter
from pathlib import Path

from simulation.plan.drawing import make_plan
from simulation.plan.planned import Plan, PlannedCall
from simulation.planted.asked import PLANTED_ASKED
from simulation.planted.browsers import PLANTED_BROWSERS
from simulation.planted.desks import PLANTED_DESKS
from simulation.planted.handovers import PLANTED_HANDOVERS
from simulation.run.command import world_seeds
from simulation.run.episode import Ran, run_world
from simulation.run.planted import PLANTED, Planting
from simulation.run.planted_caps import PLANTED_CAPS
from simulation.run.planted_ends import PLANTED_ENDS
from simulation.run.planted_runners import PLANTED_AMONG_RUNNERS

_NOTES = Path(__file__).parents[1] / "fixtures" / "planted_worlds.json"
_WORLDS_FOR_A_BUG = 60
_SOON = 20_000
"""A world that shows it within so many events, a second or so, is noted without a look at others."""
_WORLDS_TO_CHOOSE_FROM = 6


def worlds(seed: int) -> Iterator[Plan]:
    """They are drawn one by one: most bugs are caught in the first ones."""
    return map(make_plan, world_seeds(seed, 1_000_000))


def worlds_with(has: Callable[[PlannedCall], object], seed: int) -> Iterator[Plan]:
    """Those in which some call is so."""
    return every_second_calm(plan for plan in worlds(seed) if any(map(has, plan.calls)))


def worlds_with_runners(seed: int) -> Iterator[Plan]:
    return every_second_calm(plan for plan in worlds(seed) if plan.runners)


def every_second_calm(plans: Iterable[Plan]) -> Iterator[Plan]:
    """Some promises are only kept where nothing goes wrong."""
    return (_calm(plan) if turn % 2 else plan for turn, plan in enumerate(plans))


def _calm(plan: Plan) -> Plan:
    return replace(plan, scale=0.0, outages=())


def _as_it_is(plan: Plan) -> Plan:
    return plan


def _on_a_slow_table(plan: Plan) -> Plan:
    """Caps change between what a dialer has read and its claim."""
    return replace(plan, operation_ms=200)


@dataclass(frozen=True, slots=True)
class Kind:
    """Bugs of one kind, with the invariants that catch each, and the worlds that may show them."""

    planted: Mapping[Planting, frozenset[str]]
    worlds: Callable[[], Iterator[Plan]]
    altered: Callable[[Plan], Plan] = _as_it_is


KINDS = {
    "outbound": Kind(PLANTED, lambda: worlds(11)),
    "ends": Kind(PLANTED_ENDS, lambda: worlds(11)),
    "asked": Kind(PLANTED_ASKED, lambda: worlds(11)),
    "runners": Kind(PLANTED_AMONG_RUNNERS, lambda: worlds_with_runners(11)),
    "transfers": Kind(PLANTED_HANDOVERS, lambda: worlds_with(attrgetter("handovers"), 11)),
    "callers": Kind(PLANTED_DESKS, lambda: worlds_with(attrgetter("desk"), 11)),
    "browsers": Kind(PLANTED_BROWSERS, lambda: worlds_with(attrgetter("browser"), 11)),
    "caps": Kind(PLANTED_CAPS, lambda: (plan for plan in worlds(11) if plan.caps), _on_a_slow_table),
}

BUGS = {planting.__name__: (kind, planting) for kind in KINDS.values() for planting in kind.planted}


def shown(name: str) -> Ran | None:
    """The first world that shows the bug; None if none of those does in which it is looked for."""
    kind, _ = BUGS[name]
    return next(_showing(name, chain(_noted(name), islice(kind.worlds(), _WORLDS_FOR_A_BUG))), None)


def _showing(name: str, plans: Iterable[Plan]) -> Iterator[Ran]:
    kind, planting = BUGS[name]
    for plan in plans:
        with planting():
            ran = run_world(kind.altered(plan))
        if ran.violation is not None:
            yield ran


# --- notes -----------------------------------------------------------------------------------------------------------


@cache
def _notes() -> dict[str, dict[str, int]]:
    notes: dict[str, dict[str, int]] = json.loads(_NOTES.read_text())
    return notes


def _noted(name: str) -> list[Plan]:
    note = _notes().get(name)
    if note is None:
        return []
    plan = make_plan(note["world"])
    return [_calm(plan) if note["calm"] else plan]


def _soonest(name: str) -> tuple[str, dict[str, int]]:
    kind, _ = BUGS[name]
    best: Ran | None = None
    for ran in islice(_showing(name, islice(kind.worlds(), _WORLDS_FOR_A_BUG)), _WORLDS_TO_CHOOSE_FROM):
        if best is None or ran.counts["events"] < best.counts["events"]:
            best = ran
        if best.counts["events"] <= _SOON:
            break
    if best is None:
        raise RuntimeError(f"nobody noticed {name}")
    return name, {"world": best.plan.seed, "calm": int(best.plan.scale == 0), "events": best.counts["events"]}


def main() -> None:
    with Pool(2, gc.freeze) as pool:
        notes = dict(pool.imap_unordered(_soonest, BUGS))
    _NOTES.write_text(json.dumps(dict(sorted(notes.items())), indent=1) + "\n")
    print(f"{len(notes)} bugs, {sum(note['events'] for note in notes.values())} events until they are noticed")


if __name__ == "__main__":
    main()
