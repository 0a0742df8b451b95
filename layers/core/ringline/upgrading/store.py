"""The whole table, a page at a time, and how far a migration has come.

| item      | pk        | sk       | attributes
|-----------|-----------|----------|----------------------------------------------------------------------
| migration | MIGRATION | PROGRESS | to_schema, keys_apart, deployed_at, after_pk, after_sk (where it goes on),
|           |           |          | looked_at, changed
"""

import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from ringline.accounts.key_rows import as_found, place_of_key
from ringline.accounts.store import COMES_LATER_TO_A_KEY, listed_row
from ringline.calls.model.call import Call
from ringline.calls.tables.store import CallStore
from ringline.runtime.items import Item, condition_failed, from_item, met_a_transaction, refusal_reasons, to_item
from ringline.runtime.rows import SCHEMA, SCHEMA_NAME, to_row
from ringline.runtime.table import ACCOUNTS_PK, MIGRATION_PK, MIGRATION_SK

# Named conditions.
IS_STILL_BEHIND = "attribute_exists(pk) AND (attribute_not_exists(#schema) OR #schema < :schema)"
IS_NEW = "attribute_not_exists(pk)"
EXISTS = "attribute_exists(pk)"
IS_OF_NO_LATER_RELEASE = "attribute_exists(pk) AND (attribute_not_exists(#schema) OR #schema <= :schema)"

_CONFLICT_TRIES = 6
_CONFLICT_WAIT_S = 0.02
_KEY = to_item({"pk": MIGRATION_PK, "sk": MIGRATION_SK})


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as plain fields, and the key behind which the next page begins; None at the end."""

    rows: tuple[dict[str, Any], ...]
    after: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a migration to `to_schema` has come. It goes on behind the key `after`. `keys_apart`: where it puts rows
    of accounts' keys. `deployed_at`: when the stack was deployed that it is for, as CloudFormation says it."""

    to_schema: int
    after: tuple[str, str]
    looked_at: int
    changed: int
    keys_apart: bool = False
    deployed_at: str = ""


class Move(StrEnum):
    """What came of a row that was to be moved."""

    MOVED = "moved"
    GONE = "gone"
    STAYS = "stays"
    """It leads to no key of its account, or a row of the same id stands there already."""


