"""Lists an account's calls, newest first, filtered as the SDK and our own API ask for it."""

from collections.abc import Mapping

from ringline.calls.call import State
from ringline.calls.call_pages import CallPages, Having, Page
from ringline.calls.view import STATES_OF_STATUS
from ringline.runtime.problems import invalid_field

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


def list_calls(
    pages: CallPages, account_id: str, query: Mapping[str, str] | None, having: Having | None = None
) -> Page:
    """A page of calls. `call_status` is the SDK's word for the filter, `status` ours. Raises Problem 422."""
    query = query or {}
    name = "call_status" if "call_status" in query else "status"
    try:
        return pages.newest(
            account_id,
            states=_states(name, query.get(name)),
            pipe_id=query.get("pipe_id"),
            limit=_limit(query.get("limit")),
            cursor=query.get("cursor"),
            having=having,
        )
    except ValueError:
        raise invalid_field("cursor", "is not a cursor of ours") from None


def _states(name: str, words: str | None) -> frozenset[State] | None:
    """The states behind one status or several with commas between."""
    if not words:
        return None
    states: set[State] = set()
    for word in words.split(","):
        if word not in STATES_OF_STATUS:
            raise invalid_field(name, f"is not one of {', '.join(STATES_OF_STATUS)}")
        states |= STATES_OF_STATUS[word]
    return frozenset(states)


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not text.isdecimal() or not 1 <= int(text) <= MAX_LIMIT:
        raise invalid_field("limit", f"is not a whole number from 1 to {MAX_LIMIT}")
    return int(text)
