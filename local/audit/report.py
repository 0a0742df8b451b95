"""What is known of the locked versions, and how it is told. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from local.audit.advisories import Advisory
from local.audit.locks import Locked
from local.audit.snapshot import Snapshot

OLD_DAYS = 30


@dataclass(frozen=True, slots=True)
class Hole:
    locked: Locked
    advisory: Advisory


@dataclass(frozen=True, slots=True)
class Audited:
    """`unknown` are locked packages that the snapshot was not taken for: nothing can be said of them."""

    versions: int
    taken_on: str
    age_days: int
    holes: tuple[Hole, ...]
    unknown: tuple[str, ...]


def audited(locked: Sequence[Locked], snapshot: Snapshot, today: str) -> Audited:
    """`today` as the snapshot's day is written."""
    holes = tuple(
        Hole(each, advisory)
        for each in locked
        for advisory in snapshot.advisories
        if advisory.package == each.name and advisory.affects(each.version)
    )
    unknown = tuple(sorted({each.name for each in locked} - snapshot.packages))
    age = (date.fromisoformat(today) - date.fromisoformat(snapshot.taken_on)).days
    return Audited(len(locked), snapshot.taken_on, age, holes, unknown)


def lines_of(found: Audited) -> Iterable[str]:
    yield f"{found.versions} locked versions, held against OSV's records of {found.taken_on}"
    if found.age_days > OLD_DAYS:
        yield f"these records are {found.age_days} days old: what came to light since is not in them"
    if found.unknown:
        yield f"not looked for, being locked since: {', '.join(found.unknown)} (make audit-refresh)"
    yield from _holes(found.holes)
    if not found.holes:
        yield "no known hole"


def _holes(holes: Iterable[Hole]) -> Iterator[str]:
    for hole in holes:
        advisory, locked = hole.advisory, hole.locked
        fixed = f", fixed in {', '.join(advisory.fixed_in)}" if advisory.fixed_in else ", not fixed"
        names = f" ({', '.join(advisory.aliases)})" if advisory.aliases else ""
        yield f"{locked.name} {locked.version} in {', '.join(locked.locks)}: {advisory.id}{names}{fixed}"
        yield f"    {advisory.summary}"
