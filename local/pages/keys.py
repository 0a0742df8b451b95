"""Writes the table of keys into docs/architecture.md, between its markers: `python -m local.pages.keys`.

The docstring of `ringline.runtime.table` is the source. It stands beside the constants that it is about, and costs no
function an import.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from local.tools.places import ROOT
from ringline.runtime import table

PAGE = ROOT / "docs" / "architecture.md"

_BLOCK = re.compile(r"(<!-- keys:[^\n]*-->\n).*(<!-- /keys -->)", re.DOTALL)
_PART = re.compile(r"<[^<>]+>")
_RULE = re.compile(r"[|-]+")

_SPELLED = {"<+e164>": r"\+[0-9]+", "<shard>": r"[0-9]{2}", "<list>": r"[^*]+"}
_ANY = r"[^#*+]+"
"""Any other part: ids have no `#`, and no account is called `*`."""

_TABLES = "calls.tables"
"""What `tables` stands for among the writers."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A row of the table of keys: what is kept, under keys of which shape, and by what it is written."""

    item: str
    pk: str
    sk: str
    written_by: str

    def is_of(self, pk: str, sk: str) -> bool:
        """Whether an item with these keys is of this kind."""
        return is_like(self.pk, pk) and is_like(self.sk, sk)

    @property
    def writers(self) -> tuple[str, ...]:
        """The modules that write it, below `ringline`; none of what only earlier releases wrote."""
        named = re.findall(r"\b[a-z_]+(?:\.[a-z_]+)+\b", self.written_by)
        return tuple(re.sub(r"^tables\.", f"{_TABLES}.", name) for name in named)


@dataclass(frozen=True, slots=True)
class ShardRow:
    """A row of the table of DueIndex's keys."""

    shard: str
    holds: str


def is_like(shape: str, key: str) -> bool:
    """Whether the key has this shape, as `A#<account>#CALLS`."""
    return _pattern(shape).fullmatch(key) is not None


@cache
def _pattern(shape: str) -> re.Pattern[str]:
    texts, parts = map(re.escape, _PART.split(shape)), [_SPELLED.get(part, _ANY) for part in _PART.findall(shape)]
    return re.compile("".join(text + part for text, part in zip(texts, [*parts, ""], strict=True)))


def key_rows() -> list[KeyRow]:
    """What the one table holds."""
    return [KeyRow(*cells) for cells in _cells_below("item")]


def shard_rows() -> list[ShardRow]:
    """What its index holds."""
    return [ShardRow(*cells) for cells in _cells_below("due_shard")]


def with_keys(page: str) -> str:
    """The page's text with the tables as they are now. Raises ValueError if the markers are gone."""
    if not _BLOCK.search(page):
        raise ValueError("docs/architecture.md has lost its keys markers")
    return _BLOCK.sub(lambda found: f"{found[1]}\n{_tables()}\n{found[2]}", page)


def _cells_below(first: str) -> Iterator[list[str]]:
    """The cells of each row of the docstring's table whose first column is called so."""
    is_in_it = False
    for line in (table.__doc__ or "").splitlines():
        cells = [cell.strip() for cell in line.removeprefix("|").split("|")]
        if not line.startswith("|"):
            is_in_it = False
        elif cells[0] == first:
            is_in_it = True
        elif is_in_it and not _RULE.fullmatch(line):
            yield cells


def _tables() -> str:
    keys = [f"| {row.item} | `{row.pk}` | `{row.sk}` | {_writers(row)} |" for row in key_rows()]
    shards = [f"| `{row.shard}` | {row.holds} |" for row in shard_rows()]
    head, between = ["| item | pk | sk | written by |", "|---|---|---|---|"], ["", _OF_THE_INDEX, ""]
    return "\n".join([*head, *keys, *between, "| `due_shard` | what stands there |", "|---|---|", *shards, ""])


def _writers(row: KeyRow) -> str:
    """Each module as the file that it is, and what is said beside it."""
    _, bracket, note = row.written_by.partition(" (")
    files = [f"`{writer.replace('.', '/')}.py`" for writer in row.writers]
    return (", ".join(files) or row.written_by) + (f" ({note}" if bracket and files else "")


_OF_THE_INDEX = """\
`DueIndex` has the keys of what somebody has to look at from `due_at` (ms) on. Where the lists that all accounts share
are kept in shards, an account's keys stand in the shard that its id says."""


if __name__ == "__main__":
    PAGE.write_text(with_keys(PAGE.read_text()))
