"""Writes of pipes and agents that keep what is used, and lose no change.

| item        | pk          | sk
|-------------|-------------|------------------------------------------------------------------
| how often something began to use it | A#<account> | USES#PIPE#<pipe>, USES#AGENT#<agent>

    a pipe is bound to an agent:    [the agent is there | uses + 1 | the pipe is written]
    the agent is deleted:           reads uses, looks for whoever uses it, [uses as read, + 1 | the agent is deleted]

Whoever begins to use it in between moves `uses`, and the deletion looks again. Whoever comes after it finds nothing.
Numbers and trunks of LiveKit's that pipes and agents call by are kept the same way, and deleted by `ringline.trunking`.
A trunk of LiveKit's has no row that shows whether it may be named: whoever names it reads `uses` first, and a deletion
moves it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from ringline.routing.records import Agent, Pipe
from ringline.runtime.items import condition_failed, from_item, met_a_transaction, refusal_reasons, to_item
from ringline.runtime.rows import attributes_of, to_row
from ringline.runtime.table import (
    AGENT_PREFIX,
    NUMBER_PREFIX,
    OWNER_SK,
    PIPE_PREFIX,
    TRUNK_PREFIX,
    USES_PREFIX,
    account_pk,
    dispatch_name_pk,
)

# Named conditions.
_IS_NEW = "attribute_not_exists(pk)"
_EXISTS = "attribute_exists(pk)"
_OF_THIS_REVISION = "revision = :before"
_OF_THE_FIRST = "attribute_exists(pk) AND (attribute_not_exists(revision) OR revision = :before)"
"""Rows of an older version have no revision, and count as of the first."""
_NOBODY_ELSES = "attribute_not_exists(pk) OR account_id = :account OR agents < :one"
_AS_OFTEN = "uses = :seen"
_NEVER = "attribute_not_exists(uses)"

_NAMES_AGENT = ("agent_id", "fallback_agent_id", "overflow_agent_id")
_NAMES_PIPE = ("pipe_id", "overflow_pipe_id", "decision_default")
"""The attributes of pipes and numbers that name an agent, or a pipe."""


class Kind(StrEnum):
    PIPE = "pipe"
    AGENT = "agent"
    NUMBER = "number"
    TRUNK = "trunk"


_PREFIXES = {
    Kind.PIPE: PIPE_PREFIX,
    Kind.AGENT: AGENT_PREFIX,
    Kind.NUMBER: NUMBER_PREFIX,
    Kind.TRUNK: TRUNK_PREFIX,
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A pipe, an agent, a number, or a trunk of LiveKit's, named by what uses it."""

    kind: Kind
    thing_id: str

    @property
    def sk(self) -> str:
        return _PREFIXES[self.kind] + self.thing_id


@dataclass(frozen=True, slots=True)
class User:
    """What uses a pipe or an agent."""

    kind: str
    thing_id: str


class Refusal(StrEnum):
    """Why nothing was written."""

    NAME_TAKEN = "name_taken"
    """Another account's agent is dispatched under this name."""
    OUTRUN = "outrun"
    """Somebody else's change went before it, or is at it: what was read is not so any more. Read, and try again."""


@dataclass(frozen=True, slots=True)
class Change:
    """A pipe or an agent to be written, in the place of what it was; new where `before` is None."""

    after: Pipe | Agent
    before: Pipe | Agent | None = None


