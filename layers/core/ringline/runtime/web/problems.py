"""Errors as callers see them: RFC 9457 problem details with a stable `code`, which also carries the SDK's `detail`
string.

The tree:  Problem (an answer) - raised by use cases and stores, mapped to HTTP in one place (`runtime.http`).
"""

from dataclasses import dataclass, field
from typing import Any

AGAIN_AFTER_S = 1


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: where it is (`to_number`, `data.customer`) and what is wrong with it."""

    field: str
    message: str


@dataclass(eq=False)
class Problem(Exception):
    """A refusal the caller can act on. `code` is stable and documented; `title` is for people and never holds personal
    data; `help` is the page of this project that says more. A 503 says when to ask again: in AGAIN_AFTER_S where
    `headers` have no `Retry-After`."""

    status: int
    code: str
    title: str
    errors: tuple[FieldError, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    help: str | None = None

    def __post_init__(self) -> None:
        if self.status == 503 and not any(name.lower() == "retry-after" for name in self.headers):
            self.headers = {**self.headers, "retry-after": str(AGAIN_AFTER_S)}

    def body(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "type": f"urn:ringline:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.code,
        }
        if self.errors:
            document["errors"] = [{"field": each.field, "message": each.message} for each in self.errors]
        if self.help is not None:
            document["help"] = self.help
        return document


def invalid_field(name: str, message: str, *, code: str = "invalid_request") -> Problem:
    """422 for one wrong field of a readable body."""
    return Problem(422, code, f"{name}: {message}", (FieldError(name, message),))


def not_found(code: str, title: str) -> Problem:
    return Problem(404, code, title)
