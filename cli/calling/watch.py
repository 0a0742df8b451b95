"""`watch`: lines, queue, calls, agents, trunks, runners and workers, as they change."""

from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from cli.calling.unfinished import counted
from cli.frame.command import command
from cli.frame.desk import Desk
from cli.model.failures import ExitCode, Failure, is_passing
from cli.reach.api import Api, Document
from cli.shown.account import account_page
from cli.shown.tables import of_rows, table
from cli.things.presence import RUNNER_COLUMNS, WORKER_COLUMNS
from cli.words.moments import length, since

MOST_CALLS = 20


def add_commands(app: typer.Typer) -> None:
    command(app, "watch", "watch --every 2", panel="Watching")(watch)


def watch(
    desk: Desk,
    every_s: Annotated[float, typer.Option("--every", min=0.2, metavar="SECONDS", help="How often to look.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Look once; also where nobody watches a terminal.")] = False,
) -> None:
    """Shows lines, queue, calls, agents, trunks, runners and workers, live. Ctrl-C ends it."""
    api = desk.api()
    if once or desk.json or not desk.out.is_terminal:
        seen = look(api)
        desk.show(seen, lambda: page(seen, desk.around.clock()))
        return
    shown = page(look(api), desk.around.clock())
    try:
        with Live(shown, console=desk.out, screen=True, auto_refresh=False) as live:
            while True:
                desk.around.sleep(every_s)
                try:
                    shown = page(look(api), desk.around.clock())
                    live.update(shown, refresh=True)
                except Failure as failure:
                    if not is_passing(failure):
                        raise
                    live.update(Group(Text(str(failure), style="bold red"), shown), refresh=True)
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.OK) from None


def look(api: Api) -> Document:
    """All that is watched, at one moment or nearly. `more` names the lists that are not whole."""
    pages = {
        "calls": api.page("/v1/calls", {"status": "ringing,active", "limit": MOST_CALLS}),
        "runners": api.page("/v1/runners"),
        "workers": api.page("/v1/workers", {"kind": "media"}),
    }
    return {
        "account": api.get("/v1/account"),
        **{name: each.rows for name, each in pages.items()},
        "more": [name for name, each in pages.items() if each.next_cursor is not None],
    }


def count_of(seen: Document, name: str) -> str:
    """How many of something are seen, for people: `20+` where there are more."""
    return counted(len(seen[name]), name not in seen["more"])


def page(seen: Document, now_ms: int) -> Group:
    """What is watched, for people."""
    parts: list[Any] = [account_page(seen["account"], now_ms)]
    parts += ["", Text(f"calls on a line ({count_of(seen, 'calls')})", style="bold"), _calls(seen["calls"], now_ms)]
    for title, columns in (("runners", RUNNER_COLUMNS), ("workers", WORKER_COLUMNS)):
        rows = seen[title]
        parts += ["", Text(f"{title} ({count_of(seen, title)})", style="bold")]
        if rows:
            parts.append(of_rows(rows, columns))
    return Group(*parts)


def _calls(calls: list[Document], now_ms: int) -> Any:
    if not calls:
        return Text("nobody", style="dim")
    rows = [
        [
            call.get("call_id"),
            call.get("direction"),
            call.get("from_number"),
            call.get("to_number"),
            call.get("status"),
            since(call.get("started_at"), now_ms) or length(0),
            call.get("agent_id"),
        ]
        for call in calls
    ]
    return table(("call", "direction", "from", "to", "status", "for", "agent"), rows)
