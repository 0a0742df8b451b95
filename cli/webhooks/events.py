"""`webhook events`: the account's log of events, as far as it is kept."""

from typing import Annotated

import typer

from cli.frame.command import command
from cli.frame.desk import Desk
from cli.reach.api import segment
from cli.shown.tables import of_rows
from cli.things.shown import show_record

_COLUMNS = ("sequence", "timestamp", "type", "id", "data.call_id", "data.end_reason")


def add_commands(app: typer.Typer) -> None:
    command(app, "events", "webhook events --after 41 --type call.ended")(events)
    command(app, "event", "webhook event evt_0123456789abcdef0123456789abcdef")(event)


def events(
    desk: Desk,
    after: Annotated[int, typer.Option(min=0, metavar="N", help="Behind this number.")] = 0,
    event_type: Annotated[str | None, typer.Option("--type", metavar="TYPES", help="Of these types.")] = None,
    call: Annotated[str | None, typer.Option(metavar="CALL", help="Of this call.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="So many are looked at.")] = 50,
) -> None:
    """Lists all that happened, in order: numbers have no gap."""
    page = desk.api().page("/v1/events", {"after": after, "type": event_type, "call_id": call, "limit": limit})
    desk.show(page.as_json(), lambda: of_rows(page.rows, _COLUMNS) if page.rows else "no events")
    if page.next_cursor is not None:
        desk.note(f"There may be more: `--after {page.next_cursor}`.")


def event(
    desk: Desk, event_id: Annotated[str, typer.Argument(metavar="EVENT", help="Its id, evt_...", show_default=False)]
) -> None:
    """One event, as endpoints were told it."""
    show_record(desk, desk.api().get(f"/v1/events/{segment(event_id)}"))
