"""Published holes in OSV's format: of each record what names a package of PyPI and its versions. Pure.

A version is affected if it is listed, or lies in a range: from an `introduced` on, up to the `fixed` that follows or to
the `last_affected`. Ranges of commits say nothing of versions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ECOSYSTEM = "PyPI"


@dataclass(frozen=True, slots=True)
class Range:
    """Versions from `introduced` on ("0" is the first): below `fixed`, or up to `last_affected`, or all."""

    introduced: str
    fixed: str | None = None
    last_affected: str | None = None

    def holds(self, version: Version) -> bool:
        if self.introduced != "0" and version < Version(self.introduced):
            return False
        if self.fixed is not None:
            return version < Version(self.fixed)
        return self.last_affected is None or version <= Version(self.last_affected)


@dataclass(frozen=True, slots=True)
class Advisory:
    """What is known of one package. `aliases` are its names elsewhere, CVEs among them."""

    id: str
    package: str
    summary: str
    aliases: tuple[str, ...]
    ranges: tuple[Range, ...]
    versions: tuple[str, ...]

    def affects(self, version: str) -> bool:
        """A version that cannot be read is affected where it is listed, and nowhere else."""
        if version in self.versions:
            return True
        try:
            return any(each.holds(Version(version)) for each in self.ranges)
        except InvalidVersion:
            return False

    @property
    def fixed_in(self) -> tuple[str, ...]:
        return tuple(each.fixed for each in self.ranges if each.fixed is not None)

    def as_kept(self) -> dict[str, Any]:
        return asdict(self)


def read_record(record: Mapping[str, Any], packages: frozenset[str]) -> Iterable[Advisory]:
    """One for each of the packages that the record is about; none of a record that was withdrawn."""
    if "withdrawn" in record:
        return
    for affected in record.get("affected", ()):
        package = affected.get("package", {})
        name = canonicalize_name(package.get("name", ""))
        if package.get("ecosystem") != ECOSYSTEM or name not in packages:
            continue
        ranges = _ranges_of(affected)
        yield Advisory(
            id=record["id"],
            package=name,
            summary=record.get("summary") or record.get("details", "").strip().partition("\n")[0][:200],
            aliases=tuple(record.get("aliases", ())),
            ranges=ranges,
            # Where there is a range the list repeats it, a version each.
            versions=() if ranges else tuple(affected.get("versions", ())),
        )


def read_kept(kept: Mapping[str, Any]) -> Advisory:
    """As `as_kept` wrote it."""
    told = {**kept, "aliases": tuple(kept["aliases"]), "versions": tuple(kept["versions"])}
    return Advisory(**told | {"ranges": tuple(Range(**each) for each in kept["ranges"])})


def _ranges_of(affected: Mapping[str, Any]) -> tuple[Range, ...]:
    """None where a bound cannot be read: then the list of versions says it all."""
    told = [each["events"] for each in affected.get("ranges", ()) if each["type"] in {"ECOSYSTEM", "SEMVER"}]
    try:
        return tuple(found for events in told for found in _ranges(sorted(events, key=_at)))
    except InvalidVersion:
        return ()


def _at(event: Mapping[str, str]) -> tuple[Version, bool]:
    """OSV promises no order. A version may be the end of one range and the beginning of the next."""
    (bound,) = (event[each] for each in ("introduced", "fixed", "last_affected", "limit") if each in event)
    return Version(bound), "introduced" in event


def _ranges(events: Iterable[Mapping[str, str]]) -> Iterable[Range]:
    introduced: str | None = None
    for event in events:
        if "introduced" in event:
            introduced = event["introduced"]
        elif introduced is not None and ("fixed" in event or "last_affected" in event):
            yield Range(introduced, event.get("fixed"), event.get("last_affected"))
            introduced = None
    if introduced is not None:
        yield Range(introduced)
