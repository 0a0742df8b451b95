"""`calls`: a list, filtered, page by page or all of it into a file."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.frame.command import command
from cli.frame.desk import Desk
from cli.model.failures import Failure, Usage, problem_document
from cli.reach.api import Api, Document
from cli.shown.tables import at, plain, table
from cli.words.moments import date_and_time

COLUMNS = "call_id,created,direction,from_number,to_number,status,end_reason,duration_s"
EXPORTED = f"{COLUMNS},pipe_id,agent_id,sip_code,attempt,started_at,ended_at,metadata"
PAGE_ROWS = 200

_MOMENTS = frozenset({"created", "scheduled_at", "expires_at", "started_at", "ended_at"})
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


def add_commands(app: typer.Typer) -> None:
    command(app, "calls", panel="Calls")(list_calls)


def list_calls(
    desk: Desk,
    status: Annotated[
        str | None, typer.Option(help="pending, ringing, active, completed, failed; with commas.")
    ] = None,
    pipe: Annotated[str | None, typer.Option(help="Of this pipe.")] = None,
    agent: Annotated[str | None, typer.Option(help="Of this agent.")] = None,
    direction: Annotated[str | None, typer.Option(help="outbound or inbound.")] = None,
    reason: Annotated[str | None, typer.Option(help="End reasons, with commas.")] = None,
    to_number: Annotated[str | None, typer.Option("--to", help="To this number.")] = None,
    from_number: Annotated[str | None, typer.Option("--from", help="From this number.")] = None,
    metadata: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="With this in its metadata. May be repeated.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Made since: ISO 8601, or 30m, 2h, 7d ago.")] = None,
    until: Annotated[str | None, typer.Option(help="Made before: ISO 8601, or 30m, 2h, 7d ago.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many at most.")] = 20,
    every: Annotated[bool, typer.Option("--all", help="All there are, whatever the limit.")] = False,
    cursor: Annotated[str | None, typer.Option(help="Go on where the list before ended.")] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Fields with commas; a dot leads inside.")
    ] = None,
    export: Annotated[Format | None, typer.Option(help="Write all of them, and not a table.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file to export to; else stdout.")] = None,
) -> None:
    """Lists calls, newest first."""
    now_ms = desk.around.clock()
    query = {
        "status": status,
        "pipe_id": pipe,
        "agent_id": agent,
        "direction": direction,
        "end_reason": reason,
        "to_number": to_number,
        "from_number": from_number,
        "created_after": _moment("--since", since, now_ms),
        "created_before": _moment("--until", until, now_ms),
        "cursor": cursor,
        **_metadata(metadata or ()),
    }
    if output is not None and export is None:
        raise Usage("needs --export csv or --export jsonl", "--output")
    if export is not None:
        _export(desk, query, export, (columns or EXPORTED).split(","), output)
        return
    rows, next_cursor = _some(desk.api(), query, None if every else limit)
    names = (columns or COLUMNS).split(",")

    def people() -> Any:
        if not rows:
            return "no calls"
        desk.say(table(names, ([_shown(row, name) for name in names] for row in rows)))
        return desk.note(f"There are more: `--cursor {next_cursor}`, `--limit`, `--all`.") if next_cursor else None

    desk.show({"data": rows, "next_cursor": next_cursor}, people)


def _some(api: Api, query: dict[str, Any], limit: int | None) -> tuple[list[Document], str | None]:
    """So many rows, and the cursor of those behind them."""
    rows: list[Document] = []
    asked = dict(query)
    while True:
        asked["limit"] = PAGE_ROWS if limit is None else min(PAGE_ROWS, limit - len(rows))
        page = api.page("/v1/calls", asked)
        rows += page.rows
        if page.next_cursor is None or (limit is not None and len(rows) >= limit):
            return rows, page.next_cursor
        asked["cursor"] = page.next_cursor


def _export(desk: Desk, query: dict[str, Any], form: Format, columns: Sequence[str], output: Path | None) -> None:
    rows = desk.api().rows("/v1/calls", {**query, "limit": PAGE_ROWS})
    with _file(output) as file, _counted(desk, rows) as counted:
        count = _write(file, counted, form, columns)
    if output is not None:
        desk.show({"rows": count, "path": str(output)}, lambda: f"{count} calls in {output}")


def _write(file: TextIO, rows: Iterable[Document], form: Format, columns: Sequence[str]) -> int:
    """CSV has the columns alone, JSONL each call as the API shows it."""
    count = 0
    writer = csv.writer(file)
    if form is Format.CSV:
        writer.writerow(columns)
    for row in rows:
        if form is Format.CSV:
            writer.writerow([plain(at(row, name)) for name in columns])
        else:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    return count


@contextmanager
def _file(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    try:
        with path.open("w", newline="") as file:
            yield file
    except OSError as error:
        title = f"{path} cannot be written: {error.strerror}"
        raise Failure(problem_document(400, "not_written", title)) from None


@contextmanager
def _counted(desk: Desk, rows: Iterator[Document]) -> Iterator[Iterator[Document]]:
    """The rows, counted on stderr as they go by. How many there will be nobody knows."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.completed} calls"),
        TimeElapsedColumn(),
        console=desk.err,
        disable=desk.json or not desk.err.is_terminal,
    )
    with bar:
        yield iter(bar.track(rows, description="calls", total=None))


def _shown(row: Document, name: str) -> Any:
    value = at(row, name)
    return date_and_time(value) if name in _MOMENTS else value


def _metadata(words: Iterable[str]) -> dict[str, str]:
    asked: dict[str, str] = {}
    for word in words:
        name, is_said, value = word.partition("=")
        if not is_said or not name:
            raise Usage(f"{word!r} is not NAME=VALUE", "--metadata")
        asked[f"metadata.{name}"] = value
    return asked


def _moment(option: str, text: str | None, now_ms: int) -> str | None:
    """A moment as the API takes it."""
    if text is None:
        return None
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    if text[-1:] in _UNITS and text[:-1].isdecimal():
        return (now - int(text[:-1]) * _UNITS[text[-1]]).isoformat()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Usage(f"{text!r} is no moment: ISO 8601, or 30m, 2h, 7d for so long ago", option) from None
    return (moment if moment.tzinfo else moment.astimezone()).isoformat()
