"""Headers of an endpoint's own, which its deliveries carry beside ours: a tenant, a token of the receiver's gateway."""

import re
from collections.abc import Iterable

MOST_HEADERS = 10
LONGEST_VALUE = 1024

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")

_OURS = frozenset({"host", "content-length", "content-type", "content-encoding", "user-agent", "expect", "date"})
"""What the client says itself, or what says how the body is to be read."""

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Of one connection and not of the message (RFC 9110, 7.6.1)."""

_SIGNED = ("webhook-", "ringline-")
"""Names that receivers verify by, and those that may come."""


def header_fault(name: str, value: str) -> str | None:
    """What is wrong with a header, in a few words, or None."""
    lower = name.lower()
    if _NAME.fullmatch(name) is None:
        return "has a name that is not of letters, digits and dashes, at most 64 of them"
    if lower in _OURS or lower in _HOP_BY_HOP or lower.startswith(_SIGNED):
        return "is set by Ringline, or belongs to the connection"
    if len(value) > LONGEST_VALUE or _VALUE.fullmatch(value) is None:
        return f"must have a value of 1 to {LONGEST_VALUE} printable ASCII characters, without spaces at its ends"
    return None


def doubled(names: Iterable[str]) -> str | None:
    """A name that is there twice, however it is written, or None."""
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            return name
        seen.add(name.lower())
    return None
