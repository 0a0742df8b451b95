"""Numbers as they are brought, changed and given up: each change is one transaction over the number, its owner, and
whoever it is attached to.

| what                           | condition
|--------------------------------|---------------------------------------------
| number                         | new, or unchanged since it was read
| its owner                      | nobody else
| its trunk, if it comes to one  | there, and not being deleted
| agent or pipe it comes to      | there; it calls from the number, unless it has one
| agent or pipe it leaves        | still calls from the number: calls from none, or its next
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from ringline.routing.records import Number
from ringline.runtime.items import refusal_reasons, to_item
from ringline.runtime.table import (
    AGENT_PREFIX,
    NUMBER_PREFIX,
    OWNER_SK,
    PIPE_PREFIX,
    TRUNK_PREFIX,
    USES_PREFIX,
    account_pk,
    number_pk,
)

# Named conditions.
_EXISTS = "attribute_exists(pk)"
_IS_NEW = "attribute_not_exists(pk)"
_IS_UNCHANGED = "attribute_exists(pk) AND (attribute_not_exists(revision) OR revision = :revision)"
_NOBODY_ELSES = "attribute_not_exists(pk) OR account_id = :account"
_TAKES_NUMBERS = "attribute_exists(pk) AND leaving = :no"
_CALLS_FROM_IT = "attribute_exists(pk) AND #number = :number"


@dataclass(frozen=True, slots=True)
class Holder:
    """An agent or a pipe that a number is attached to."""

    kind: str
    id: str

    @property
    def sk(self) -> str:
        return (AGENT_PREFIX if self.kind == "agent" else PIPE_PREFIX) + self.id


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who calls from a number, and is to no more: from the `other` one, if there is one."""

    holder: Holder
    other: Number | None = None


class NumberTaken(Exception):
    """Another account has the number."""


class NumberChanged(Exception):
    """Somebody else has changed the number, or what it is attached to, since it was read. Read it, and try again."""


class HolderGone(Exception):
    """The agent, the pipe or the trunk is not there (any more); the message names it."""


