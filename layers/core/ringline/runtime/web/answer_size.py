"""How much one answer may hold.

Lambda sends 6 MB at most. The answer is text within its JSON, where each quotation mark of our own JSON takes a byte
more.
"""

import json
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
