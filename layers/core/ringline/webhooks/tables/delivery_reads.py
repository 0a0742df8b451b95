"""What tries are decided on, read with one request for all that a message names: each delivery's record, its endpoint
and its event."""

from collections.abc import Iterable
from typing import Any

from ringline.runtime.items import Item, from_item, rows_at
from ringline.webhooks.model.delivery import AtHand, DeliveryId
from ringline.webhooks.tables.deliveries import delivery_from, delivery_key
from ringline.webhooks.tables.endpoints import endpoint_from, endpoint_key
from ringline.webhooks.tables.events import event_from, event_key


class DeliveryReads:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def read(self, delivery_ids: Iterable[DeliveryId]) -> dict[DeliveryId, AtHand | Exception]:
        """Of up to 33 deliveries; the exception for one of which a row is there that this version does not know. An
        endpoint or an event that several of them name is read once."""
        keys = {
            each: (
                delivery_key(each),
                endpoint_key(each.account_id, each.endpoint_id),
                event_key(each.account_id, each.sequence),
            )
            for each in delivery_ids
        }
        rows = self._rows({_name(key): key for those in keys.values() for key in those})
        return {each: _at_hand(each, *(rows.get(_name(key)) for key in those)) for each, those in keys.items()}

    def _rows(self, wanted: dict[tuple[str, str], Item]) -> dict[tuple[str, str], Item]:
        return {_name(item): item for item in rows_at(self._dynamodb, self._table_name, wanted.values())}


def _name(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _at_hand(
    delivery_id: DeliveryId, delivery: Item | None, endpoint: Item | None, event: Item | None
) -> AtHand | Exception:
    try:
        return AtHand(
            None if delivery is None else delivery_from(from_item(delivery)),
            None if endpoint is None else endpoint_from(from_item(endpoint)),
            None if event is None else event_from(delivery_id.account_id, from_item(event)),
        )
    except Exception as error:
        return error
