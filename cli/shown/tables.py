"""Rows and records for people. What the API tells is printed as text: nothing of it is taken for markup."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli.shown.printable import printable

_STATUS_STYLES = {
    "completed": "green",
    "active": "green",
    "ok": "green",
    "live": "green",
    "LINKED": "green",
    "available": "green",
    "assigned": "green",
    "ringing": "yellow",
    "pending": "yellow",
    "warn": "yellow",
    "draining": "yellow",
    "PENDING_VERIFY": "yellow",
    "incomplete": "yellow",
    "failed": "red",
    "fail": "red",
    "disabled": "red",
    "revoked": "red",
    "expired": "red",
    "ERROR": "red",
    "gone": "red",
    "skipped": "dim",
}


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> Table:
    """A table without lines, whose columns are as wide as their content."""
    made = Table(box=None, pad_edge=False, title=title, title_justify="left", title_style="bold", header_style="dim")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(cell(each) for each in row))
    return made


def of_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Table:
    """The fields that `columns` names of each row. A dot leads into a field: `queue.blocked_by`."""
    return table(
        [column.rpartition(".")[2] for column in columns], [[at(row, each) for each in columns] for row in rows]
    )


def record(document: Mapping[str, Any], names: Sequence[str] | None = None) -> Table:
    """A record's fields, each on a line of its own; what is not set is left out."""
    made = Table(box=None, pad_edge=False, show_header=False)
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name in names or tuple(document):
        value = document.get(name)
        if value not in (None, "", [], {}):
            made.add_row(name, cell(value))
    return made


def at(row: Mapping[str, Any], path: str) -> Any:
    """What stands at a path of names with dots between, None where nothing does."""
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def plain(value: Any) -> str:
    """A value on one line."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case str() | int():
            return str(value)
        case list() | tuple() if all(isinstance(each, str | int) for each in value):
            return ", ".join(str(each) for each in value)
        case _:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def cell(value: Any) -> RenderableType:
    if isinstance(value, Text | Table):
        return value
    # Replaced here already: the width of a column is taken from what will be printed.
    text = printable(plain(value))
    return Text(text, style=_STATUS_STYLES.get(text, ""))
