"""Turns of endpoints with limits, or that are slow: pk A#<account>#TURNS, sk <endpoint>. Only deliver_webhook writes
them, a conditional update for each post, one more where leases are given back; `ringline.webhooks.model.pace` says what
they hold.

| attribute | what it says
|-----------|------------------------------------------------------------------------
| turn_<n>  | when it was taken: free a second later
| lease_<n> | until when it is held, if nobody gives it back before
| tail      | the moment of the next place behind those that wait
| took_ms   | how long the last post took
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import condition_failed, from_item, to_item
from ringline.runtime.table import turns_pk
from ringline.webhooks.model.pace import (
    LEASE_MS,
    SECOND_MS,
    Limits,
    NoTurn,
    Turn,
    free_at,
    free_leases,
    free_turns,
    spacing_ms,
)

_KEPT_S = 24 * 3600
_TRIES = 5
"""Each lost one means that somebody else was let through in that moment."""

# Named conditions.
_NOBODY_WAITS = "(attribute_not_exists(tail) OR tail <= :now)"
_ANYBODY_WAITED = "attribute_exists(tail)"
_STILL_HELD = "#lease = :until"
_SOMEBODY_WAITS = "tail > :base"
_NOBODY_IS_BEHIND = "attribute_not_exists(tail) OR tail <= :base"


class TurnsContended(Exception):
    """Others were faster each time; nothing was written."""


@dataclass(frozen=True, slots=True)
class Done:
    """`row` is what was changed, as it is now."""

    row: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Refused:
    """`row` is the row as it was found."""

    row: Mapping[str, int]


class TurnStore:
    def __init__(self, dynamodb: Any, table_name: str, choose: Callable[[list[str]], str] = random.choice) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._choose = choose

    def take(self, account_id: str, endpoint_id: str, limits: Limits, now: int, *, has_waited: bool) -> Turn | NoTurn:
        """A turn and a lease, where both are free, in one write. Who has not waited takes none from those that do.
        Nobody reads before it: the places are chosen by chance, and a refusal tells which are free."""
        row: Mapping[str, int] = {}
        for _ in range(_TRIES):
            turns, leases = free_turns(row, limits, now), free_leases(row, limits, now)
            is_full = (limits.per_second and not turns) or (limits.parallel and not leases)
            if is_full or (not has_waited and row.get("tail", 0) > now):
                break
            turn = self._choose(turns) if turns else None
            lease = self._choose(leases) if leases else None
            taken = self._take(account_id, endpoint_id, turn, lease, now, has_waited=has_waited)
            if isinstance(taken, Done):
                return Turn(now, lease, now + LEASE_MS)
            row = taken.row
        return NoTurn(free_at(row, limits, now), spacing_ms(row, limits))

    def _take(
        self, account_id: str, endpoint_id: str, turn: str | None, lease: str | None, now: int, *, has_waited: bool
    ) -> "Done | Refused":
        sets, conditions = ["ttl_at_s = :ttl"], [] if has_waited else [_NOBODY_WAITS]
        names: dict[str, str] = {}
        values = {":now": now, ":ttl": now // MS_PER_S + _KEPT_S}
        if turn is not None:
            names["#turn"], values[":rested"] = turn, now - SECOND_MS
            sets.append("#turn = :now")
            conditions.append("(attribute_not_exists(#turn) OR #turn <= :rested)")
        if lease is not None:
            names["#lease"], values[":until"] = lease, now + LEASE_MS
            sets.append("#lease = :until")
            conditions.append("(attribute_not_exists(#lease) OR #lease <= :now)")
        return self._change(account_id, endpoint_id, f"SET {', '.join(sets)}", " AND ".join(conditions), names, values)

    def leave(self, account_id: str, endpoint_id: str, turn: Turn, took_ms: int) -> None:
        """Gives the lease back, unless it has run out and somebody else holds it."""
        if turn.lease is not None:
            self._change(
                account_id,
                endpoint_id,
                "SET took_ms = :took REMOVE #lease",
                _STILL_HELD,
                {"#lease": turn.lease},
                {":took": took_ms, ":until": turn.lease_until},
            )

    def wait(self, account_id: str, endpoint_id: str, not_before: int, spacing_ms: int) -> int:
        """The moment of a place behind all that wait, and not before that one. Each gets a place of its own: the tail
        is moved on by adding to it, not by writing what was read."""
        values = {":base": not_before, ":spacing": spacing_ms}
        for _ in range(_TRIES):
            behind = self._change(account_id, endpoint_id, "SET tail = tail + :spacing", _SOMEBODY_WAITS, {}, values)
            if isinstance(behind, Done):
                return behind.row["tail"] - spacing_ms
            first = {":base": not_before, ":tail": not_before + spacing_ms}
            alone = self._change(account_id, endpoint_id, "SET tail = :tail", _NOBODY_IS_BEHIND, {}, first)
            if isinstance(alone, Done):
                return not_before
        raise TurnsContended

    def forget(self, account_id: str, endpoint_id: str) -> None:
        """Who comes next goes behind nobody: under other limits the places of those that wait are too far away. Leases
        stay with those that hold them."""
        self._change(account_id, endpoint_id, "SET tail = :none", _ANYBODY_WAITED, {}, {":none": 0})

    def _change(
        self,
        account_id: str,
        endpoint_id: str,
        change: str,
        condition: str,
        names: Mapping[str, str],
        values: Mapping[str, int],
    ) -> "Done | Refused":
        request: dict[str, Any] = {"ExpressionAttributeNames": dict(names)} if names else {}
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table_name,
                Key=to_item({"pk": turns_pk(account_id), "sk": endpoint_id}),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues=to_item(values),
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **request,
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            return Refused(from_item(error.response.get("Item", {})))
        return Done(from_item(answer.get("Attributes", {})))
