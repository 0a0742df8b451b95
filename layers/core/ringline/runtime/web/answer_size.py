"""How much one answer may hold.

Lambda sends 6 MB at most. The answer is text within its JSON, where each quotation mark of our own JSON takes a byte
more.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

MOST_PAGE_BYTES = 4 * 1024 * 1024
"""Where a page of a list ends. One row may be larger and then stands alone."""

MOST_TRANSCRIPT_BYTES = 5 * 1024 * 1024
"""What the turns of a transcript may take: the rest of its call (summary, usage, `data`) stays below the last
megabyte."""


def sent_bytes(part: Any) -> int:
    """What a part of an answer takes of Lambda's 6 MB."""
    text = json.dumps(part, separators=(",", ":"), ensure_ascii=False)
    return len(json.dumps(text, ensure_ascii=False).encode())


def fitting[Listed](
    listed: Iterable[Listed],
    shown: Callable[[Listed], dict[str, Any]],
    cursor_behind: Callable[[Listed], str | None],
    next_cursor: str | None,
) -> tuple[list[dict[str, Any]], str | None]:
    """The rows of a page as far as one answer holds them, and the cursor of what is behind the last."""
    rows: list[dict[str, Any]] = []
    size = 0
    last: Listed | None = None
    for each in listed:
        row = shown(each)
        size += sent_bytes(row)
        if last is not None and size > MOST_PAGE_BYTES:
            return rows, cursor_behind(last)
        rows.append(row)
        last = each
    return rows, next_cursor
