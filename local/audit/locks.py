"""Which versions the locks of requirements/ hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@dataclass(frozen=True, slots=True, order=True)
class Locked:
    """A package at a version, by its canonical name, and the locks that hold it."""

    name: str
    version: str
    locks: tuple[str, ...]


def locked_in(folder: Path) -> list[Locked]:
    """Every package at every version, by name. Raises InvalidRequirement for a line that is none."""
    found: dict[tuple[str, str], list[str]] = {}
    for lock in sorted(folder.glob("*.txt")):
        for requirement in map(Requirement, _requirements(lock.read_text().splitlines())):
            for pin in requirement.specifier:
                found.setdefault((canonicalize_name(requirement.name), pin.version), []).append(lock.stem)
    return [Locked(name, version, tuple(locks)) for (name, version), locks in sorted(found.items())]


def _requirements(lines: Iterable[str]) -> Iterable[str]:
    """The lines that begin a requirement: hashes and comments follow, indented."""
    return (line.removesuffix("\\").strip() for line in lines if line[:1].isalnum())
