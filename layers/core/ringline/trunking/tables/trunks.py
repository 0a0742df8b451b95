"""Trunks of accounts in the one table.

| item     | pk              | sk
|----------|-----------------|---------------
| trunk    | A#<account>     | TRUNK#<trunk>
| adopted  | TRUNK#<ST_...>  | OWNER

A trunk of LiveKit's is adopted by one account.
"""

from typing import Any

from botocore.exceptions import ClientError

from ringline.runtime.items import condition_failed, from_item, met_a_transaction, to_item
from ringline.runtime.rows import attributes_of, known_to, to_row
from ringline.runtime.table import OWNER_SK, TRUNK_PREFIX, USES_PREFIX, account_pk, trunk_pk
from ringline.trunking.model.lines import CarrierTrunk

# Named conditions.
_IS_NEW = "attribute_not_exists(pk)"
_IS_UNCHANGED = "revision = :revision"
_NOBODY_ELSES = "attribute_not_exists(pk) OR account_id = :account"
_AS_OFTEN = "uses = :seen"
_NEVER = "attribute_not_exists(uses)"


class TrunkStore:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def add(self, account_id: str, trunk: CarrierTrunk) -> None:
        self._write(account_id, trunk, ConditionExpression=_IS_NEW)

    def change(self, account_id: str, before: CarrierTrunk, after: CarrierTrunk) -> bool:
        """False, and nothing is written, if somebody else has changed it since `before` was read."""
        values = to_item({":revision": before.revision})
        return self._write(account_id, after, ConditionExpression=_IS_UNCHANGED, ExpressionAttributeValues=values)

    def delete(self, account_id: str, trunk: CarrierTrunk) -> bool:
        """False if somebody else has changed it since it was read."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table_name,
                Key=_key(account_id, trunk.trunk_id),
                ConditionExpression=_IS_UNCHANGED,
                ExpressionAttributeValues=to_item({":revision": trunk.revision}),
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
        return True

    def trunk(self, account_id: str, trunk_id: str) -> CarrierTrunk | None:
        answer = self._dynamodb.get_item(
            TableName=self._table_name, Key=_key(account_id, trunk_id), ConsistentRead=True
        )
        return _trunk(from_item(answer["Item"])) if "Item" in answer else None

    def trunks(self, account_id: str) -> list[CarrierTrunk]:
        """Ordered by id, which is by age."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=to_item({":pk": account_pk(account_id), ":prefix": TRUNK_PREFIX}),
            ConsistentRead=True,
        )
        return [_trunk(from_item(item)) for page in pages for item in page["Items"]]

    def adopt(self, account_id: str, livekit_id: str) -> bool:
        """Whether the trunk of LiveKit's is this account's from now on: False if it is another's."""
        owner = {"pk": trunk_pk(livekit_id), "sk": OWNER_SK, "account_id": account_id}
        try:
            self._dynamodb.put_item(
                TableName=self._table_name,
                Item=to_row(owner),
                ConditionExpression=_NOBODY_ELSES,
                ExpressionAttributeValues=to_item({":account": account_id}),
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
        return True

    def give_up(self, account_id: str, livekit_id: str) -> None:
        """The trunk of LiveKit's may be adopted by anybody."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table_name,
                Key=to_item({"pk": trunk_pk(livekit_id), "sk": OWNER_SK}),
                ConditionExpression=_NOBODY_ELSES,
                ExpressionAttributeValues=to_item({":account": account_id}),
            )
        except ClientError as error:
            if not condition_failed(error):
                raise

    def uses(self, account_id: str, livekit_id: str) -> int:
        """How often a pipe or an agent began to name the trunk of LiveKit's: what its deletion must find unchanged."""
        key = _uses_key(account_id, livekit_id)
        item = self._dynamodb.get_item(TableName=self._table_name, Key=key, ConsistentRead=True).get("Item")
        return 0 if item is None else int(from_item(item)["uses"])

    def close(self, account_id: str, livekit_id: str, uses: int) -> bool:
        """Whoever is about to name the trunk of LiveKit's looks again whether it may. False where somebody began to
        name it since `uses` was read."""
        as_read = {":seen": uses} if uses else {}
        try:
            self._dynamodb.update_item(
                TableName=self._table_name,
                Key=_uses_key(account_id, livekit_id),
                UpdateExpression="ADD uses :step",
                ConditionExpression=_AS_OFTEN if uses else _NEVER,
                ExpressionAttributeValues=to_item({":step": 1, **as_read}),
            )
        except ClientError as error:
            if not (condition_failed(error) or met_a_transaction(error)):
                raise
            return False
        return True

    def _write(self, account_id: str, trunk: CarrierTrunk, **condition: Any) -> bool:
        item = {
            **attributes_of(trunk),
            "pk": account_pk(account_id),
            "sk": TRUNK_PREFIX + trunk.trunk_id,
            "item_kind": "carrier_trunk",
        }
        try:
            self._dynamodb.put_item(TableName=self._table_name, Item=to_row(item), **condition)
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
        return True


def _key(account_id: str, trunk_id: str) -> Any:
    return to_item({"pk": account_pk(account_id), "sk": TRUNK_PREFIX + trunk_id})


def _uses_key(account_id: str, livekit_id: str) -> Any:
    return to_item({"pk": account_pk(account_id), "sk": USES_PREFIX + TRUNK_PREFIX + livekit_id})


def _trunk(found: dict[str, Any]) -> CarrierTrunk:
    known = known_to(CarrierTrunk, found)
    known["allowed_addresses"] = tuple(known.get("allowed_addresses", ()))
    return CarrierTrunk(**known)