class SetupStore:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def save(
        self,
        account_id: str,
        changes: Sequence[Change],
        uses: Iterable[Reference] = (),
        seen: Mapping[Reference, int] | None = None,
    ) -> Refusal | None:
        """Writes all of the changes, or none. `uses` is what they refer to from now on, and did not before; `seen` the
        uses of trunks as they were read before it was looked whether they may be named."""
        begun = tuple(dict.fromkeys(uses))
        made = {reference_to(each.after) for each in changes}
        known = seen or {}
        there = [self._there_is(account_id, each) for each in begun if each not in made | known.keys()]
        puts = [self._put(account_id, each.after, each.before) for each in changes]
        begins = [
            self._used(account_id, each, known[each]) if each in known else self._begin_to_use(account_id, each)
            for each in begun
        ]
        claims, releases = _names_of(changes)
        return self._transact([*puts, *there, *begins, *map(self._release, releases)], account_id, claims)

    def seen_trunk(self, account_id: str, trunk_id: str | None) -> dict[Reference, int]:
        """The uses of a trunk of LiveKit's, where one is named: read before it is looked whether it may be."""
        if trunk_id is None:
            return {}
        trunk = Reference(Kind.TRUNK, trunk_id)
        return {trunk: self.uses(account_id, trunk)}

    def uses(self, account_id: str, thing: Reference) -> int:
        """How often something began to use it: what its deletion must find unchanged."""
        key = to_item({"pk": account_pk(account_id), "sk": USES_PREFIX + thing.sk})
        item = self._dynamodb.get_item(TableName=self._table_name, Key=key, ConsistentRead=True).get("Item")
        return 0 if item is None else int(from_item(item)["uses"])

    def users(self, account_id: str, thing: Reference) -> list[User]:
        """The pipes and numbers that name it."""
        names = _NAMES_AGENT if thing.kind is Kind.AGENT else _NAMES_PIPE
        found = [
            User("number", each["number"]) for each in self._naming(account_id, NUMBER_PREFIX, names, thing.thing_id)
        ]
        if thing.kind is Kind.PIPE:
            return found
        pipes = self._naming(account_id, PIPE_PREFIX, names, thing.thing_id)
        return [User("pipe", each["pipe_id"]) for each in pipes] + found

    def delete(
        self,
        account_id: str,
        of: Pipe | Agent,
        things: Mapping[Reference, int],
        names: Iterable[str | None] = (),
    ) -> Refusal | None:
        """Deletes `of` with what goes with it: each of `things`, whose uses must be as they were read, and the `names`
        under which they were dispatched."""
        writes = []
        for thing, seen in things.items():
            writes.append(self._delete(account_id, thing, of if thing == reference_to(of) else None))
            writes.append(self._used(account_id, thing, seen))
        return self._transact([*writes, *(self._release(each) for each in names if each is not None)])

    def _naming(self, account_id: str, prefix: str, names: tuple[str, ...], named: str) -> list[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            FilterExpression=" OR ".join(
                [*(f"{name} = :named" for name in names), "contains(transfer_fallback, :listed)"]
            ),
            ExpressionAttributeValues=to_item(
                {":pk": account_pk(account_id), ":prefix": prefix, ":named": named, ":listed": f"agent:{named}"}
            ),
            ConsistentRead=True,
        )
        return [from_item(item) for page in pages for item in page["Items"]]

    def _put(self, account_id: str, after: Pipe | Agent, before: Pipe | Agent | None) -> dict[str, Any]:
        kind = reference_to(after).kind
        item = {
            **attributes_of(after),
            "pk": account_pk(account_id),
            "sk": reference_to(after).sk,
            "item_kind": kind.value,
        }
        return {"Put": {"Item": to_row(item), **_of_revision(before)}}

    def _there_is(self, account_id: str, thing: Reference) -> dict[str, Any]:
        return {"ConditionCheck": {"Key": self._key(account_id, thing.sk), "ConditionExpression": _EXISTS}}

    def _begin_to_use(self, account_id: str, thing: Reference) -> dict[str, Any]:
        return {
            "Update": {
                "Key": self._key(account_id, USES_PREFIX + thing.sk),
                "UpdateExpression": "ADD uses :one",
                "ExpressionAttributeValues": to_item({":one": 1}),
            }
        }

    def _used(self, account_id: str, thing: Reference, seen: int) -> dict[str, Any]:
        as_seen = {":seen": seen} if seen else {}
        return {
            "Update": {
                "Key": self._key(account_id, USES_PREFIX + thing.sk),
                "UpdateExpression": "ADD uses :one",
                "ConditionExpression": _AS_OFTEN if seen else _NEVER,
                "ExpressionAttributeValues": to_item({":one": 1, **as_seen}),
            }
        }

    def _delete(self, account_id: str, thing: Reference, of: Pipe | Agent | None) -> dict[str, Any]:
        condition = {"ConditionExpression": _EXISTS} if of is None else _of_revision(of)
        return {"Delete": {"Key": self._key(account_id, thing.sk), **condition}}

    def _claim(self, account_id: str, name: str) -> dict[str, Any]:
        """A name that agents of one account alone are dispatched under: nobody sends calls to another's workers."""
        return {
            "Update": {
                "Key": to_item({"pk": dispatch_name_pk(name), "sk": OWNER_SK}),
                "UpdateExpression": "SET account_id = :account ADD agents :one",
                "ConditionExpression": _NOBODY_ELSES,
                "ExpressionAttributeValues": to_item({":account": account_id, ":one": 1}),
            }
        }

    def _release(self, name: str) -> dict[str, Any]:
        return {
            "Update": {
                "Key": to_item({"pk": dispatch_name_pk(name), "sk": OWNER_SK}),
                "UpdateExpression": "ADD agents :less",
                "ExpressionAttributeValues": to_item({":less": -1}),
            }
        }

    def _key(self, account_id: str, sk: str) -> dict[str, Any]:
        return to_item({"pk": account_pk(account_id), "sk": sk})

    def _transact(
        self, writes: list[dict[str, Any]], account_id: str = "", claims: Sequence[str] = ()
    ) -> Refusal | None:
        writes = [*(self._claim(account_id, each) for each in claims), *writes]
        if len(writes) == 1 and "Put" in writes[0]:
            return self._put_alone(writes[0]["Put"])
        named = [{verb: {"TableName": self._table_name, **write}} for each in writes for verb, write in each.items()]
        try:
            self._dynamodb.transact_write_items(TransactItems=named)
        except ClientError as error:
            codes = [reason.get("Code") for reason in refusal_reasons(error) or ()]
            if "ConditionalCheckFailed" in codes[: len(claims)]:
                return Refusal.NAME_TAKEN
            refused = set(codes)
            if not refused & {"ConditionalCheckFailed", "TransactionConflict"}:
                raise
            return Refusal.OUTRUN
        return None

    def _put_alone(self, put: dict[str, Any]) -> Refusal | None:
        """What is alone needs no transaction, which costs twice as much."""
        try:
            self._dynamodb.put_item(TableName=self._table_name, **put)
        except ClientError as error:
            if not (condition_failed(error) or met_a_transaction(error)):
                raise
            return Refusal.OUTRUN
        return None


