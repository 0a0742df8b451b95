"""Deliveries in the one table: pk A#<account>#DELIVERY, sk <endpoint>#<sequence>. deliver_webhook writes them, the
sweep claims what it sends again. A row is kept for longer than its event: without it, what was taken would be sent
again by a replay of what was not.

A delivery that fails stands in DueIndex (`due_at`), in its endpoint's list (`due_shard`, `failing`), until it is over.
No record: nothing was tried yet. Rows of the release before (sk <call>#<endpoint>#<type>), which stand among the calls,
are claimed as such, and taken over when they are tried.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import Item, condition_failed, from_item, to_item
from ringline.runtime.rows import OF_EVERY_ROW, attributes_of, known_to, to_row
from ringline.runtime.table import deliveries_pk, failing_shard, sequence_sk
from ringline.webhooks.model.delivery import Attempt, Delivery, DeliveryId, DeliveryStatus, Phase
from ringline.webhooks.model.event_type import EVENTS_KEPT_S, EventType
from ringline.webhooks.model.former import FormerDelivery, FormerId
from ringline.webhooks.tables.failing import FailingEndpoints

_KEPT_AT_LEAST_S = 30 * 24 * 3600
_KEPT_BEHIND_EVENTS_S = 2 * 24 * 3600
"""DynamoDB removes an event up to two days after it has expired: until then a replay asks what was taken of it."""

_IS_NEW = "attribute_not_exists(pk)"
_EXISTS = "attribute_exists(pk)"
# A record of a former event whose number was given once more counts as none.
_IS_UNKNOWN = f"({_IS_NEW} OR event_id <> :event_id)"
_NOT_DELIVERED = f"{_IS_UNKNOWN} OR #status <> :delivered"
_SAME_ATTEMPTS = "attempt_count = :read AND #status = :failing"
_UNTRIED = f"{_IS_UNKNOWN} OR ({_SAME_ATTEMPTS})"
_AS_READ = "attempt_count = :read AND #status = :status"
_STILL_DUE = "#status = :failing AND due_at = :read"

_STATUS = {"#status": "status"}

_OF_A_DELIVERY = OF_EVERY_ROW | {"account_id", "endpoint_id", "sequence", "ttl_at_s"}


class DeliveryStore:
    def __init__(self, dynamodb: Any, table_name: str, *, events_kept_s: int = EVENTS_KEPT_S) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._kept_s = max(_KEPT_AT_LEAST_S, events_kept_s + _KEPT_BEHIND_EVENTS_S)
        self._failing = FailingEndpoints(dynamodb, table_name)

    def delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        answer = self._dynamodb.get_item(TableName=self._table_name, Key=delivery_key(delivery_id), ConsistentRead=True)
        return delivery_from(from_item(answer["Item"])) if "Item" in answer else None

    def record_delivered(self, delivery: Delivery, now: int) -> bool:
        """Writes the success: it beats whatever another try wrote meanwhile. False if another one delivered first."""
        values = {":delivered": DeliveryStatus.DELIVERED, ":event_id": delivery.event_id}
        return self._put(delivery, now, _NOT_DELIVERED, values=values, names=_STATUS)

    def record_failed(self, delivery: Delivery, attempts_read: int, now: int) -> bool:
        """Writes a failed try, or that no more will be made. False if another try was recorded since `attempts_read`:
        that one has planned what comes next."""
        if delivery.due_at is not None:
            self._failing.mark(delivery.id.account_id, delivery.id.endpoint_id, now)
        values: dict[str, Any] = {":read": attempts_read, ":failing": DeliveryStatus.FAILING}
        if attempts_read:
            return self._put(delivery, now, _SAME_ATTEMPTS, values=values, names=_STATUS)
        # One that was sent again has a record before its first try.
        return self._put(delivery, now, _UNTRIED, values=values | {":event_id": delivery.event_id}, names=_STATUS)

    def reopen(self, before: Delivery | None, opened: Delivery, now: int) -> bool:
        """Writes a delivery that is to be made again. False if somebody has tried or closed it since it was read."""
        self._failing.mark(opened.id.account_id, opened.id.endpoint_id, now)
        if before is None:
            return self._put(opened, now, _IS_UNKNOWN, values={":event_id": opened.event_id})
        values = {":read": before.attempt_count, ":status": before.status}
        return self._put(opened, now, _AS_READ, values=values, names=_STATUS)

    def note_attempt(self, delivery_id: DeliveryId, attempt: Attempt) -> None:
        """Adds a try to the log beside the one that was recorded while it was under way, and changes nothing else."""
        try:
            self._dynamodb.update_item(
                TableName=self._table_name,
                Key=delivery_key(delivery_id),
                UpdateExpression="SET attempts = list_append(attempts, :attempt)",
                ConditionExpression=_EXISTS,
                ExpressionAttributeValues=to_item({":attempt": [_attempt_fields(attempt)]}),
            )
        except ClientError as error:
            if not condition_failed(error):
                raise

    def claim_overdue(self, pk: str, sk: str, due_at: int, due_again_at: int) -> Delivery | FormerDelivery | None:
        """Takes on a delivery of DueIndex, named as the index has it: of two sweeps only one gets it. It is due again
        at `due_again_at`, in case its message gets lost. None if it is over or somebody else took it."""
        values = {":later": due_again_at, ":read": due_at, ":failing": DeliveryStatus.FAILING}
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table_name,
                Key=to_item({"pk": pk, "sk": sk}),
                UpdateExpression="SET due_at = :later",
                ConditionExpression=_STILL_DUE,
                ExpressionAttributeNames=_STATUS,
                ExpressionAttributeValues=to_item(values),
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            return None
        found = from_item(answer["Attributes"])
        return delivery_from(found) if "event_id" in found else _former(found)

    def former(self, former_id: FormerId) -> FormerDelivery | None:
        """What the release before has tried of it."""
        answer = self._dynamodb.get_item(
            TableName=self._table_name, Key=to_item(_former_names(former_id)), ConsistentRead=True
        )
        return _former(from_item(answer["Item"])) if "Item" in answer else None

    def take_over(self, former: FormerDelivery, delivery: Delivery, now: int) -> None:
        """Goes on with it under its new id. Again for the same one it changes nothing that was tried since."""
        self._failing.mark(delivery.id.account_id, delivery.id.endpoint_id, now)
        self._put(delivery, now, _IS_UNKNOWN, values={":event_id": delivery.event_id})
        self.forget(former.id)

    def forget(self, former_id: FormerId) -> None:
        self._dynamodb.delete_item(TableName=self._table_name, Key=to_item(_former_names(former_id)))

    def _put(
        self,
        delivery: Delivery,
        now: int,
        condition: str,
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> bool:
        expression: dict[str, Any] = {"ConditionExpression": condition}
        item = _delivery_item(delivery, now // MS_PER_S + self._kept_s)
        if values:
            expression["ExpressionAttributeValues"] = to_item(values)
        if names:
            expression["ExpressionAttributeNames"] = dict(names)
        try:
            self._dynamodb.put_item(TableName=self._table_name, Item=item, **expression)
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
        return True


def delivery_key(delivery_id: DeliveryId) -> Item:
    return to_item(_delivery_names(delivery_id))


def _delivery_names(delivery_id: DeliveryId) -> dict[str, str]:
    sk = f"{delivery_id.endpoint_id}#{sequence_sk(delivery_id.sequence)}"
    return {"pk": deliveries_pk(delivery_id.account_id), "sk": sk}


def _former_names(former_id: FormerId) -> dict[str, str]:
    return {"pk": deliveries_pk(former_id.account_id), "sk": former_id.sk}


def _delivery_item(delivery: Delivery, ttl_at_s: int) -> dict[str, Any]:
    fields = attributes_of(delivery)
    del fields["id"]
    of_its_row = {
        "item_kind": "delivery",
        "attempts": [_attempt_fields(attempt) for attempt in delivery.attempts],
        "due_shard": _list_of(delivery),
        "ttl_at_s": ttl_at_s,
    }
    return to_row(fields | _delivery_names(delivery.id) | attributes_of(delivery.id) | of_its_row)


def _list_of(delivery: Delivery) -> str | None:
    return None if delivery.due_at is None else failing_shard(delivery.id.account_id, delivery.id.endpoint_id)


def _attempt_fields(attempt: Attempt) -> dict[str, Any]:
    return {name: value for name, value in attributes_of(attempt).items() if value is not None}


def _attempt(found: Mapping[str, Any]) -> Attempt:
    return Attempt(**known_to(Attempt, found, ()) | {"phase": Phase.kept_or_none(found.get("phase"))})


def delivery_from(found: Mapping[str, Any]) -> Delivery:
    """The delivery of a row."""
    delivery_id = DeliveryId(
        account_id=found["account_id"], endpoint_id=found["endpoint_id"], sequence=found["sequence"]
    )
    read = {
        "id": delivery_id,
        "event_type": EventType.kept(found["event_type"]),
        "status": DeliveryStatus.kept(found["status"]),
        "attempts": _attempts(found),
    }
    return Delivery(**known_to(Delivery, found, _OF_A_DELIVERY) | read)


def _former(found: Mapping[str, Any]) -> FormerDelivery:
    former_id = FormerId(
        account_id=found["account_id"],
        call_id=found["call_id"],
        endpoint_id=found["endpoint_id"],
        told_as=found["event_type"],
        occurrence=found.get("occurrence", 1),
    )
    return FormerDelivery(
        id=former_id,
        status=DeliveryStatus.kept(found["status"]),
        attempts=_attempts(found),
        attempt_count=found["attempt_count"],
        next_attempt_at=found.get("next_attempt_at"),
        due_at=found.get("due_at"),
    )


def _attempts(found: Mapping[str, Any]) -> tuple[Attempt, ...]:
    return tuple(_attempt(each) for each in found["attempts"])
