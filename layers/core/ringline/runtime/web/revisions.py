"""Revisions: what can be changed counts its changes, shows the count as its `ETag`, and is changed under `If-Match`
only where it still is what the client has read (RFC 9110, 13.1.1).

Without `If-Match` the last writer wins. A change that stands already is no conflict (RFC 9110, 13.1.1): whoever was
answered 503 half-way says the same again, with the same `If-Match`, and it goes on.
"""

import re
from collections.abc import Mapping
from typing import Any

from ringline.runtime.web.http import header
from ringline.runtime.web.problems import Problem

FIRST_REVISION = 1
_NO_REVISION = 0
_ANY = "*"
_REVISION = re.compile(r'"?([1-9][0-9]{0,14})"?')


def etag(revision: int) -> str:
    """The revision as the header `ETag` says it, in quotation marks."""
    return f'"{revision}"'


def revised(revision: int) -> dict[str, str]:
    """The headers of an answer that shows something of this revision."""
    return {"ETag": etag(revision)}


def if_match(event: Mapping[str, Any]) -> int | None:
    """The revision that the request's `If-Match` asks for, written as an ETag or as the bare number; None if any will
    do. What is no revision of ours is 0, which nothing has."""
    told = (header(event, "if-match") or _ANY).strip()
    if told == _ANY:
        return None
    read = _REVISION.fullmatch(told)
    return int(read[1]) if read else _NO_REVISION


def check_revision(wanted: int | None, revision: int, *, is_so: bool = False) -> None:
    """Raises Problem 412 `revision_conflict`, with the present `ETag`, unless `revision` is the wanted one, or comes
    after it and `is_so` already as the request asks."""
    if wanted in {None, revision}:
        return
    if not (is_so and _NO_REVISION < (wanted or _NO_REVISION) < revision):
        raise Problem(
            412,
            "revision_conflict",
            f"It was changed meanwhile: its revision is {revision}. Read it, and change that",
            headers=revised(revision),
        )
