"""Lists an account's calls, newest first, filtered as the SDK and our own API ask for it."""

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any

from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.pages import CallPages, Page, cursor_after
from ringline.calls.tables.wanted import Having, MetadataIs, Wanted
from ringline.calls.views.call_view import STATES_OF_STATUS
from ringline.runtime.web.answer_size import MOST_PAGE_BYTES, sent_bytes
from ringline.runtime.web.asked import MAX_LIMIT, limit_asked, moment_asked
from ringline.runtime.web.http import listing
from ringline.runtime.web.problems import FieldError, Problem, invalid_field

PAGING = frozenset({"limit", "cursor"})
FILTERS = frozenset(
    {
        "status",
        "call_status",
        "pipe_id",
        "agent_id",
        "direction",
        "end_reason",
        "to_number",
        "from_number",
        "created_after",
        "created_before",
    }
)
"""The SDK sends `call_status` and `pipe_id`, and nothing else to any list but `call_id` to that of recordings."""

MOST_OF_METADATA = 5
"""How many keys of metadata a list may be filtered by."""

_OF_METADATA = re.compile(r"metadata(?:\.(?P<dotted>.{1,128})|\[(?P<bracketed>.{1,128})\])", re.DOTALL)

type Query = Mapping[str, str]

type ReadNumber = Callable[[str], str]
"""The E.164 of a number as somebody writes it. Raises ValueError, whose message says why it is none."""


def list_calls(
    pages: CallPages,
    account_id: str,
    query: Query | None,
    now: int,
    read_number: ReadNumber,
    *,
    having: Having | None = None,
    most: int = MAX_LIMIT,
) -> Page:
    """A page of calls, at most `most`. `call_status` is the SDK's word for the filter, `status` ours; a filter without
    a word is left out. Raises Problem 422."""
    query = {name: word for name, word in (query or {}).items() if word}
    metadata = _metadata(query)
    query = {name: word for name, word in query.items() if not _OF_METADATA.fullmatch(name)}
    check_names(query, PAGING | FILTERS)
    wanted = _wanted(query, metadata, read_number, having)
    limit, cursor = limit_asked(query.get("limit"), most), query.get("cursor")
    try:
        page = None
        if wanted.is_in_flight:
            page = pages.in_flight(account_id, limit=limit, cursor=cursor, wanted=wanted, now=now)
        return page or pages.newest(account_id, limit=limit, cursor=cursor, wanted=wanted)
    except ValueError:
        raise invalid_field("cursor", "is not a cursor of ours") from None


def answer_page(page: Page, row_of: Callable[[Call], dict[str, Any] | None]) -> dict[str, Any]:
    """The page as it is answered. Where its rows grow larger than an answer may, it ends before the one too many, and
    its cursor goes on there. `row_of` may leave a call out, and is not asked for those behind the end."""
    rows: list[dict[str, Any]] = []
    size = 0
    for place, call in enumerate(page.calls):
        row = row_of(call)
        if row is None:
            continue
        size += sent_bytes(row)
        if rows and size > MOST_PAGE_BYTES:
            return listing(rows, cursor_after(page.calls[place - 1]))
        rows.append(row)
    return listing(rows, page.next_cursor)


def check_names(query: Iterable[str], known: frozenset[str]) -> None:
    """Raises Problem 422 that names each parameter that means nothing: a misspelled filter must not show every
    call."""
    strange = tuple(FieldError(name, "is not known here") for name in query if name not in known)
    if strange:
        names = ", ".join(sorted(known))
        raise Problem(422, "invalid_request", f"The parameters of this list are {names}", strange)


def _wanted(query: Query, metadata: tuple[MetadataIs, ...], read_number: ReadNumber, having: Having | None) -> Wanted:
    status = "call_status" if "call_status" in query else "status"
    return Wanted(
        states=_states(status, query.get(status)),
        pipe_id=query.get("pipe_id"),
        agent_id=query.get("agent_id"),
        direction=_direction(query.get("direction")),
        end_reasons=_end_reasons(query.get("end_reason")),
        to_number=_phone_number("to_number", query.get("to_number"), read_number),
        from_number=_phone_number("from_number", query.get("from_number"), read_number),
        metadata=metadata,
        created_from=moment_asked("created_after", query.get("created_after")),
        created_before=moment_asked("created_before", query.get("created_before")),
        having=having,
    )


def _metadata(query: Query) -> tuple[MetadataIs, ...]:
    """What is asked as `metadata.<key>=<value>`, or `metadata[<key>]=<value>`."""
    asked = [
        MetadataIs(named["dotted"] or named["bracketed"], word)
        for name, word in query.items()
        if (named := _OF_METADATA.fullmatch(name))
    ]
    if len(asked) > MOST_OF_METADATA:
        raise invalid_field("metadata", f"may be asked for by {MOST_OF_METADATA} keys at most")
    return tuple(asked)


def _phone_number(name: str, text: str | None, read_number: ReadNumber) -> str | None:
    if text is None:
        return None
    try:
        # A plus sign that was not written as %2B has come as a blank.
        return read_number(f"+{text[1:]}" if text.startswith(" ") else text)
    except ValueError as error:
        raise invalid_field(name, str(error)) from None


def _states(name: str, words: str | None) -> frozenset[State] | None:
    """The states behind one status or several with commas between."""
    if words is None:
        return None
    states: set[State] = set()
    for word in words.split(","):
        states |= STATES_OF_STATUS[_known(name, word, STATES_OF_STATUS)]
    return frozenset(states)


def _direction(word: str | None) -> Direction | None:
    return None if word is None else Direction(_known("direction", word, _words(Direction)))


def _end_reasons(words: str | None) -> frozenset[EndReason] | None:
    """One reason or several with commas between."""
    if words is None:
        return None
    return frozenset(EndReason(_known("end_reason", word, _words(EndReason))) for word in words.split(","))


def _words(meanings: type[StrEnum]) -> list[str]:
    return [each.value for each in meanings]


def _known(name: str, word: str, words: Iterable[str]) -> str:
    if word not in words:
        raise invalid_field(name, f"is not one of {', '.join(words)}")
    return word
