"""What a page is asked and what it answers, without a server around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Asked:
    """`path` is what stands behind the token, without a slash before it: its segments, decoded. `form` is a POST's
    body."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    body: bytes = b""
    status: int = 200
    content_type: str = HTML
    location: str | None = None
    """Where to go on, behind the token."""


def go_to(location: str) -> Answer:
    """After a change: the browser asks for a page, so that reloading it changes nothing again."""
    return Answer(status=303, location=location)
