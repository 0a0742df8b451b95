"""The rows by which accounts list their API keys, from where they stand. `accounts.store` has their table.

`ringline migrate` may be moving rows at this moment, either way, each in one transaction. Whoever looks at the keys'
own partition, then at the account's, then again at the keys' own, passes none by.

Nobody but who manages keys writes to the keys' own partition. Beside an account's endpoints whoever changes endpoints
can make and change rows. Such a row is therefore asked for nothing but the hash of a key, and what is known of the key
is what is found under that hash, which again nobody else writes. A row that leads to no key of this account and this id
is passed over.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ringline.runtime.items import from_item, rows_at, to_item
from ringline.runtime.table import KEY_PREFIX, KEY_SK, account_pk, key_pk, keys_pk

_log = logging.getLogger(__name__)
_HASH = re.compile(r"[0-9a-f]{64}")


def where_keys_stand(account_id: str, *, apart: bool) -> str:
    """The partition of the rows by which an account lists its keys."""
    return keys_pk(account_id) if apart else account_pk(account_id)


def place_of_key(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Where the key is found by itself that an account's row names; None for a row that names none."""
    key_hash = row.get("key_hash")
    if not isinstance(key_hash, str) or not _HASH.fullmatch(key_hash):
        return None
    return {"pk": key_pk(key_hash), "sk": KEY_SK}


def as_found(account_id: str, row: Mapping[str, Any], key: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The account's row with what is known of the `key` that was found where the row says; None where that is none of
    this account, or has another id."""
    key_id = row["sk"].removeprefix(KEY_PREFIX)
    if key is None or (key.get("account_id"), key.get("key_id")) != (account_id, key_id):
        return None
    known = {name: value for name, value in key.items() if name != "item_kind"}
    return known | {name: row[name] for name in ("pk", "sk", "key_hash")}


class KeyRows:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._db = dynamodb
        self._table = table_name

    def of_account(self, account_id: str) -> list[dict[str, Any]]:
        """All of them, oldest first."""
        found: dict[str, dict[str, Any]] = {}
        for pk in _in_turn(account_id):
            # Of a row that is met twice the first counts: the one in the keys' own partition.
            rows = [row for row in self._rows_in(pk) if row["sk"] not in found]
            if pk == account_pk(account_id):
                rows = self._true_ones(account_id, rows)
            found |= {row["sk"]: row for row in rows}
        return [found[sk] for sk in sorted(found)]

    def of_key(self, account_id: str, key_id: str) -> dict[str, Any] | None:
        for pk in _in_turn(account_id):
            row = self._read({"pk": pk, "sk": f"{KEY_PREFIX}{key_id}"})
            if row is not None and pk == account_pk(account_id):
                place = place_of_key(row)
                row = as_found(account_id, row, None if place is None else self._read(place))
            if row is not None:
                return row
        return None

    def _true_ones(self, account_id: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        places = [place_of_key(row) for row in rows]
        # No place is asked for twice: DynamoDB refuses such a request.
        asked = {place["pk"]: to_item(place) for place in places if place is not None}
        keys = {key["pk"]: key for key in map(from_item, rows_at(self._db, self._table, asked.values()))}
        found = (
            as_found(account_id, row, None if place is None else keys.get(place["pk"]))
            for row, place in zip(rows, places, strict=True)
        )
        true_ones = [row for row in found if row is not None]
        if len(true_ones) < len(rows):
            passed_over = {"account_id": account_id, "rows": len(rows) - len(true_ones)}
            _log.warning("rows that lead to no key of the account passed over", extra=passed_over)
        return true_ones

    def _rows_in(self, pk: str) -> Iterator[dict[str, Any]]:
        pages = self._db.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=to_item({":pk": pk, ":prefix": KEY_PREFIX}),
            ConsistentRead=True,
        )
        return (from_item(item) for page in pages for item in page["Items"])

    def _read(self, place: Mapping[str, Any]) -> dict[str, Any] | None:
        answer = self._db.get_item(TableName=self._table, Key=to_item(place), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None


def _in_turn(account_id: str) -> tuple[str, str, str]:
    """Where rows of keys are looked for, so that none is passed by that is moved meanwhile."""
    return keys_pk(account_id), account_pk(account_id), keys_pk(account_id)
