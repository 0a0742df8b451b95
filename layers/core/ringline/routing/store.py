"""What an account has set up, in the one table.

| item   | pk          | sk
|--------|-------------|--------------
| pipe   | A#<account> | PIPE#<pipe>
| agent  | A#<account> | AGENT#<agent>
| number | A#<account> | NUMBER#<+e164>
| its owner | NUMBER#<+e164> | OWNER
| trunk  | TRUNK#<trunk> | INBOUND (its pace: calls.tables.paces)

A number belongs to one account: whoever is called on it is found by the number alone.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from ringline.routing.records import Agent, Number, Pipe, Sound, Trunk, VoiceBinding, VoicemailWindows
from ringline.runtime.items import Item, condition_failed, from_item, refusal_reasons, to_item
from ringline.runtime.rows import attributes_of, known_to, to_row
from ringline.runtime.table import (
    ACCOUNT_SK,
    AGENT_PREFIX,
    INBOUND_SK,
    NUMBER_PREFIX,
    OWNER_SK,
    PIPE_PREFIX,
    account_pk,
    number_pk,
    trunk_pk,
)

_PIPE, _AGENT, _NUMBER = PIPE_PREFIX, AGENT_PREFIX, NUMBER_PREFIX

# Named conditions.
_EXISTS = "attribute_exists(pk)"
_NOBODY_ELSES = "attribute_not_exists(pk) OR account_id = :account"
_BOUND_TO_AGENT = "agent_id = :agent"


class NumberTaken(Exception):
    """Another account has the number."""


class RoutingStore:
    """Put replaces. Delete says whether there was something to delete. Lists are ordered by id."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def put_pipe(self, account_id: str, pipe: Pipe) -> None:
        self._put(account_id, _PIPE + pipe.pipe_id, "pipe", attributes_of(pipe))

    def pipe(self, account_id: str, pipe_id: str) -> Pipe | None:
        found = self._get(account_id, _PIPE + pipe_id)
        return pipe_from(found) if found else None

    def pipes(self, account_id: str, agent_id: str | None = None) -> list[Pipe]:
        """The account's pipes, or those bound to one agent."""
        return [pipe_from(found) for found in self._list(account_id, _PIPE, agent_id)]

    def transfer_fallback(self, account_id: str, pipe_id: str | None) -> tuple[str, ...]:
        """Whom a failed transfer of the pipe's calls goes on to, as `Pipe` has it; nobody where the pipe is gone."""
        pipe = None if pipe_id is None else self.pipe(account_id, pipe_id)
        return () if pipe is None else pipe.transfer_fallback

    def delete_pipe(self, account_id: str, pipe_id: str) -> bool:
        return self._delete(account_id, _PIPE + pipe_id)

    def put_agent(self, account_id: str, agent: Agent) -> None:
        self._put(account_id, _AGENT + agent.agent_id, "agent", attributes_of(agent))

    def agent(self, account_id: str, agent_id: str) -> Agent | None:
        found = self._get(account_id, _AGENT + agent_id)
        return agent_from(found) if found else None

    def agents(self, account_id: str) -> list[Agent]:
        return [agent_from(found) for found in self._list(account_id, _AGENT)]

    def analytics_schema(self, account_id: str, agent_id: str) -> str | None:
        """The JSON Schema, as text, that the agent's outcomes are to fit; None if it has none, or is gone."""
        agent = self.agent(account_id, agent_id)
        return None if agent is None else agent.analytics_schema

    def dispatch_name(self, account_id: str, agent_id: str | None) -> str | None:
        """The name of its own under which LiveKit dispatches the agent; None if it has none, or is gone."""
        agent = None if agent_id is None else self.agent(account_id, agent_id)
        return None if agent is None else agent.own_name

    def delete_agent(self, account_id: str, agent_id: str) -> bool:
        return self._delete(account_id, _AGENT + agent_id)

    def put_number(self, account_id: str, number: Number) -> None:
        """Raises NumberTaken; nothing is written then."""
        owner = {"pk": number_pk(number.number), "sk": OWNER_SK, "account_id": account_id}
        refusals = self._transact(
            {"Put": {"Item": _item(account_id, _NUMBER + number.number, "number", attributes_of(number))}},
            {"Put": {"Item": to_row(owner), **_nobody_elses(account_id)}},
        )
        if refusals is not None:
            raise NumberTaken(number.number)

    def owner_of(self, number: str) -> str | None:
        """The account that has the number."""
        key = to_item({"pk": number_pk(number), "sk": OWNER_SK})
        item = self._dynamodb.get_item(TableName=self._table_name, Key=key, ConsistentRead=True).get("Item")
        return None if item is None else str(from_item(item)["account_id"])

    def number(self, account_id: str, number: str) -> Number | None:
        found = self._get(account_id, _NUMBER + number)
        return number_from(found) if found else None

    def numbers(self, account_id: str) -> list[Number]:
        return [number_from(found) for found in self._list(account_id, _NUMBER)]

    def default_number(self, account_id: str) -> str | None:
        """What the account calls from where neither request nor pipe nor agent says."""
        return (self._get(account_id, ACCOUNT_SK) or {}).get("default_number")

    def delete_number(self, account_id: str, number: str) -> bool:
        row = to_item({"pk": account_pk(account_id), "sk": _NUMBER + number})
        owner = to_item({"pk": number_pk(number), "sk": OWNER_SK})
        refusals = self._transact(
            {"Delete": {"Key": row, "ConditionExpression": _EXISTS}},
            {"Delete": {"Key": owner, **_nobody_elses(account_id)}},
        )
        return refusals is None

    def put_trunk(self, trunk: Trunk) -> None:
        item = attributes_of(trunk) | {"pk": trunk_pk(trunk.trunk_id), "sk": INBOUND_SK, "item_kind": "trunk"}
        self._dynamodb.put_item(TableName=self._table_name, Item=to_row(item))

    def trunk(self, trunk_id: str) -> Trunk | None:
        key = to_item({"pk": trunk_pk(trunk_id), "sk": INBOUND_SK})
        item = self._dynamodb.get_item(TableName=self._table_name, Key=key, ConsistentRead=True).get("Item")
        return None if item is None else Trunk(**known_to(Trunk, from_item(item)))

    def _put(self, account_id: str, sk: str, item_kind: str, record: Mapping[str, Any]) -> None:
        self._dynamodb.put_item(TableName=self._table_name, Item=_item(account_id, sk, item_kind, record))

    def _transact(self, *writes: dict[str, dict[str, Any]]) -> list[dict[str, Any]] | None:
        """None when all was written, or why each part was refused by its condition."""
        named = [{verb: {"TableName": self._table_name, **write}} for each in writes for verb, write in each.items()]
        try:
            self._dynamodb.transact_write_items(TransactItems=named)
        except ClientError as error:
            reasons = refusal_reasons(error)
            if reasons is None or not any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
                raise
            return reasons
        return None

    def _get(self, account_id: str, sk: str) -> dict[str, Any] | None:
        # The read is consistent, so that a call can be made with what was set up a moment ago.
        key = to_item({"pk": account_pk(account_id), "sk": sk})
        answer = self._dynamodb.get_item(TableName=self._table_name, Key=key, ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def _list(self, account_id: str, prefix: str, agent_id: str | None = None) -> list[dict[str, Any]]:
        values = {":pk": account_pk(account_id), ":prefix": prefix, ":agent": agent_id}
        bound = {"FilterExpression": _BOUND_TO_AGENT} if agent_id is not None else {}
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=to_item(values),
            ConsistentRead=True,
            **bound,
        )
        return [from_item(item) for page in pages for item in page["Items"]]

    def _delete(self, account_id: str, sk: str) -> bool:
        try:
            self._dynamodb.delete_item(
                TableName=self._table_name,
                Key=to_item({"pk": account_pk(account_id), "sk": sk}),
                ConditionExpression=_EXISTS,
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
        return True


def _item(account_id: str, sk: str, item_kind: str, record: Mapping[str, Any]) -> Item:
    return to_row({**record, "pk": account_pk(account_id), "sk": sk, "item_kind": item_kind})


def _nobody_elses(account_id: str) -> dict[str, Any]:
    return {
        "ConditionExpression": _NOBODY_ELSES,
        "ExpressionAttributeValues": to_item({":account": account_id}),
    }


def number_from(found: Mapping[str, Any]) -> Number:
    """The number of an item's plain fields, which may be of an older or a later version."""
    return Number(**known_to(Number, found))


def agent_from(found: Mapping[str, Any]) -> Agent:
    """The agent of an item's plain fields, which may be of an older or a later version."""
    known = known_to(Agent, found)
    if "sound" in known:
        known["sound"] = Sound(**known_to(Sound, known["sound"], ()))
    if "voices" in known:
        known["voices"] = tuple(VoiceBinding(**known_to(VoiceBinding, each, ())) for each in known["voices"])
    return Agent(**known)


def pipe_from(found: Mapping[str, Any]) -> Pipe:
    """The pipe of an item's plain fields, which may be of an older or a later version."""
    known = known_to(Pipe, found)
    if "sound" in known:
        known["sound"] = Sound(**known_to(Sound, known["sound"], ()))
    if "voicemail" in known:
        known["voicemail"] = VoicemailWindows(**known_to(VoicemailWindows, known["voicemail"], ()))
    for name in ("transfer_allowed_numbers", "transfer_allowed_prefixes", "transfer_fallback", "caller_ids"):
        if name in known:
            known[name] = tuple(known[name])
    return Pipe(**known)
