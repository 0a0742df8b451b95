"""Endpoints and deliveries in the one table.

| item     | pk                   | sk                         | written by
|----------|----------------------|----------------------------|----------------------------------------------------
| endpoint | A#<account>          | ENDPOINT#<endpoint>        | manage; deliver_webhook disables it
| delivery | A#<account>#DELIVERY | <call>#<endpoint>#<type>   | deliver_webhook; sweep claims what it sends again

A delivery that fails stands in DueIndex (`due_shard`, `due_at`) until it is over. No record: nothing was tried yet.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from botocore.exceptions import ClientError

from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import condition_failed, from_item, to_item
from ringline.runtime.table import DUE_SHARD, account_pk, deliveries_pk
from ringline.webhooks.model.delivery import Attempt, Delivery, DeliveryId, DeliveryStatus
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event_type import EventType

DELIVERY_KEPT_S = 30 * 24 * 3600

_ENDPOINT = "ENDPOINT#"

_IS_NEW = "attribute_not_exists(pk)"
_EXISTS = "attribute_exists(pk)"
_UNCHANGED = "revision = :read"
_IS_ENABLED = "attribute_exists(pk) AND attribute_not_exists(disabled_at)"
_NOT_DELIVERED = "attribute_not_exists(pk) OR #status <> :delivered"
_SAME_ATTEMPTS = "attempt_count = :read AND #status = :failing"
_STILL_DUE = "#status = :failing AND due_at = :read"

_STATUS = {"#status": "status"}


class EndpointStore:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def add(self, account_id: str, endpoint: Endpoint) -> None:
        self._put(account_id, endpoint, ConditionExpression=_IS_NEW)

    def replace(self, account_id: str, endpoint: Endpoint) -> bool:
        """Writes a changed endpoint as its next revision. False if it was changed or deleted since it was read."""
        is_unchanged = {
            "ConditionExpression": _UNCHANGED,
            "ExpressionAttributeValues": to_item({":read": endpoint.revision}),
        }
        try:
            self._put(account_id, endpoint, revision=endpoint.revision + 1, **is_unchanged)
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
        return True

    def endpoint(self, account_id: str, endpoint_id: str) -> Endpoint | None:
        answer = self._dynamodb.get_item(
            TableName=self._table_name, Key=_endpoint_key(account_id, endpoint_id), ConsistentRead=True
        )
        return _endpoint(from_item(answer["Item"])) if "Item" in answer else None

    def endpoints(self, account_id: str) -> list[Endpoint]:
        """The account's endpoints, oldest first, disabled ones included."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=to_item({":pk": account_pk(account_id), ":prefix": _ENDPOINT}),
            ConsistentRead=True,
        )
        return [_endpoint(from_item(item)) for page in pages for item in page["Items"]]

    def disable(self, account_id: str, endpoint_id: str, at: int, reason: str) -> None:
        """No more deliveries go there. An endpoint that is gone or disabled already stays as it is."""
        try:
            self._dynamodb.update_item(
                TableName=self._table_name,
                Key=_endpoint_key(account_id, endpoint_id),
                UpdateExpression="SET disabled_at = :at, disabled_reason = :reason ADD revision :one",
                ConditionExpression=_IS_ENABLED,
                ExpressionAttributeValues=to_item({":at": at, ":reason": reason, ":one": 1}),
            )
        except ClientError as error:
            if not condition_failed(error):
                raise

    def delete(self, account_id: str, endpoint_id: str) -> bool:
        """False if there was no such endpoint."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table_name, Key=_endpoint_key(account_id, endpoint_id), ConditionExpression=_EXISTS
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
        return True

    def _put(self, account_id: str, endpoint: Endpoint, revision: int = 1, **condition: Any) -> None:
        item = {**asdict(endpoint), **_endpoint_names(account_id, endpoint.endpoint_id)}
        item |= {"item_kind": "endpoint", "revision": revision}
        self._dynamodb.put_item(TableName=self._table_name, Item=to_item(item), **condition)


class DeliveryStore:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        answer = self._dynamodb.get_item(
            TableName=self._table_name, Key=to_item(_delivery_names(delivery_id)), ConsistentRead=True
        )
        return _delivery(from_item(answer["Item"])) if "Item" in answer else None

    def record_delivered(self, delivery: Delivery, now: int) -> bool:
        """Writes the success: it beats whatever another try wrote meanwhile. False if another one delivered first."""
        return self._put(delivery, now, _NOT_DELIVERED, values={":delivered": DeliveryStatus.DELIVERED}, names=_STATUS)

    def record_failed(self, delivery: Delivery, attempts_read: int, now: int) -> bool:
        """Writes a failed try, or that no more will be made. False if another try was recorded since `attempts_read`:
        that one has planned what comes next."""
        if attempts_read == 0:
            return self._put(delivery, now, _IS_NEW)
        values = {":read": attempts_read, ":failing": DeliveryStatus.FAILING}
        return self._put(delivery, now, _SAME_ATTEMPTS, values=values, names=_STATUS)

    def claim_overdue(self, pk: str, sk: str, due_at: int, due_again_at: int) -> Delivery | None:
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
        return _delivery(from_item(answer["Attributes"]))

    def _put(
        self,
        delivery: Delivery,
        now: int,
        condition: str,
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> bool:
        expression: dict[str, Any] = {"ConditionExpression": condition}
        if values:
            expression["ExpressionAttributeValues"] = to_item(values)
        if names:
            expression["ExpressionAttributeNames"] = dict(names)
        try:
            self._dynamodb.put_item(TableName=self._table_name, Item=_delivery_item(delivery, now), **expression)
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
        return True


def _endpoint_names(account_id: str, endpoint_id: str) -> dict[str, str]:
    return {"pk": account_pk(account_id), "sk": _ENDPOINT + endpoint_id}


def _endpoint_key(account_id: str, endpoint_id: str) -> dict[str, Any]:
    return to_item(_endpoint_names(account_id, endpoint_id))


def _endpoint(found: Mapping[str, Any]) -> Endpoint:
    return Endpoint(
        endpoint_id=found["endpoint_id"],
        url=found["url"],
        secrets=tuple(found["secrets"]),
        created_at=found["created_at"],
        event_types=tuple(EventType(name) for name in found["event_types"]),
        description=found.get("description"),
        disabled_at=found.get("disabled_at"),
        disabled_reason=found.get("disabled_reason"),
        revision=found["revision"],
    )


def _delivery_names(delivery_id: DeliveryId) -> dict[str, str]:
    sk = f"{delivery_id.call_id}#{delivery_id.endpoint_id}#{delivery_id.event}"
    return {"pk": deliveries_pk(delivery_id.account_id), "sk": sk}


def _delivery_item(delivery: Delivery, now: int) -> dict[str, Any]:
    attempts = [
        {name: value for name, value in asdict(attempt).items() if value is not None} for attempt in delivery.attempts
    ]
    return to_item(
        {
            **_delivery_names(delivery.id),
            **asdict(delivery.id),
            "item_kind": "delivery",
            "webhook_id": delivery.id.webhook_id,
            "sequence": delivery.sequence,
            "status": delivery.status,
            "attempts": attempts,
            "attempt_count": delivery.attempt_count,
            "next_attempt_at": delivery.next_attempt_at,
            "due_at": delivery.due_at,
            "due_shard": DUE_SHARD if delivery.due_at is not None else None,
            "ttl_at_s": now // MS_PER_S + DELIVERY_KEPT_S,
        }
    )


def _delivery(found: Mapping[str, Any]) -> Delivery:
    return Delivery(
        id=DeliveryId(
            account_id=found["account_id"],
            call_id=found["call_id"],
            endpoint_id=found["endpoint_id"],
            event_type=EventType(found["event_type"]),
            occurrence=found.get("occurrence", 1),
        ),
        sequence=found["sequence"],
        status=DeliveryStatus(found["status"]),
        attempts=tuple(Attempt(**attempt) for attempt in found["attempts"]),
        attempt_count=found["attempt_count"],
        next_attempt_at=found.get("next_attempt_at"),
        due_at=found.get("due_at"),
    )
