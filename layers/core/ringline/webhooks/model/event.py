"""An event: something that happened to a call or to an account, in the very bytes that everybody is told of it."""

import hashlib
import json
from collections.abc import Mapping
from copy import replace
from dataclasses import field
from typing import Any, Protocol

from ringline.later import Carried
from ringline.record import stored
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.model.filters import OfACall


class Told(OfACall, Protocol):
    """What endpoints choose by: of an event that is about to be written, and of one that is."""

    @property
    def event_type(self) -> EventType: ...

    @property
    def webhook_url(self) -> str | None: ...


class _AboutACall:
    """What its data says of the call that an event is about."""

    __slots__ = ()

    @property
    def _said(self) -> Mapping[str, Any]:
        """Its data."""
        raise NotImplementedError

    @property
    def pipe_id(self) -> str | None:
        return self._said.get("pipe_id")

    @property
    def agent_id(self) -> str | None:
        return self._said.get("agent_id")

    @property
    def direction(self) -> str | None:
        return self._said.get("direction")

    @property
    def metadata(self) -> Mapping[str, Any]:
        return self._said.get("metadata") or {}


@stored(kw_only=True)
class EventDraft(_AboutACall):
    """An event before it has its place. Its id is the same however often it is announced: `occurrence` tells those of
    one call and type apart, or those of an account that are of no call.

    `data` is what is told: of a call's event the call as the API shows it at that moment. `webhook_url` is where that
    call has its own events posted; it is not told.
    """

    account_id: str
    event_type: EventType
    occurred_at: int
    data: Mapping[str, Any]
    call_id: str | None = None
    occurrence: int | str = 1
    webhook_url: str | None = None

    @property
    def _said(self) -> Mapping[str, Any]:
        return self.data

    @property
    def event_id(self) -> str:
        """What receivers drop duplicates by."""
        name = f"{self.account_id}/{self.call_id or ''}/{self.event_type}/{self.occurrence}"
        return f"evt_{hashlib.sha256(name.encode()).hexdigest()[:32]}"


@stored(kw_only=True)
class Event(_AboutACall):
    """An event that is written. `sequence` is its place among all events of its account, from 1 and without a gap.

    `told` is the body behind its type, as JSON: what every endpoint is sent, at every try.
    """

    account_id: str
    event_id: str
    sequence: int
    event_type: EventType
    call_id: str | None
    occurred_at: int
    written_at: int
    told: bytes = field(repr=False)
    webhook_url: str | None = None
    carried: Carried = field(default=(), compare=False, repr=False)

    def body_as(self, name: str) -> bytes:
        """The body under this name of its type: for those who have subscribed to a former one."""
        return b'{"type":' + json.dumps(name).encode() + b"," + self.told

    @property
    def body(self) -> Mapping[str, Any]:
        """The body as a document."""
        document: Mapping[str, Any] = json.loads(self.body_as(self.event_type))
        return document

    @property
    def data(self) -> Mapping[str, Any]:
        data: Mapping[str, Any] = self.body["data"]
        return data

    @property
    def is_erased(self) -> bool:
        """Whether a customer has had its content deleted."""
        return bool(self.data.get("content_erased"))

    @property
    def _said(self) -> Mapping[str, Any]:
        return self.data


def erased(event: Event) -> Event:
    """The event without its content: a customer has had that deleted."""
    body = event.body
    document = {name: body[name] for name in ("id", "timestamp", "sequence")}
    document["data"] = {"call_id": event.call_id, "content_erased": True}
    return replace(event, told=_told(document))


def written(draft: EventDraft, sequence: int, timestamp: str, now: int) -> Event:
    """The event of a draft at its place. `timestamp` is its moment in ISO 8601."""
    document = {"id": draft.event_id, "timestamp": timestamp, "sequence": sequence, "data": draft.data}
    return Event(
        account_id=draft.account_id,
        event_id=draft.event_id,
        sequence=sequence,
        event_type=draft.event_type,
        call_id=draft.call_id,
        occurred_at=draft.occurred_at,
        written_at=now,
        told=_told(document),
        webhook_url=draft.webhook_url,
    )


def _told(document: Mapping[str, Any]) -> bytes:
    """A body behind its type."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()[1:]
