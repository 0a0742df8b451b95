"""`audit`: who changed what."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from cli.frame.command import command
from cli.frame.desk import Desk
from cli.frame.moments import asked_moment
from cli.shown.tables import of_rows

COLUMNS = ("at", "action", "resource", "outcome", "who", "source_ip", "changed")

_Moment = Annotated[str | None, typer.Option(metavar="MOMENT", help="ISO 8601, or 30m, 2h, 7d for so long ago.")]


def add_commands(app: typer.Typer) -> None:
    command(app, "audit", "audit --resource pipes --since 7d", panel="Operating")(audit)


def audit(
    desk: Desk,
    resource: Annotated[
        str | None, typer.Option(metavar="RESOURCE", help="Of that thing, pipes/pipe_1, or of a kind, pipes.")
    ] = None,
    key: Annotated[str | None, typer.Option(metavar="KEY_ID", help="With that API key.")] = None,
    outcome: Annotated[str | None, typer.Option(metavar="WORD", help="begun, done, refused or failed.")] = None,
    since: _Moment = None,
    until: _Moment = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="So many.")] = 50,
    deployment: Annotated[
        bool, typer.Option("--deployment", help="(operator) Of what all accounts share: secrets, voices, trunks.")
    ] = False,
) -> None:
    """Who changed what of your account: its set-up, keys, limits and content, the newest first, for 400 days."""
    now = desk.around.clock()
    span = {"since": asked_moment("--since", since, now), "until": asked_moment("--until", until, now)}
    asked = {"resource": resource, "key_id": key, "outcome": outcome, **span, "limit": limit}
    rows, more = _of_deployment(desk, asked) if deployment else _of_account(desk, asked)
    shown = [row | {"changed": [each["field"] for each in row["changes"]]} for row in rows]
    desk.show({"data": rows, "next_cursor": more}, lambda: of_rows(shown, COLUMNS) if shown else "no changes")
    if more is not None and rows:
        desk.note(f"There may be more: `--until {rows[-1]['at']}`.")


def _of_account(desk: Desk, asked: dict[str, Any]) -> tuple[Sequence[dict[str, Any]], str | None]:
    page = desk.api().page("/v1/audit", {name: word for name, word in asked.items() if word is not None})
    return page.rows, page.next_cursor


def _of_deployment(desk: Desk, asked: dict[str, Any]) -> tuple[Sequence[dict[str, Any]], str | None]:
    from ringline.audit.entry import Outcome
    from ringline.audit.log import Wanted
    from ringline.audit.view import entry_view
    from ringline.runtime.table import OF_THE_DEPLOYMENT
    from ringline.runtime.web.asked import moment_asked

    wanted = Wanted(
        resource=asked["resource"],
        who=asked["key_id"],
        outcome=None if asked["outcome"] is None else Outcome.kept(asked["outcome"]),
        since=moment_asked("since", asked["since"]),
        until=moment_asked("until", asked["until"]),
    )
    page = desk.deployment().audit.page(OF_THE_DEPLOYMENT, wanted, asked["limit"], None)
    return [entry_view(each) for each in page.entries], page.next_cursor
