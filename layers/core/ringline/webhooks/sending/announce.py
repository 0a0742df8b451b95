"""An event of a call or of an account is written, and then becomes one message for each endpoint that wants it.

endpoints are read -> event is appended -> those that were disabled are read again -> messages
                  '-- one is enabled, and a replay of what it has missed ends with the last event of that moment:
                      before this one, which nobody would send there without the second reading
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from ringline.webhooks.model.delivery import DeliveryId
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event import Event, EventDraft
from ringline.webhooks.model.event_type import EventType, told_as
from ringline.webhooks.sending.queue import DeliveryMessage, DeliveryQueue

ALWAYS_WRITTEN = frozenset(
    {
        EventType.CALL_ENDED,
        EventType.ENDPOINT_FAILING,
        EventType.ENDPOINT_DISABLED,
        EventType.ACCOUNT_LIMIT_REACHED,
    }
)
"""Written also where no endpoint asks for it, so that the log of an account has each call's end, and the few events of
the account itself."""


class Endpoints(Protocol):
    def endpoints(self, account_id: str) -> list[Endpoint]: ...


class Events(Protocol):
    def append(self, draft: EventDraft) -> Event: ...

    def append_all(self, drafts: Sequence[EventDraft]) -> list[Event]: ...


class Announcer:
    """Make one for each invocation: it reads an account's endpoints once and would not see one that is made later.
    Where a disabled one has subscribed it reads them once more behind what it appends."""

    def __init__(self, endpoints: Endpoints, events: Events, queue: DeliveryQueue) -> None:
        self._endpoints = endpoints
        self._events = events
        self._queue = queue
        self._read: dict[str, list[Endpoint]] = {}
        # The last reading, unless something was appended since.
        self._read_behind: dict[str, list[Endpoint]] = {}
        self._ahead: dict[str, Event] = {}

    def may_write(self, account_id: str, event_type: EventType) -> bool:
        """Whether an endpoint has subscribed to this type, of whatever calls."""
        if event_type in ALWAYS_WRITTEN:
            return True
        return any(told_as(endpoint.event_types, event_type) for endpoint in self._endpoints_of(account_id))

    def _endpoints_of(self, account_id: str) -> list[Endpoint]:
        if account_id not in self._read:
            self._read[account_id] = self._read_behind[account_id] = self._endpoints.endpoints(account_id)
        return self._read[account_id]

    def write_ahead(self, drafts: Iterable[EventDraft]) -> None:
        """Writes what is to be announced one by one hereafter, an account's together. Whoever dies in between
        announces it again, and finds it written."""
        of_account: dict[str, list[EventDraft]] = {}
        for draft in drafts:
            if draft.event_type in ALWAYS_WRITTEN or self._subscribed(draft):
                of_account.setdefault(draft.account_id, []).append(draft)
        for those in of_account.values():
            if len(those) > 1:
                self._ahead |= {event.event_id: event for event in self._events.append_all(those)}
                self._read_behind.pop(those[0].account_id, None)

    def _subscribed(self, draft: EventDraft) -> list[Endpoint]:
        return [endpoint for endpoint in self._endpoints_of(draft.account_id) if endpoint.subscribes(draft)]

    def announce(self, draft: EventDraft) -> int:
        """How many endpoints will be told. Announcing again is harmless: it is the same event, and names the same
        deliveries. What nobody has subscribed to is not written; disabled endpoints count, they may be enabled."""
        account_id = draft.account_id
        subscribed = self._subscribed(draft)
        if not subscribed and draft.event_type not in ALWAYS_WRITTEN:
            return 0
        event = self._ahead.pop(draft.event_id, None) or self._append(draft)
        wanting = self._wanting(draft, subscribed)
        for endpoint in wanting:
            delivery_id = DeliveryId(account_id=account_id, endpoint_id=endpoint.endpoint_id, sequence=event.sequence)
            self._queue.send(DeliveryMessage(delivery_id))
        return len(wanting)

    def _append(self, draft: EventDraft) -> Event:
        event = self._events.append(draft)
        self._read_behind.pop(draft.account_id, None)
        return event

    def _wanting(self, draft: EventDraft, subscribed: Sequence[Endpoint]) -> list[Endpoint]:
        """Those that are enabled, on the first reading or on one behind the event."""
        disabled = {endpoint.endpoint_id for endpoint in subscribed if not endpoint.is_enabled}
        wanting = [endpoint for endpoint in subscribed if endpoint.is_enabled]
        if not disabled:
            return wanting
        if draft.account_id not in self._read_behind:
            self._read_behind[draft.account_id] = self._endpoints.endpoints(draft.account_id)
        again = (endpoint for endpoint in self._read_behind[draft.account_id] if endpoint.endpoint_id in disabled)
        return wanting + [endpoint for endpoint in again if endpoint.wants(draft)]
