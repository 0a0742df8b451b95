"""Which room a carrier's own id of a call belongs to, for events of the carrier that do not echo our header. A link is
kept for a day, as long as a call can last.

Written by whoever learns of an id first: the hook, from an event that names both, or the dialer, from the attributes to
which LiveKit maps the ids in the carrier's responses.
"""

from collections.abc import Sequence
from typing import Any

from ringline.runtime.clock import MS_PER_S, Clock
from ringline.runtime.items import from_item, to_item
from ringline.runtime.rows import to_row
from ringline.runtime.table import LINK_SK, carrier_pk

_KEPT_S = 24 * 3600
_MOST_REMEMBERED = 2000


class CarrierLinkTable:
    """Implements `model.ports.CarrierLinks`. What this container has written or read before, it does not write or read
    again."""

    def __init__(self, dynamodb: Any, table_name: str, clock: Clock) -> None:
        self._db = dynamodb
        self._table = table_name
        self._clock = clock
        self._known: dict[tuple[str, str], str] = {}

    def link(self, provider: str, carrier_call_id: str, room: str) -> None:
        if self._known.get((provider, carrier_call_id)) == room:
            return
        ttl_at_s = self._clock() // MS_PER_S + _KEPT_S
        fields = _key(provider, carrier_call_id) | {"room": room, "ttl_at_s": ttl_at_s}
        self._db.put_item(TableName=self._table, Item=to_row(fields))
        self._remember(provider, carrier_call_id, room)

    def room(self, provider: str, carrier_call_ids: Sequence[str]) -> str | None:
        """The room that one of the ids belongs to, as of now; None if none is known."""
        for carrier_call_id in carrier_call_ids:
            room = self._known.get((provider, carrier_call_id)) or self._read(provider, carrier_call_id)
            if room is not None:
                self._remember(provider, carrier_call_id, room)
                return room
        return None

    def _read(self, provider: str, carrier_call_id: str) -> str | None:
        key = to_item(_key(provider, carrier_call_id))
        # The event that names the call may have been heard an instant ago, in another container.
        item = self._db.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return None if item is None else str(from_item(item)["room"])

    def _remember(self, provider: str, carrier_call_id: str, room: str) -> None:
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[provider, carrier_call_id] = room


def _key(provider: str, carrier_call_id: str) -> dict[str, Any]:
    return {"pk": carrier_pk(provider, carrier_call_id), "sk": LINK_SK}
