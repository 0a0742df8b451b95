"""The records that are kept in the repository, of the packages that are locked and no others, and how they are taken
anew."""

import json
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from local.audit.advisories import Advisory, read_kept, read_record
from local.tools.places import ROOT

KEPT = ROOT / "requirements" / "advisories.json"
DUMP = "https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip"
"""OSV's dump of all records of PyPI: some 20 MB."""
_WITHIN_S = 60
_DAY = len("2026-11-29")


class NoSnapshot(Exception):
    """There are no records to hold the locks against. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`taken_on` is the day of the latest record of the dump (2026-11-29), `packages` are those
    whose holes were looked for: of others nothing is known."""

    taken_on: str
    source: str
    packages: frozenset[str]
    advisories: tuple[Advisory, ...]


def read(path: Path = KEPT) -> Snapshot:
    """Raises NoSnapshot where there is none, or one of another form."""
    try:
        told = json.loads(path.read_text())
        advisories = tuple(map(read_kept, told["advisories"]))
        return Snapshot(told["taken_on"], told["source"], frozenset(told["packages"]), advisories)
    except FileNotFoundError:
        why = f"there is no {path.name}: `make audit-refresh`, where OSV can be reached, makes one"
        raise NoSnapshot(why) from None
    except (ValueError, KeyError, TypeError) as error:
        raise NoSnapshot(f"{path.name} cannot be read: {error!r}") from None


def write(snapshot: Snapshot, path: Path = KEPT) -> None:
    """A line for each advisory, so that a change of the snapshot can be read as one."""
    head = {"taken_on": snapshot.taken_on, "source": snapshot.source, "packages": sorted(snapshot.packages)}
    ordered = sorted(snapshot.advisories, key=lambda each: (each.package, each.id))
    lines = ",\n".join(json.dumps(each.as_kept(), sort_keys=True) for each in ordered)
    path.write_text(json.dumps(head, indent=0)[:-2] + f',\n"advisories": [\n{lines}\n]\n}}\n')


def take(source: str, packages: frozenset[str]) -> Snapshot:
    """Anew from OSV's dump, or from such a file. Raises NoSnapshot for what is out of reach, or no dump."""
    try:
        if _is_url(source):
            with urllib.request.urlopen(source, timeout=_WITHIN_S) as answer:
                dump = answer.read()
        else:
            dump = Path(source).read_bytes()
        records = list(_records(dump))
        taken_on = max((str(record["modified"])[:_DAY] for record in records), default="")
        advisories = tuple(found for record in records for found in read_record(record, packages))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise NoSnapshot(f"no records from {source}: {error}") from None
    if not advisories:
        # Of so many packages some always have had one: this is no dump of OSV's.
        raise NoSnapshot(f"{source} has no record of any package that is locked")
    return Snapshot(taken_on, source if _is_url(source) else Path(source).name, packages, advisories)


def _is_url(source: str) -> bool:
    """Plain HTTP is for a mirror within one's own network: what is taken is read as a diff before it is committed."""
    return source.startswith(("https://", "http://"))


def _records(dump: bytes) -> Iterator[dict[str, Any]]:
    with zipfile.ZipFile(BytesIO(dump)) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield json.loads(archive.read(name))
