"""How many events an account has had, written down before the last of them expires. The sweep looks at a count (pk
A#<account>#EVENT_COUNT, in DueIndex) each half day:

    more than at the last look     the number is written down, and the next look is half a day later
    none since                     nobody looks any more, until an event comes: it finds the log at rest, as its last
                                   event is older than six hours, and puts the count before the sweep again

Half a day is half of the shortest time that events may be kept, whatever is set: where it is set lower, new events
expire before those of before, and a look by the former time would come behind that.
"""

from typing import Any

from botocore.exceptions import ClientError

from ringline.runtime.clock import MS_PER_S, Clock, now_ms
from ringline.runtime.items import condition_failed, from_item, to_item
from ringline.runtime.table import EVENT_COUNT_SK, event_count_pk
from ringline.webhooks.model.event_type import COUNT_LOOKED_AT_S
from ringline.webhooks.tables.events import EventStore

_STILL_DUE = "due_at = :read"


class EventCounts:
    def __init__(self, dynamodb: Any, table_name: str, clock: Clock = now_ms) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._events = EventStore(dynamodb, table_name, clock)
        self._clock = clock

    def look(self, pk: str, due_at: int) -> bool:
        """Writes down what an account has counted to, named as DueIndex has it; of two sweeps one does. False for an
        entry that is no count."""
        account_id = pk.split("#")[1]
        if pk != event_count_pk(account_id):
            return False
        number = self._events.last_number(account_id)
        if number > self._counted(account_id):
            again_at = self._clock() + COUNT_LOOKED_AT_S * MS_PER_S
            self._update(account_id, due_at, "SET counted = :counted, due_at = :again_at", number, again_at)
        else:
            self._update(account_id, due_at, "REMOVE due_shard, due_at")
        return True

    def _counted(self, account_id: str) -> int:
        answer = self._dynamodb.get_item(TableName=self._table_name, Key=_key(account_id), ConsistentRead=True)
        return int(from_item(answer["Item"])["counted"]) if "Item" in answer else 0

    def _update(
        self, account_id: str, due_at: int, change: str, counted: int | None = None, again_at: int | None = None
    ) -> None:
        values = {":read": due_at, ":counted": counted, ":again_at": again_at}
        try:
            self._dynamodb.update_item(
                TableName=self._table_name,
                Key=_key(account_id),
                UpdateExpression=change,
                ConditionExpression=_STILL_DUE,
                ExpressionAttributeValues=to_item(values),
            )
        except ClientError as error:
            if not condition_failed(error):
                raise


def _key(account_id: str) -> dict[str, Any]:
    return to_item({"pk": event_count_pk(account_id), "sk": EVENT_COUNT_SK})
