"""What may be printed. Names, callers' numbers and answers of servers come from strangers, and a terminal obeys control
characters: they could move its cursor, change its title or hide a line. None is handed to it."""

import json
from typing import Any, TextIO

_KEPT = frozenset("\n\t")
_CONTROLS = [code for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in _KEPT]
"""C0, DEL and C1, which terminals take for the beginning of a command as well as ESC."""

_SEEN = dict.fromkeys(_CONTROLS, "\N{REPLACEMENT CHARACTER}")
_ESCAPED = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}
"""JSON itself escapes C0 alone."""


def printable(text: str) -> str:
    """The text with a sign in the place of each control character but for line ends and tabs."""
    return text.translate(_SEEN)


def json_text(document: Any, indent: int | None = None, to: TextIO | None = None) -> str:
    """The document in JSON, in which control characters are escaped: whoever reads it reads what there was. So is all
    that is not ASCII where the encoding of what it is written `to` does not have everything in it."""
    text = json.dumps(document, ensure_ascii=False, indent=indent).translate(_ESCAPED)
    try:
        text.encode(getattr(to, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(document, indent=indent).translate(_ESCAPED)
    return text
