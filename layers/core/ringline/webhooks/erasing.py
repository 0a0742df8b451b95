"""Takes the content of events that a customer has had deleted out of all that is kept of them."""

from collections.abc import Callable, Iterable
from typing import Protocol

from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event import Event


class Events(Protocol):
    def event(self, account_id: str, event_id: str) -> Event | None: ...

    def erase(self, event: Event) -> bool: ...


type Forget = Callable[[str, list[str], list[int]], None]
"""Takes what these endpoints of an account answered to these events out of the records of deliveries."""


class EraseEvents:
    """`endpoints` names an account's endpoints. What those that are deleted have answered is not found by them: it is
    not shown, and expires with its records."""

    def __init__(self, events: Events, endpoints: Callable[[str], list[Endpoint]], forget_answers: Forget) -> None:
        self._events = events
        self._endpoints = endpoints
        self._forget_answers = forget_answers

    def run(self, account_id: str, event_ids: Iterable[str]) -> int:
        """How many events there were that had content. Asking again completes what broke off: answers are looked for
        also where the event itself is erased already."""
        found = [self._events.event(account_id, event_id) for event_id in event_ids]
        events = [event for event in found if event is not None]
        # Before the answers: whoever tries it from then on keeps none.
        erased = sum(self._events.erase(event) for event in events)
        if events:
            endpoint_ids = [endpoint.endpoint_id for endpoint in self._endpoints(account_id)]
            self._forget_answers(account_id, endpoint_ids, [event.sequence for event in events])
        return erased
