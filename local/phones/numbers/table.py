"""Lines of the telephone book as tables in Markdown."""

from collections.abc import Iterable

from local.phones.numbers.beyond import BEYOND_NUMBERS
from local.phones.numbers.book import LONG_RING_S, REFUSES_AFTER_LONG, REFUSES_AFTER_RINGING, REFUSES_AT_ONCE
from local.phones.numbers.sandbox_number import SandboxNumber

_HEAD = ("| number | the phone | end reason |", "|---|---|---|")
_FAMILIES = (
    f"| `{REFUSES_AT_ONCE}NNN` | refuses at once with SIP code NNN | by the code |",
    f"| `{REFUSES_AFTER_RINGING}NNN` | rings, then refuses with NNN | by the code |",
    f"| `{REFUSES_AFTER_LONG}NNN` | rings {LONG_RING_S:.0f} s, then refuses with NNN | by the code |",
    "| any other | as `+15550100200` | USER_HUNG_UP_IN_CALL |",
)


def table_of(entries: Iterable[SandboxNumber]) -> str:
    """A table with a row for each number."""
    return _table(f"| `{entry.number}` | {entry.does} | {entry.end_reason} |" for entry in entries)


def families_table() -> str:
    """The table of the numbers that are not listed one by one."""
    return _table(_FAMILIES)


def beyond_table() -> str:
    """The table of the ends that no number brings about."""
    rows = (f"| {each.to_do} | {each.end_reason} |" for each in BEYOND_NUMBERS)
    return "\n".join(("| do this | end reason |", "|---|---|", *rows)) + "\n"


def _table(rows: Iterable[str]) -> str:
    return "\n".join((*_HEAD, *rows)) + "\n"
