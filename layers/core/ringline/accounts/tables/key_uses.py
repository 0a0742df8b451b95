"""When API keys were used last, in the one table. The authorizer writes these rows and can write no key.

| item     | pk             | sk       | attributes
|----------|----------------|----------|---------------------------
| last use | USED#<account> | <key id> | last_used_at, last_used_from
"""

from typing import Any

from botocore.exceptions import ClientError

from ringline.accounts.last_use import LastUse
from ringline.runtime.items import Item, condition_failed, from_item, to_item
from ringline.runtime.table import used_pk

# Named condition.
NOT_NOTED_SINCE = "attribute_not_exists(last_used_at) OR last_used_at < :before"


class KeyUses:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._db = dynamodb
        self._table = table_name

    def last_use(self, account_id: str, key_id: str) -> LastUse | None:
        """As it may have been some moments ago."""
        found = self._db.get_item(TableName=self._table, Key=_key(account_id, key_id))
        return _last_use(from_item(found["Item"])) if "Item" in found else None

    def note(self, account_id: str, key_id: str, use: LastUse, before: int) -> None:
        """Keeps the use, unless one since `before` is kept."""
        address, values = (
            ("", {}) if use.source_ip is None else (", last_used_from = :address", {":address": use.source_ip})
        )
        try:
            self._db.update_item(
                TableName=self._table,
                Key=_key(account_id, key_id),
                UpdateExpression=f"SET last_used_at = :at{address}",
                ConditionExpression=NOT_NOTED_SINCE,
                ExpressionAttributeValues=to_item({":at": use.at, ":before": before, **values}),
            )
        except ClientError as error:
            if not condition_failed(error):
                raise

    def of_account(self, account_id: str) -> dict[str, LastUse]:
        """By the keys' ids."""
        pages = self._db.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": used_pk(account_id)}),
        )
        rows = [from_item(item) for page in pages for item in page["Items"]]
        return {row["sk"]: _last_use(row) for row in rows}


def _key(account_id: str, key_id: str) -> Item:
    return to_item({"pk": used_pk(account_id), "sk": key_id})


def _last_use(row: dict[str, Any]) -> LastUse:
    return LastUse(row["last_used_at"], row.get("last_used_from"))
