"""Lists of deliveries: what is wanted of them, and where a page ends."""

from ringline.record import stored
from ringline.webhooks.model.delivery import Delivery
from ringline.webhooks.model.event_type import told_as

LAST_OF_ALL = 10**15 - 1
"""The greatest number that a place of the log is written with."""


@stored(kw_only=True)
class Wanted:
    """Which deliveries a list is to show. `event_types` are as in subscriptions; `first` and `last` are the numbers of
    the first and the last event."""

    statuses: frozenset[str] | None = None
    event_types: frozenset[str] | None = None
    call_id: str | None = None
    first: int = 1
    last: int = LAST_OF_ALL

    def fits(self, delivery: Delivery) -> bool:
        return (
            (self.statuses is None or delivery.status in self.statuses)
            and (self.event_types is None or told_as(self.event_types, delivery.event_type) is not None)
            and (self.call_id is None or delivery.call_id == self.call_id)
        )


@stored
class Place:
    """A delivery's place in a list: its event's number, then its endpoint."""

    sequence: int
    endpoint_id: str


@stored
class Page:
    """`behind` is where the next page begins; None at the end of the list."""

    deliveries: tuple[Delivery, ...]
    behind: Place | None


def place_of(delivery: Delivery) -> Place:
    """Where it stands in a list."""
    return Place(delivery.id.sequence, delivery.id.endpoint_id)
