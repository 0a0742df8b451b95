"""Writes of pipes and agents that keep what is used, and lose no change.

| item        | pk          | sk
|-------------|-------------|------------------------------------------------------------------
| how often something began to use it | A#<account> | USES#PIPE#<pipe>, USES#AGENT#<agent>

    a pipe is bound to an agent:    [the agent is there | uses + 1 | the pipe is written]
    the agent is deleted:           reads uses, looks for whoever uses it, [uses as read, + 1 | the agent is deleted]

Whoever begins to use it in between moves `uses`, and the deletion looks again. Whoever comes after it finds nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from ringline.routing.records import Agent, Pipe
from ringline.runtime.items import from_item, refusal_reasons, to_item
from ringline.runtime.table import AGENT_PREFIX, NUMBER_PREFIX, PIPE_PREFIX, USES_PREFIX, account_pk

# Named conditions.
_IS_NEW = "attribute_not_exists(pk)"
_EXISTS = "attribute_exists(pk)"
_OF_THIS_REVISION = "revision = :before"
_OF_THE_FIRST = "attribute_exists(pk) AND (attribute_not_exists(revision) OR revision = :before)"
"""Rows of an older version have no revision, and count as of the first."""
_AS_OFTEN = "uses = :seen"
_NEVER = "attribute_not_exists(uses)"

_NAMES_AGENT = ("agent_id", "fallback_agent_id", "overflow_agent_id")
_NAMES_PIPE = ("pipe_id", "overflow_pipe_id", "decision_default")
"""The attributes of pipes and numbers that name an agent, or a pipe."""


class Kind(StrEnum):
    PIPE = "pipe"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Reference:
    """A pipe or an agent, named by what uses it."""

    kind: Kind
    thing_id: str

    @property
    def sk(self) -> str:
        return (PIPE_PREFIX if self.kind is Kind.PIPE else AGENT_PREFIX) + self.thing_id


@dataclass(frozen=True, slots=True)
class User:
    """What uses a pipe or an agent."""

    kind: str
    thing_id: str


class Refusal(StrEnum):
    """Why nothing was written."""

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

    def save(self, account_id: str, changes: Sequence[Change], uses: Iterable[Reference] = ()) -> Refusal | None:
        """Writes all of the changes, or none. `uses` is what they refer to from now on, and did not before."""
        begun = tuple(dict.fromkeys(uses))
        made = {reference_to(each.after) for each in changes}
        there = [self._there_is(account_id, each) for each in begun if each not in made]
        puts = [self._put(account_id, each.after, each.before) for each in changes]
        return self._transact([*puts, *there, *(self._begin_to_use(account_id, each) for each in begun)])

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

    def delete(self, account_id: str, of: Pipe | Agent, things: Mapping[Reference, int]) -> Refusal | None:
        """Deletes `of` with what goes with it: each of `things`, whose uses must be as they were read."""
        writes = []
        for thing, seen in things.items():
            writes.append(self._delete(account_id, thing, of if thing == reference_to(of) else None))
            writes.append(self._used(account_id, thing, seen))
        return self._transact(writes)

    def _naming(self, account_id: str, prefix: str, names: tuple[str, ...], named: str) -> list[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            FilterExpression=" OR ".join(f"{name} = :named" for name in names),
            ExpressionAttributeValues=to_item({":pk": account_pk(account_id), ":prefix": prefix, ":named": named}),
            ConsistentRead=True,
        )
        return [from_item(item) for page in pages for item in page["Items"]]

    def _put(self, account_id: str, after: Pipe | Agent, before: Pipe | Agent | None) -> dict[str, Any]:
        kind = reference_to(after).kind
        item = {**asdict(after), "pk": account_pk(account_id), "sk": reference_to(after).sk, "item_kind": kind.value}
        return {"Put": {"Item": to_item(item), **_of_revision(before)}}

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

    def _key(self, account_id: str, sk: str) -> dict[str, Any]:
        return to_item({"pk": account_pk(account_id), "sk": sk})

    def _transact(self, writes: list[dict[str, Any]]) -> Refusal | None:
        named = [{verb: {"TableName": self._table_name, **write}} for each in writes for verb, write in each.items()]
        try:
            self._dynamodb.transact_write_items(TransactItems=named)
        except ClientError as error:
            refused = {reason.get("Code") for reason in refusal_reasons(error) or ()}
            if not refused & {"ConditionalCheckFailed", "TransactionConflict"}:
                raise
            return Refusal.OUTRUN
        return None


def reference_to(thing: Pipe | Agent) -> Reference:
    return Reference(Kind.PIPE, thing.pipe_id) if isinstance(thing, Pipe) else Reference(Kind.AGENT, thing.agent_id)


def _of_revision(before: Pipe | Agent | None) -> dict[str, Any]:
    if before is None:
        return {"ConditionExpression": _IS_NEW}
    condition = _OF_THE_FIRST if before.revision == 1 else _OF_THIS_REVISION
    return {"ConditionExpression": condition, "ExpressionAttributeValues": to_item({":before": before.revision})}