class WholeTable:
    def __init__(self, dynamodb: Any, table_name: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._db = dynamodb
        self._table = table_name
        self._pause = pause
        self._calls = CallStore(dynamodb, table_name)

    def page(self, after: tuple[str, str] | None, limit: int) -> Page:
        query: dict[str, Any] = {"TableName": self._table, "Limit": limit, "ConsistentRead": True}
        if after is not None:
            query["ExclusiveStartKey"] = to_item({"pk": after[0], "sk": after[1]})
        answer = self._db.scan(**query)
        last = from_item(answer["LastEvaluatedKey"]) if "LastEvaluatedKey" in answer else None
        rows = (row for row in map(from_item, answer["Items"]) if row["pk"] not in {MIGRATION_PK, ACCOUNTS_PK})
        return Page(tuple(rows), None if last is None else (last["pk"], last["sk"]))

    def call(self, account_id: str, call_id: str) -> Call | None:
        return self._calls.get(account_id, call_id)

    def bring(self, row: Mapping[str, Any], lacking: Mapping[str, Any], replaced: Mapping[str, Any]) -> bool:
        """Adds what the row lacks, puts what is replaced in the place of what the row has, and this release's number.
        False where somebody has written it since, or it is gone: then there is nothing to do any more."""
        names = {"#schema": SCHEMA_NAME} | {f"#{name}": name for name in {*lacking, *replaced}}
        added = "".join(f", #{name} = if_not_exists(#{name}, :{name})" for name in lacking)
        added += "".join(f", #{name} = :{name}" for name in replaced)
        values = {f":{name}": value for name, value in {**lacking, **replaced}.items()}
        values |= {f":{name}_before": row[name] for name in replaced}
        unchanged = "".join(f" AND #{name} = :{name}_before" for name in replaced)
        write = {
            "TableName": self._table,
            "Key": to_item({"pk": row["pk"], "sk": row["sk"]}),
            "UpdateExpression": f"SET #schema = :schema{added}",
            "ConditionExpression": (IS_OF_NO_LATER_RELEASE if replaced else IS_STILL_BEHIND) + unchanged,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_item({":schema": SCHEMA, **values}),
        }
        for attempt in range(_CONFLICT_TRIES):
            try:
                self._db.update_item(**write)
                return True
            except ClientError as error:
                if condition_failed(error):
                    return False
                if not met_a_transaction(error) or attempt == _CONFLICT_TRIES - 1:
                    raise
            self._rest(attempt)
        raise AssertionError("the last try returns or raises")

    def _rest(self, attempt: int) -> None:
        self._pause(random.uniform(0, _CONFLICT_WAIT_S * 2**attempt))  # noqa: S311 - spreads, does not protect

    def move(self, row: Mapping[str, Any], pk: str) -> Move:
        """Takes the row of an account's key out of its partition and puts it into that one, with what is known of the
        key where it is found by itself, and this release's number. Both are read anew, and again where somebody changes
        the key at this moment."""
        place = {"pk": row["pk"], "sk": row["sk"]}
        delete = {"TableName": self._table, "Key": to_item(place), "ConditionExpression": EXISTS}
        for attempt in range(_CONFLICT_TRIES):
            item = self._read(place)
            if item is None:
                return Move.GONE
            key, moved = self._true_row(from_item(item))
            if moved is None:
                return Move.STAYS
            check = {"TableName": self._table, **_is_as_read(key, COMES_LATER_TO_A_KEY)}
            put = {"TableName": self._table, "Item": to_row(moved | {"pk": pk}), "ConditionExpression": IS_NEW}
            try:
                self._db.transact_write_items(
                    TransactItems=[{"ConditionCheck": check}, {"Put": put}, {"Delete": delete}]
                )
                return Move.MOVED
            except ClientError as error:
                reasons = refusal_reasons(error)
                if reasons is None or attempt == _CONFLICT_TRIES - 1:
                    raise
                if reasons[1].get("Code") == "ConditionalCheckFailed":
                    return Move.GONE if self._read(place) is None else Move.STAYS
            self._rest(attempt)
        raise AssertionError("the last try returns or raises")

    def foreseen(self, row: Mapping[str, Any], pk: str) -> Move:
        """What would come of a move."""
        stays = self._true_row(row)[1] is None or self._read({"pk": pk, "sk": row["sk"]}) is not None
        return Move.STAYS if stays else Move.MOVED

    def _true_row(self, row: Mapping[str, Any]) -> tuple[Item, dict[str, Any] | None]:
        """The key that an account's row leads to, as it is kept, and the row with what is known of that key; None for a
        row that leads to no key of the account."""
        place = place_of_key(row)
        key = None if place is None else self._read(place)
        if key is None:
            return {}, None
        return key, as_found(row["pk"].split("#")[1], row, from_item(key))

    def _read(self, place: Mapping[str, Any]) -> Item | None:
        found: Item | None = self._db.get_item(TableName=self._table, Key=to_item(place), ConsistentRead=True).get(
            "Item"
        )
        return found

    def remove(self, row: Mapping[str, Any]) -> None:
        key = to_item({"pk": row["pk"], "sk": row["sk"]})
        self._db.delete_item(TableName=self._table, Key=key)

    def list_account(self, account_id: str) -> bool:
        """Gives an account its place among all accounts; whether it had none."""
        try:
            self._db.put_item(TableName=self._table, Item=to_row(listed_row(account_id)), ConditionExpression=IS_NEW)
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
        return True

    def is_listed(self, account_id: str) -> bool:
        key = to_item({"pk": ACCOUNTS_PK, "sk": account_id})
        return "Item" in self._db.get_item(TableName=self._table, Key=key, ConsistentRead=True)

    def progress(self) -> Progress | None:
        """Where a migration was left off; None where none was, or it has reached the end."""
        item = self._db.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True).get("Item")
        if item is None:
            return None
        kept = from_item(item)
        after = (kept["after_pk"], kept["after_sk"])
        aim = {"keys_apart": kept.get("keys_apart", False), "deployed_at": kept.get("deployed_at", "")}
        return Progress(kept["to_schema"], after, kept["looked_at"], kept["changed"], **aim)

    def note(self, progress: Progress) -> None:
        after = {"after_pk": progress.after[0], "after_sk": progress.after[1]}
        so_far = {"looked_at": progress.looked_at, "changed": progress.changed}
        aim = {
            "to_schema": progress.to_schema,
            "keys_apart": progress.keys_apart,
            "deployed_at": progress.deployed_at,
        }
        self._db.put_item(TableName=self._table, Item=_KEY | to_item(aim | after | so_far))

    def forget_progress(self) -> None:
        self._db.delete_item(TableName=self._table, Key=_KEY)


def _is_as_read(item: Item, comes_later: Iterable[str]) -> dict[str, Any]:
    """The condition that a row has what it had, and none of what comes later to such a row."""
    attributes = item.keys() - {"pk", "sk"}
    named = {name: f"n{number}" for number, name in enumerate(sorted({*attributes, *comes_later}))}
    held = (f"#{at} = :{at}" if name in item else f"attribute_not_exists(#{at})" for name, at in named.items())
    return {
        "Key": {"pk": item["pk"], "sk": item["sk"]},
        "ConditionExpression": " AND ".join(held),
        "ExpressionAttributeNames": {f"#{at}": name for name, at in named.items()},
        "ExpressionAttributeValues": {f":{at}": item[name] for name, at in named.items() if name in item},
    }