def reference_to(thing: Pipe | Agent) -> Reference:
    return Reference(Kind.PIPE, thing.pipe_id) if isinstance(thing, Pipe) else Reference(Kind.AGENT, thing.agent_id)


def _names_of(changes: Sequence[Change]) -> tuple[list[str], list[str]]:
    """The names under which agents are dispatched from now on, and those that they are no more."""
    claims: list[str] = []
    releases: list[str] = []
    for change in changes:
        before = change.before.own_name if isinstance(change.before, Agent) else None
        after = change.after.own_name if isinstance(change.after, Agent) else None
        if before != after:
            claims += [] if after is None else [after]
            releases += [] if before is None else [before]
    return claims, releases


def line_of(thing: Pipe | Agent) -> set[Reference]:
    """The number and the trunk that it calls by."""
    line = ((Kind.NUMBER, thing.number), (Kind.TRUNK, thing.trunk_id))
    return {Reference(kind, each) for kind, each in line if each is not None}


def _of_revision(before: Pipe | Agent | None) -> dict[str, Any]:
    if before is None:
        return {"ConditionExpression": _IS_NEW}
    condition = _OF_THE_FIRST if before.revision == 1 else _OF_THIS_REVISION
    return {"ConditionExpression": condition, "ExpressionAttributeValues": to_item({":before": before.revision})}
