"""What `GET /v1/account` tells, for people."""

from typing import Any

from rich.console import Group
from rich.text import Text

from cli.shown.tables import of_rows, record, table
from cli.words.moments import length, until

_TRUNK_COLUMNS = ("trunk_id", "takes_calls", "calls_per_second")
_BAR_CELLS = 30


def account_page(account: dict[str, Any], now_ms: int) -> Group:
    """Lines and queue, then what holds calls back, trunks, agents, endpoints that fail."""
    lines, waiting = account.get("lines") or {}, account.get("waiting") or {}
    callers = account.get("callers") or {}
    parts: list[Any] = [
        Text(f"{account.get('name')} ({account.get('account_id')})", style="bold"),
        record(
            {
                "lines": Text.assemble(_bar(lines), f"  {lines.get('in_use')} of {lines.get('cap')} in use"),
                "callers on a line": callers.get("on_a_line"),
                "waiting": waiting.get("calls"),
                "longest wait": length(waiting.get("longest_wait_s")),
                "next start in": until(waiting.get("next_start_at"), now_ms),
                "country": account.get("country"),
                **{f"{name.replace('_', ' ')} today": _of_cap(use) for name, use in _capped(account)},
            }
        ),
    ]
    blocks = account.get("blocked_by") or ()
    if blocks:
        rows = [[each["what"], each["calls"], each["names"], until(each["until"], now_ms)] for each in blocks]
        parts += _titled("what calls wait for", table(("what", "calls", "of", "over in"), rows))
    if account.get("trunks"):
        parts += _titled("trunks", of_rows(account["trunks"], _TRUNK_COLUMNS))
    if account.get("agents"):
        parts += _titled("agents", _agents(account["agents"], now_ms))
    failing = account.get("failing_endpoints") or ()
    if failing:
        rows = [
            [each["endpoint_id"], each["url"], each["failing_since"], until(each["disabled_at"], now_ms)]
            for each in failing
        ]
        parts += _titled("webhook endpoints that fail", table(("endpoint", "url", "since", "disabled in"), rows))
    return Group(*parts)


def _capped(account: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What of the day has a cap."""
    daily = account.get("daily") or {}
    return [(name, use) for name, use in daily.items() if isinstance(use, dict) and use.get("cap") is not None]


def _of_cap(use: dict[str, Any]) -> str:
    own = ", the account's own cap" if use.get("own_cap") == use["cap"] else ""
    return f"{use['used']:g} of {use['cap']:g}{own}"


def _bar(lines: dict[str, Any]) -> Text:
    """Used lines, filled, of all there are."""
    cap, in_use = lines.get("cap") or 0, lines.get("in_use") or 0
    cells = min(_BAR_CELLS, max(cap, 1))
    filled = 0 if cap == 0 else min(cells, -(-in_use * cells // cap))
    return Text.assemble(("█" * filled, "green"), ("░" * (cells - filled), "dim"))


def _agents(agents: list[dict[str, Any]], now_ms: int) -> Any:
    rows = [
        [each["agent_id"], *_runners(each.get("runners")), until(each.get("rests_until"), now_ms)] for each in agents
    ]
    return table(("agent", "runners", "places", "rests for"), rows)


def _runners(runners: dict[str, Any] | None) -> list[Any]:
    return ["", ""] if runners is None else [runners["there"], f"{runners['in_use']} of {runners['places']} in use"]


def _titled(title: str, part: Any) -> list[Any]:
    return ["", Text(title, style="bold"), part]
