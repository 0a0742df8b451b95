"""Takes the content of events that a customer has had deleted out of all that is kept of them."""

from collections.abc import Callable, Iterable
from typing import Protocol

from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event import Event


class Found(Protocol):
    def events_of(self, account_id: str, event_ids: Iterable[str]) -> list[Event]: ...

    def forget_answers(self, account_id: str, endpoint_ids: Iterable[str], sequences: Iterable[int]) -> None:
        """Takes what these endpoints of an account answered to these events out of the records of deliveries."""


type EraseEvent = Callable[[Event], bool]
"""Takes the content out of an event; whether there was any."""


class EraseEvents:
    """`endpoints` names an account's endpoints. What those that are deleted have answered is not found by them: it is
    not shown, and expires with its records."""

    def __init__(self, found: Found, erase: EraseEvent, endpoints: Callable[[str], list[Endpoint]]) -> None:
        self._found = found
        self._erase = erase
        self._endpoints = endpoints

    def run(self, account_id: str, event_ids: Iterable[str]) -> int:
        """How many events there were that had content. Asking again completes what broke off: answers are looked for
        also where the event itself is erased already."""
        events = self._found.events_of(account_id, event_ids)
        # Before the answers: whoever tries it from then on keeps none.
        erased = sum(self._erase(event) for event in events)
        if events:
            endpoint_ids = [endpoint.endpoint_id for endpoint in self._endpoints(account_id)]
            self._found.forget_answers(account_id, endpoint_ids, [event.sequence for event in events])
        return erased
