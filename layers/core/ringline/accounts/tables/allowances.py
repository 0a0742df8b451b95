"""What an operator lets an account have, and what its keys used up, in the one table.

| item         | pk               | sk            | attributes
|--------------|------------------|---------------|--------------------------------------------------
| gate         | A#<account>#GATE | GATE          | requests_per_minute, numbers_left_at, and what else is allowed
| key's minute | RATE#<key id>    | <minute>      | requests, ttl_at_s (an hour behind it)
"""

from typing import Any

from botocore.exceptions import ClientError

from ringline.accounts.rates import MINUTE_S
from ringline.runtime.items import condition_failed, from_item, met_a_transaction, to_item
from ringline.runtime.table import GATE_SK, gate_pk, rate_pk
from ringline.runtime.web.problems import Problem, not_found

# Named condition.
ACCOUNT_IS_THERE = "attribute_exists(pk)"

_KEPT_S = 3600
_TRIES = 20
"""Calls of the account pass the gate meanwhile, and their transactions hold it for some milliseconds."""


class KeyRateRows:
    """Requests of keys, by the minute."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._db = dynamodb
        self._table = table_name

    def limit_of(self, account_id: str) -> int | None:
        """Requests a minute of each key of the account; None where nobody set it."""
        key = to_item({"pk": gate_pk(account_id), "sk": GATE_SK})
        found = self._db.get_item(TableName=self._table, Key=key, ProjectionExpression="requests_per_minute")
        return from_item(found.get("Item", {})).get("requests_per_minute")

    def add(self, key_id: str, minute: int, requests: int) -> int:
        """How many requests of the key all containers counted in that minute since 1970, with these."""
        answer = self._db.update_item(
            TableName=self._table,
            Key=to_item({"pk": rate_pk(key_id), "sk": str(minute)}),
            UpdateExpression="ADD requests :more SET ttl_at_s = :gone",
            ExpressionAttributeValues=to_item({":more": requests, ":gone": minute * MINUTE_S + _KEPT_S}),
            ReturnValues="UPDATED_NEW",
        )
        return int(from_item(answer["Attributes"])["requests"])


class Allowances:
    """What is written on an account's gate, beside its cap."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._db = dynamodb
        self._table = table_name

    def set(self, account_id: str, allowed: dict[str, int | None]) -> None:
        """Sets these attributes of the gate, and takes away those that are None. Raises Problem 404; 503 `contended`
        where calls of the account passed the gate at each try.
        """
        sets = {name: value for name, value in allowed.items() if value is not None}
        gone = sorted(allowed.keys() - sets.keys())
        changes = [f"SET {', '.join(f'{name} = :{name}' for name in sets)}"] if sets else []
        changes += [f"REMOVE {', '.join(gone)}"] if gone else []
        values = {"ExpressionAttributeValues": to_item({f":{name}": sets[name] for name in sets})} if sets else {}
        for tries_left in reversed(range(_TRIES)):
            try:
                self._db.update_item(
                    TableName=self._table,
                    Key=to_item({"pk": gate_pk(account_id), "sk": GATE_SK}),
                    UpdateExpression=" ".join(changes),
                    ConditionExpression=ACCOUNT_IS_THERE,
                    **values,
                )
            except ClientError as error:
                if condition_failed(error):
                    raise not_found("account_not_found", "There is no such account") from None
                if not met_a_transaction(error):
                    raise
                if not tries_left:
                    title = "Many calls of the account begin and end at this moment"
                    raise Problem(503, "contended", title) from None
            else:
                return
