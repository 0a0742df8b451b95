"""`calls`: a list, filtered, page by page or all of it into a file."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.calling.export import Format, export_calls
from cli.calling.unfinished import stuck as stuck_calls
from cli.frame.command import command
from cli.frame.desk import Desk
from cli.frame.moments import asked_moment
from cli.model.failures import Usage
from cli.reach.api import Api, Document
from cli.reach.things import AGENT, PIPE
from cli.shown.tables import at, of_rows, table
from cli.words.moments import date_and_time

COLUMNS = "call_id,created,direction,from_number,to_number,status,end_reason,duration_s"
EXPORTED = f"{COLUMNS},pipe_id,agent_id,sip_code,attempt,started_at,ended_at,metadata"
PAGE_ROWS = 200

_OF_STUCK = ("call_id", "direction", "from_number", "to_number", "status", "stuck")

_MOMENTS = frozenset({"created", "scheduled_at", "expires_at", "started_at", "ended_at"})


def add_commands(app: typer.Typer) -> None:
    command(app, "calls", "calls --status failed --since 2h --reason USER_BUSY", panel="Calls")(list_calls)


def list_calls(
    desk: Desk,
    status: Annotated[
        str | None, typer.Option(help="pending, ringing, active, completed, failed; with commas.")
    ] = None,
    pipe: Annotated[str | None, typer.Option(metavar="PIPE", help="Of this pipe."), PIPE] = None,
    agent: Annotated[str | None, typer.Option(metavar="AGENT", help="Of this agent."), AGENT] = None,
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
    stuck: Annotated[
        bool, typer.Option("--stuck", help="Only those that stand longer where they stand than they should.")
    ] = False,
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
        "created_after": asked_moment("--since", since, now_ms),
        "created_before": asked_moment("--until", until, now_ms),
        "cursor": cursor,
        **_metadata(metadata or ()),
    }
    if output is not None and export is None:
        raise Usage("needs --export csv or --export jsonl", "--output")
    if stuck and export is not None:
        raise Usage("shows the calls that are stuck, and does not export: --json writes them as a document", "--stuck")
    if stuck:
        _show_stuck(desk, {name: each for name, each in query.items() if name not in {"status", "cursor"}})
        return
    if export is not None:
        every_row = desk.api().rows("/v1/calls", {**query, "limit": PAGE_ROWS})
        export_calls(desk, every_row, export, (columns or EXPORTED).split(","), output)
        return
    rows, next_cursor = _some(desk.api(), query, None if every else limit)
    names = (columns or COLUMNS).split(",")

    def people() -> Any:
        if not rows:
            return "no calls"
        desk.say(table(names, ([_shown(row, name) for name in names] for row in rows)))
        return desk.note(f"There are more: `--cursor {next_cursor}`, `--limit`, `--all`.") if next_cursor else None

    desk.show({"data": rows, "next_cursor": next_cursor}, people)


def _show_stuck(desk: Desk, query: dict[str, Any]) -> None:
    found = stuck_calls(desk.api(), query, desk.around.clock())
    rows = [each.call | {"stuck": each.stuck} for each in found.calls]
    desk.show({"data": rows, "next_cursor": None}, lambda: of_rows(rows, _OF_STUCK) if rows else "no call is stuck")


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