class NumberRows:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def write(self, account_id: str, before: Number | None, after: Number, *, leaves: Sequence[Leaving] = ()) -> None:
        """Writes the number, with what it comes to. `leaves` are those who call from it, and are to no more. Raises
        NumberTaken, NumberChanged, HolderGone."""
        owner = {"Item": to_item(_owner(account_id, after.number)), **_nobody_elses(account_id)}
        parts: list[tuple[Exception, dict[str, Any]]] = [
            (NumberChanged(after.number), self._number(account_id, before, after)),
            (NumberTaken(after.number), {"Put": owner}),
        ]
        if after.account_trunk_id is not None and (before is None or after.account_trunk_id != before.account_trunk_id):
            trunk = {"Key": self._key(account_id, TRUNK_PREFIX + after.account_trunk_id)}
            free = {"ConditionExpression": _TAKES_NUMBERS, "ExpressionAttributeValues": to_item({":no": False})}
            parts.append((HolderGone("trunk"), {"ConditionCheck": {**trunk, **free}}))
        was = () if before is None else holders_of(before)
        for holder in holders_of(after):
            if holder not in was:
                parts.append((HolderGone(holder.kind), {"Update": self._comes(account_id, holder, after)}))
                parts.append((NumberChanged(after.number), {"Update": self._is_used(account_id, holder)}))
        for leaving in leaves:
            parts.append((NumberChanged(after.number), {"Update": self._leaves(account_id, leaving, after.number)}))
        self._transact(parts)

    def delete(self, account_id: str, number: Number, *, leaves: Sequence[Leaving] = ()) -> None:
        """Raises NumberChanged."""
        row = {"Key": self._key(account_id, NUMBER_PREFIX + number.number), **_unchanged(number)}
        owner = to_item({"pk": number_pk(number.number), "sk": OWNER_SK})
        changed = NumberChanged(number.number)
        parts: list[tuple[Exception, dict[str, Any]]] = [
            (changed, {"Delete": row}),
            (changed, {"Delete": {"Key": owner, **_nobody_elses(account_id)}}),
        ]
        for leaving in leaves:
            parts.append((changed, {"Update": self._leaves(account_id, leaving, number.number)}))
        self._transact(parts)

    def _number(self, account_id: str, before: Number | None, after: Number) -> dict[str, Any]:
        item = {**asdict(after), **self._row(account_id, after.number), "item_kind": "number"}
        condition = {"ConditionExpression": _IS_NEW} if before is None else _unchanged(before)
        return {"Put": {"Item": to_item(item), **condition}}

    def _comes(self, account_id: str, holder: Holder, number: Number) -> dict[str, Any]:
        return {
            "Key": self._key(account_id, holder.sk),
            "UpdateExpression": "SET #number = if_not_exists(#number, :number), "
            "number_id = if_not_exists(number_id, :number_id), revision = if_not_exists(revision, :first) + :step",
            "ConditionExpression": _EXISTS,
            "ExpressionAttributeNames": {"#number": "number"},
            "ExpressionAttributeValues": to_item(
                {":number": number.number, ":number_id": number.number_id, ":first": 1, ":step": 1}
            ),
        }

    def _is_used(self, account_id: str, holder: Holder) -> dict[str, Any]:
        """Whoever deletes the holder at this moment finds that somebody began to use it."""
        return {
            "Key": self._key(account_id, USES_PREFIX + holder.sk),
            "UpdateExpression": "ADD uses :step",
            "ExpressionAttributeValues": to_item({":step": 1}),
        }

    def _leaves(self, account_id: str, leaving: Leaving, number: str) -> dict[str, Any]:
        other = leaving.other
        values: dict[str, Any] = {":number": number, ":first": 1, ":step": 1}
        if other is None:
            calls_from = " REMOVE #number, number_id"
        else:
            calls_from = ", #number = :other, number_id = :other_id"
            values |= {":other": other.number, ":other_id": other.number_id}
        return {
            "Key": self._key(account_id, leaving.holder.sk),
            "UpdateExpression": f"SET revision = if_not_exists(revision, :first) + :step{calls_from}",
            "ConditionExpression": _CALLS_FROM_IT,
            "ExpressionAttributeNames": {"#number": "number"},
            "ExpressionAttributeValues": to_item(values),
        }

    def _transact(self, parts: list[tuple[Exception, dict[str, Any]]]) -> None:
        named = [{verb: {"TableName": self._table_name, **write}} for _, each in parts for verb, write in each.items()]
        try:
            self._dynamodb.transact_write_items(TransactItems=named)
        except ClientError as error:
            reasons = refusal_reasons(error)
            if reasons is None:
                raise
            for (refusal, _), reason in zip(parts, reasons, strict=True):
                if reason.get("Code") == "ConditionalCheckFailed":
                    raise refusal from None
            if any(reason.get("Code") == "TransactionConflict" for reason in reasons):
                raise NumberChanged from None
            raise

    def _row(self, account_id: str, number: str) -> dict[str, str]:
        return {"pk": account_pk(account_id), "sk": NUMBER_PREFIX + number}

    def _key(self, account_id: str, sk: str) -> Any:
        return to_item({"pk": account_pk(account_id), "sk": sk})


def holders_of(number: Number) -> tuple[Holder, ...]:
    """Whom the number is attached to."""
    held = (("agent", number.agent_id), ("pipe", number.pipe_id))
    return tuple(Holder(kind, each) for kind, each in held if each is not None)


def _owner(account_id: str, number: str) -> dict[str, str]:
    return {"pk": number_pk(number), "sk": OWNER_SK, "account_id": account_id}


def _nobody_elses(account_id: str) -> dict[str, Any]:
    return {"ConditionExpression": _NOBODY_ELSES, "ExpressionAttributeValues": to_item({":account": account_id})}


def _unchanged(number: Number) -> dict[str, Any]:
    return {
        "ConditionExpression": _IS_UNCHANGED,
        "ExpressionAttributeValues": to_item({":revision": number.revision}),
    }
