"""Numbers as they are brought, changed and given up: each change is one transaction over the number, its owner, and
whoever it is attached to.

| what                           | condition
|--------------------------------|---------------------------------------------
| number                         | new, or unchanged since it was read
| its owner                      | nobody else
| its trunk, if it comes to one  | there, and not being deleted
| agent or pipe it comes to      | there; it calls from the number, unless it has one
| agent or pipe it leaves        | still calls from the number: calls from none, or its next
| what it names besides          | there: who takes callers in its place
| a number that it overflows to  | overflows to no other number
| its uses, if it begins to      | as they were read: no number overflows to it
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ringline.routing.records import Number
from ringline.runtime.items import from_item, refusal_reasons, to_item
from ringline.runtime.rows import attributes_of, to_row
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
_OVERFLOWS_TO_NONE = "attribute_exists(pk) AND attribute_not_exists(overflow_number)"
_TAKES_NUMBERS = "attribute_exists(pk) AND leaving = :no"
_CALLS_FROM_IT = "attribute_exists(pk) AND #number = :number"
_AS_OFTEN = "uses = :seen"
_NEVER = "attribute_not_exists(uses)"


@dataclass(frozen=True, slots=True)
class Holder:
    """An agent or a pipe that a number is attached to."""

    kind: str
    id: str

    @property
    def sk(self) -> str:
        return (AGENT_PREFIX if self.kind == "agent" else PIPE_PREFIX) + self.id


@dataclass(frozen=True, slots=True)
class Named:
    """An agent, a pipe or a number that a number names to take callers in its place, and in which field."""

    kind: str
    id: str
    field: str

    @property
    def sk(self) -> str:
        return {"agent": AGENT_PREFIX, "pipe": PIPE_PREFIX, "number": NUMBER_PREFIX}[self.kind] + self.id


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
    """What the number names is not there (any more): what `kind` of thing, and in which field."""

    def __init__(self, kind: str, field: str | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.field = field


class OverflowChained(Exception):
    """The number that callers would go on to has another number to send them on to."""


class NumberRows:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def write(
        self,
        account_id: str,
        before: Number | None,
        after: Number,
        *,
        leaves: Sequence[Leaving] = (),
        uses: int | None = None,
    ) -> int | None:
        """Writes the number, with what it comes to. `leaves` are those who call from it, and are to no more; `uses` are
        as they were read before it was looked for numbers that overflow to it. Answers with `uses` as they are now: a
        number that begins to overflow to another one moves its own. Raises NumberTaken, NumberChanged, HolderGone,
        OverflowChained."""
        owner = {"Item": to_row(_owner(account_id, after.number)), **_nobody_elses(account_id)}
        parts: list[tuple[Exception, dict[str, Any]]] = [
            (NumberChanged(after.number), self._number(account_id, before, after)),
            (NumberTaken(after.number), {"Put": owner}),
        ]
        if after.account_trunk_id is not None and (before is None or after.account_trunk_id != before.account_trunk_id):
            trunk = {"Key": self._key(account_id, TRUNK_PREFIX + after.account_trunk_id)}
            free = {"ConditionExpression": _TAKES_NUMBERS, "ExpressionAttributeValues": to_item({":no": False})}
            parts.append((HolderGone("trunk"), {"ConditionCheck": {**trunk, **free}}))
        was = () if before is None else holders_of(before)
        comes = [holder for holder in holders_of(after) if holder not in was]
        for holder in comes:
            parts.append((HolderGone(holder.kind), {"Update": self._comes(account_id, holder, after)}))
        begun = dict.fromkeys(holder.sk for holder in comes)
        held = {holder.sk for holder in (*was, *comes)} | {each.sk for each in named_by(before)}
        for sk, named in {each.sk: each for each in named_by(after) if each.sk not in held}.items():
            condition = _OVERFLOWS_TO_NONE if named.kind == "number" else _EXISTS
            there = {"Key": self._key(account_id, sk), "ConditionExpression": condition}
            parts.append((HolderGone(named.kind, named.field), {"ConditionCheck": there}))
            begun[sk] = None
            if named.kind == "number" and uses is not None:
                itself = self._used(account_id, NUMBER_PREFIX + after.number, uses)
                parts.append((NumberChanged(after.number), {"Update": itself}))
                uses += 1
        parts += [(NumberChanged(after.number), {"Update": self._is_used(account_id, sk)}) for sk in begun]
        for leaving in leaves:
            parts.append((NumberChanged(after.number), {"Update": self._leaves(account_id, leaving, after.number)}))
        try:
            self._transact(parts)
        except HolderGone as gone:
            if gone.kind == "number" and self._is_there(account_id, after.overflow_number or ""):
                raise OverflowChained from None
            raise
        return uses

    def _is_there(self, account_id: str, number: str) -> bool:
        key = self._key(account_id, NUMBER_PREFIX + number)
        return "Item" in self._dynamodb.get_item(TableName=self._table_name, Key=key, ConsistentRead=True)

    def uses(self, account_id: str, number: str) -> int:
        """How often another number began to name it: what its deletion must find unchanged."""
        key = self._key(account_id, USES_PREFIX + NUMBER_PREFIX + number)
        item = self._dynamodb.get_item(TableName=self._table_name, Key=key, ConsistentRead=True).get("Item")
        return 0 if item is None else int(from_item(item)["uses"])

    def delete(
        self, account_id: str, number: Number, *, leaves: Sequence[Leaving] = (), uses: int | None = None
    ) -> None:
        """`uses` as they were read before it was looked for whoever names it. Raises NumberChanged."""
        row = {"Key": self._key(account_id, NUMBER_PREFIX + number.number), **_unchanged(number)}
        owner = to_item({"pk": number_pk(number.number), "sk": OWNER_SK})
        changed = NumberChanged(number.number)
        parts: list[tuple[Exception, dict[str, Any]]] = [
            (changed, {"Delete": row}),
            (changed, {"Delete": {"Key": owner, **_nobody_elses(account_id)}}),
        ]
        for leaving in leaves:
            parts.append((changed, {"Update": self._leaves(account_id, leaving, number.number)}))
        if uses is not None:
            parts.append((changed, {"Update": self._used(account_id, NUMBER_PREFIX + number.number, uses)}))
        self._transact(parts)

    def _number(self, account_id: str, before: Number | None, after: Number) -> dict[str, Any]:
        item = {**attributes_of(after), **self._row(account_id, after.number), "item_kind": "number"}
        condition = {"ConditionExpression": _IS_NEW} if before is None else _unchanged(before)
        return {"Put": {"Item": to_row(item), **condition}}

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

    def _is_used(self, account_id: str, sk: str) -> dict[str, Any]:
        """Whoever deletes it at this moment finds that somebody began to use it."""
        return {
            "Key": self._key(account_id, USES_PREFIX + sk),
            "UpdateExpression": "ADD uses :step",
            "ExpressionAttributeValues": to_item({":step": 1}),
        }

    def _used(self, account_id: str, sk: str, seen: int) -> dict[str, Any]:
        as_seen = {":seen": seen} if seen else {}
        return {
            "Key": self._key(account_id, USES_PREFIX + sk),
            "UpdateExpression": "ADD uses :step",
            "ConditionExpression": _AS_OFTEN if seen else _NEVER,
            "ExpressionAttributeValues": to_item({":step": 1, **as_seen}),
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


def named_by(number: Number | None) -> tuple[Named, ...]:
    """Who takes the number's callers where its own are not free, or where nobody decided about them."""
    if number is None:
        return ()
    default = None if number.decision_default in {"accept", "reject"} else number.decision_default
    names = (
        ("pipe", number.overflow_pipe_id, "overflow.pipe_id"),
        ("agent", number.overflow_agent_id, "overflow.agent_id"),
        ("number", number.overflow_number, "overflow.number"),
        ("pipe", default, "decision_default"),
    )
    return tuple(Named(kind, each, field) for kind, each, field in names if each is not None)


def _owner(account_id: str, number: str) -> dict[str, str]:
    return {"pk": number_pk(number), "sk": OWNER_SK, "account_id": account_id}


def _nobody_elses(account_id: str) -> dict[str, Any]:
    return {"ConditionExpression": _NOBODY_ELSES, "ExpressionAttributeValues": to_item({":account": account_id})}


def _unchanged(number: Number) -> dict[str, Any]:
    return {
        "ConditionExpression": _IS_UNCHANGED,
        "ExpressionAttributeValues": to_item({":revision": number.revision}),
    }
