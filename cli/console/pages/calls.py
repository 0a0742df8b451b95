"""Calls: those that are not over, the stuck ones first, then all of them, filtered."""

from cli.calling.unfinished import Found, unfinished
from cli.console.parts.asked import Answer, Asked
from cli.console.parts.html import page
from cli.console.parts.office import Office
from cli.console.parts.shell import shell_of
from cli.frame.moments import asked_moment

FILTERS = ("status", "direction", "end_reason", "to_number", "from_number", "pipe_id", "agent_id")
"""Those of GET /v1/calls that the page's form has, beside `since`."""

ROWS = 50


def calls(office: Office, asked: Asked) -> Answer:
    """A list. Raises Usage for a moment that is none."""
    shell = shell_of(office, asked, "calls")
    api = office.api(shell.account_id)
    said = {name: asked.query.get(name, "").strip() for name in (*FILTERS, "since")}
    wanted = {name: said[name] or None for name in FILTERS}
    wanted["created_after"] = asked_moment("since", said["since"] or None, office.now_ms)
    cursor = asked.query.get("cursor") or None
    listed = api.page("/v1/calls", {**wanted, "limit": ROWS, "cursor": cursor})
    is_first = cursor is None and not said["status"]
    not_over = unfinished(api, wanted, office.now_ms) if is_first else Found([], is_all=True)
    return page(
        "calls",
        shell=shell,
        said=said,
        unfinished=[(each.call, each.stuck) for each in not_over.calls],
        unfinished_count=not_over.count,
        listed=[(call, "") for call in listed.rows],
        next_cursor=listed.next_cursor,
    )
