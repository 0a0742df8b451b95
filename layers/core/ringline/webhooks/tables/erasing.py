"""What is erased with a call's content: of its events all but id, type and time (`events`), and what receivers answered
to them, since they echo what they are sent.

    event is erased -> records of its deliveries are read -> their answers are taken out
                   '-- a try that begins here keeps no answer; one that had begun before writes its own, which is not
                       shown as long as the event is there, and expires with the record
"""

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from ringline.runtime.items import Item, condition_failed, from_item, rows_at, to_item
from ringline.runtime.table import event_ids_pk
from ringline.webhooks.model.delivery import DeliveryId
from ringline.webhooks.model.event import Event
from ringline.webhooks.tables.deliveries import delivery_key
from ringline.webhooks.tables.events import event_from, event_key

_SAME_TRIES = "attempts = :read"


class Erasures:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def events_of(self, account_id: str, event_ids: Iterable[str]) -> list[Event]:
        """The events of these ids that there are, in any order."""
        places = self._rows(to_item({"pk": event_ids_pk(account_id), "sk": each}) for each in event_ids)
        rows = self._rows(event_key(account_id, from_item(place)["sequence"]) for place in places)
        return [event_from(account_id, from_item(row)) for row in rows]

    def erased(self, account_id: str, sequences: Iterable[int]) -> frozenset[int]:
        """The numbers, of these, of events whose content is erased."""
        rows = self._rows(event_key(account_id, sequence) for sequence in sequences)
        events = (event_from(account_id, from_item(row)) for row in rows)
        return frozenset(event.sequence for event in events if event.is_erased)

    def forget_answers(self, account_id: str, endpoint_ids: Iterable[str], sequences: Iterable[int]) -> None:
        """Takes what these endpoints answered to these events out of the records. No record is made by it."""
        sequences = list(sequences)
        left = [
            delivery_key(DeliveryId(account_id=account_id, endpoint_id=endpoint_id, sequence=sequence))
            for endpoint_id in endpoint_ids
            for sequence in sequences
        ]
        while left:
            # Those beside which another try was written are read again.
            left = [_key(row) for row in self._rows(left) if not self._forget(row)]

    def _rows(self, keys: Iterable[Item]) -> list[Item]:
        return rows_at(self._dynamodb, self._table_name, keys)

    def _forget(self, row: Item) -> bool:
        """False if another try was written since the row was read."""
        tries = row["attempts"]
        forgotten = {"L": [{"M": _without_answer(each["M"])} for each in tries["L"]]}
        if forgotten == tries:
            return True
        try:
            self._dynamodb.update_item(
                TableName=self._table_name,
                Key=_key(row),
                UpdateExpression="SET attempts = :forgotten",
                ConditionExpression=_SAME_TRIES,
                ExpressionAttributeValues={":read": tries, ":forgotten": forgotten},
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
        return True


def _key(row: Item) -> Item:
    return {"pk": row["pk"], "sk": row["sk"]}


def _without_answer(attempt: dict[str, Any]) -> dict[str, Any]:
    """All else, also what a later release keeps of a try."""
    return {name: value for name, value in attempt.items() if name != "answer"}
