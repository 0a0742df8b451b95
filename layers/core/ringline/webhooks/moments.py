"""Where in an account's log of events a moment lies: numbers and moments grow together."""

from typing import Protocol

from ringline.webhooks.model.event import Event


class Events(Protocol):
    def page(self, account_id: str, after: int, limit: int) -> list[Event]: ...

    def last_number(self, account_id: str) -> int: ...


def first_written_since(events: Events, account_id: str, moment: int) -> int:
    """The number of the first event that is kept and was written at that moment (ms) or later; behind the last one if
    none was. Some 20 reads, however long the log is: it halves it again and again."""
    first, behind = 1, events.last_number(account_id) + 1
    while first < behind:
        middle = (first + behind) // 2
        # Those before it may have expired: what is kept begins with any number.
        found = events.page(account_id, middle - 1, 1)
        if not found or found[0].sequence >= behind or found[0].written_at >= moment:
            behind = middle
        else:
            first = found[0].sequence + 1
    return first
