"""What `GET /v1/account` tells, for people."""

from typing import Any

from rich.console import Group

from cli.shown.tables import of_rows, record


def account_page(document: dict[str, Any], now_ms: int) -> Group:
    """Lines and queue, then trunks and agents."""
    parts: list[Any] = [record({name: value for name, value in document.items() if not isinstance(value, list)})]
    for name, rows in document.items():
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            parts += ["", name, of_rows(rows, tuple(rows[0]))]
    return Group(*parts)
