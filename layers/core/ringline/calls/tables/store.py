"""Calls, the gate and the queue in the table (keys: runtime.table).

One method writes: `commit` decides from the states before and after which items change together, so that the gate
counts exactly the calls that hold a line and a queue entry exists exactly as long as its call is queued. Each change
is one transaction:

    create   call +            queue entry +
    claim    call queued->dialing   queue entry -   gate +1 if below the cap   place +1 if the runner has one
    end      call ->terminal                        gate -1                    place -1
    requeue  call dialing->queued   queue entry +   gate -1                    place -1
    hand on  call's runner changes                                             place -1, the other's +1
    cancel   queued->canceled       queue entry -

A call that is unique to its number holds the number's item from create to end or cancel, in the same transactions. That
costs it two write units more at either end, and a read; other calls pay nothing. So does a call whose brain is a
runner, for its place there.
"""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from ringline.calls.model.call import Call, State
from ringline.calls.model.timing import CLOCK_SKEW_MS
from ringline.calls.tables.records import call_from_item, call_to_item
from ringline.record import Record
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import Item, condition_failed, from_item, met_a_transaction, refusal_reasons, to_item
from ringline.runtime.table import (
    GATE_SK,
    calls_pk,
    gate_pk,
    once_pk,
    queue_pk,
    queue_sk,
    runner_sk,
    runners_pk,
    unique_pk,
)

# Named conditions.
ITEM_IS_NEW = "attribute_not_exists(pk)"
ITEM_IS_THERE = "attribute_exists(pk)"
CALL_IS_UNCHANGED = "version = :version_read"
# Both must exist: comparing two absent attributes is not the same on every DynamoDB.
LINE_IS_FREE = "attribute_exists(cap) AND attribute_exists(in_use) AND in_use < cap"
LINE_IS_TAKEN = "in_use > :zero"
PLACE_IS_FREE = "attribute_exists(max_concurrent) AND attribute_exists(in_use) AND in_use < max_concurrent"
# DynamoDB removes an item that is past its time within days, not at once.
KEY_IS_UNUSED = "attribute_not_exists(pk) OR ttl_at_s < :now_s"
NUMBER_HAS_NO_CALL = "attribute_not_exists(pk)"
NUMBER_HAS_NO_OTHER_CALL = "attribute_not_exists(pk) OR call_id = :over"

_TELLING = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
_CONFLICT_TRIES = 8
_CONFLICT_WAIT_S = 0.02
_PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
_KEY_KEPT_S = 24 * 3600


class Committed(StrEnum):
    """What came of a commit. Only DONE changed anything."""

    DONE = "done"
    STALE = "stale"
    """Somebody else changed the call since it was read: read again and decide again."""
    GATE_FULL = "gate_full"
    PLACE_TAKEN = "place_taken"
    """The runner has no place left, or is gone."""


class TableContended(Exception):
    """Others kept changing the same items until our tries were spent; nothing was written."""


class Once(Record):
    """An idempotency key and the body it came with, both as hashes."""

    key_hash: str
    body_hash: str


class CreatedBefore(Record):
    """The call an idempotency key was used for, and the body it came with then."""

    call_id: str
    body_hash: str


class InTheWay(Record):
    """The call that a number is taken by, among calls that are unique to theirs."""

    call_id: str


class Gate(Record):
    """An account's lines. `line_ms` is how long all its calls together held one, and `line_ends` how many calls those
    were."""

    in_use: int
    cap: int
    line_ms: int = 0
    line_ends: int = 0

    @property
    def has_free_line(self) -> bool:
        return self.in_use < self.cap

    @property
    def mean_line_ms(self) -> float | None:
        """How long a call of this account holds its line, on average; None where none has ended yet."""
        return self.line_ms / self.line_ends if self.line_ends else None


class QueueEntry(Record):
    """A call that waits for a line. `agent_id` is the agent that must be there before it rings; None where none
    must. `runner_of` is the agent one of whose runners must have a place for it; None where its brain is none. One that
    has a `brain` is spoken for by a speech worker."""

    eligible_at: int
    call_id: str
    trunk_id: str | None = None
    agent_id: str | None = None
    runner_of: str | None = None
    brain: str | None = None


class CallStore:
    def __init__(self, dynamodb: Any, table_name: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._db = dynamodb
        self._table = table_name
        self._pause = pause

    # --- writing -----------------------------------------------------------------------------------------------------

    def create(self, call: Call, once: Once | None = None, over: str | None = None) -> CreatedBefore | InTheWay | None:
        """Accepts a call: the row and, if it waits, its place in the queue, together or not at all. With an idempotency
        key that was used before nothing is written, and the answer says for which call; nor with a number that it is
        unique to and that another call than `over`, which is over, has. Raises TableContended."""
        writes = [{"Put": self._write(call_to_item(call), ITEM_IS_NEW)}]
        if call.state is State.QUEUED:
            writes.append({"Put": self._write(_queue_item(call), ITEM_IS_NEW)})
        if call.unique_to is not None:
            writes.append({"Put": self._unique_put(call, over) | _TELLING})
        if once is not None:
            writes.append({"Put": self._once_put(call, once, call.created_at) | _TELLING})
        refusals = self._transact(writes)
        if refusals is None:
            return None
        told = [from_item(refusal["Item"]) for refusal in refusals if "Item" in refusal]
        if not told:
            raise RuntimeError(f"{call.call_id} was refused though it is new")
        # The key goes before the number: its call is the answer whatever is under way.
        return _created_before(told[-1]) if "body_hash" in told[-1] else InTheWay(told[-1]["call_id"])

    def in_the_way(self, call: Call) -> InTheWay | None:
        """The call that has the number this one is unique to."""
        item = self._db.get_item(TableName=self._table, Key=_unique_key(call), ConsistentRead=True).get("Item")
        return None if item is None else InTheWay(from_item(item)["call_id"])

    def remember(self, call: Call, once: Once, now: int) -> CreatedBefore | None:
        """Has the idempotency key stand for a call that was there before; or says for which one it stands already."""
        try:
            self._db.put_item(**self._once_put(call, once, now), **_TELLING)
        except ClientError as error:
            if not condition_failed(error):
                raise
            return _created_before(from_item(error.response["Item"]))
        return None

    def created_before(self, account_id: str, once: Once, now: int) -> CreatedBefore | None:
        """The call an idempotency key was used for within its day."""
        key = to_item({"pk": once_pk(account_id), "sk": once.key_hash})
        item = self._db.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        if item is None or from_item(item)["ttl_at_s"] * MS_PER_S < now:
            return None
        return _created_before(from_item(item))

    def commit(self, before: Call, after: Call) -> Committed:
        """Writes `after` if the call still is `before`, with whatever must change in the same breath."""
        put = self._write(call_to_item(after), CALL_IS_UNCHANGED, {":version_read": {"N": str(before.version)}})
        companions = [
            *self._queue_writes(before, after),
            *self._unique_writes(before, after),
            *self._gate_writes(before, after),
            *self._place_writes(before, after),
        ]
        if not companions:
            return self._commit_alone(put)
        refusals = self._transact([{"Put": put}, *companions])
        if refusals is None:
            return Committed.DONE
        return _why_refused(before, after, refusals)

    def _commit_alone(self, put: dict[str, Any]) -> Committed:
        for attempt in range(_CONFLICT_TRIES):
            try:
                self._db.put_item(**put)
                return Committed.DONE
            except ClientError as error:
                if condition_failed(error):
                    return Committed.STALE
                if not met_a_transaction(error):
                    raise
            self._let_pass(attempt)
        raise TableContended

    def _queue_writes(self, before: Call, after: Call) -> Iterable[dict[str, Any]]:
        stays = before.state is after.state and before.eligible_at == after.eligible_at
        if stays:
            return
        if before.state is State.QUEUED:
            key = to_item({"pk": queue_pk(before.account_id), "sk": queue_sk(before.eligible_at, before.call_id)})
            yield {"Delete": {"TableName": self._table, "Key": key, "ConditionExpression": ITEM_IS_THERE}}
        if after.state is State.QUEUED:
            yield {"Put": self._write(_queue_item(after), ITEM_IS_NEW)}

    def _unique_writes(self, before: Call, after: Call) -> Iterable[dict[str, Any]]:
        """Needs no condition: as long as the call is not over, as its own write checks, nobody else takes its
        number."""
        if after.unique_to is not None and after.state.is_terminal and not before.state.is_terminal:
            yield {"Delete": {"TableName": self._table, "Key": _unique_key(after)}}

    def _unique_put(self, call: Call, over: str | None) -> dict[str, Any]:
        item = _unique_key(call) | to_item({"call_id": call.call_id})
        if over is None:
            return self._write(item, NUMBER_HAS_NO_CALL)
        return self._write(item, NUMBER_HAS_NO_OTHER_CALL, to_item({":over": over}))

    def _once_put(self, call: Call, once: Once, now: int) -> dict[str, Any]:
        return self._write(_once_item(call, once, now), KEY_IS_UNUSED, to_item({":now_s": now // 1000}))

    def _gate_writes(self, before: Call, after: Call) -> Iterable[dict[str, Any]]:
        step = int(after.holds_slot) - int(before.holds_slot)
        if step == 0:
            return
        update, values = "ADD in_use :step", {":step": step}
        if step < 0:
            values |= {":zero": 0}
            held_ms = _held_line_ms(before, after)
            if held_ms is not None:
                update, values = f"{update}, line_ms :held, line_ends :one", values | {":held": held_ms, ":one": 1}
        yield {
            "Update": {
                "TableName": self._table,
                "Key": _gate_key(before.account_id),
                "UpdateExpression": update,
                "ConditionExpression": LINE_IS_FREE if step > 0 else LINE_IS_TAKEN,
                "ExpressionAttributeValues": to_item(values),
            }
        }

    def _place_writes(self, before: Call, after: Call) -> Iterable[dict[str, Any]]:
        """Stands last, the place that is taken behind the one that is given back. Giving one back needs no condition:
        as long as the call holds it, as its own write checks, nobody else gives it back."""
        if before.holds_place_of == after.holds_place_of:
            return
        if before.holds_place_of is not None:
            yield {"Update": self._place_step(before, before.holds_place_of, -1)}
        if after.holds_place_of is not None:
            taking = self._place_step(after, after.holds_place_of, 1)
            yield {"Update": taking | {"ConditionExpression": PLACE_IS_FREE}}

    def _place_step(self, call: Call, runner_id: str, step: int) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": to_item({"pk": runners_pk(call.account_id), "sk": runner_sk(call.agent_id or "", runner_id)}),
            "UpdateExpression": "ADD in_use :step",
            "ExpressionAttributeValues": to_item({":step": step}),
        }

    def _write(self, item: Item, condition: str, values: Item | None = None) -> dict[str, Any]:
        write: dict[str, Any] = {"TableName": self._table, "Item": item, "ConditionExpression": condition}
        if values:
            write["ExpressionAttributeValues"] = values
        return write

    def _transact(self, writes: Sequence[dict[str, Any]]) -> list[dict[str, Any]] | None:
        """Runs a transaction; None when it went through, or why each part was refused. Raises TableContended."""
        for attempt in range(_CONFLICT_TRIES):
            try:
                self._db.transact_write_items(TransactItems=list(writes))
                return None
            except ClientError as error:
                reasons = refusal_reasons(error)
                if reasons is None:
                    raise
                if any(_was_refused(reason) for reason in reasons):
                    return reasons
                if not _PASSING & {reason.get("Code") for reason in reasons}:
                    raise
            self._let_pass(attempt)
        raise TableContended

    def _let_pass(self, attempt: int) -> None:
        """Calls of one account meet at its gate; a full-jitter wait lets them pass one by one."""
        self._pause(random.uniform(0, _CONFLICT_WAIT_S * 2**attempt))  # noqa: S311 - spreads, does not protect

    # --- reading -----------------------------------------------------------------------------------------------------

    def get(self, account_id: str, call_id: str) -> Call | None:
        """The call as it is now (strongly consistent)."""
        key = to_item({"pk": calls_pk(account_id), "sk": call_id})
        item = self._db.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return None if item is None else call_from_item(item)

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Call]:
        """The calls of up to 100 (account, call) pairs, in no order; those that are not there are left out."""
        wanted = [to_item({"pk": calls_pk(account), "sk": call_id}) for account, call_id in dict.fromkeys(keys)]
        found: list[Call] = []
        while wanted:
            answer = self._db.batch_get_item(RequestItems={self._table: {"Keys": wanted, "ConsistentRead": True}})
            found += [call_from_item(item) for item in answer["Responses"].get(self._table, [])]
            wanted = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
        return found

    def eligible(self, account_id: str, now: int, limit: int) -> list[QueueEntry]:
        """The account's first calls that may be dialled now, give or take CLOCK_SKEW_MS, in their order."""
        answer = self._db.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk < :after_now",
            ExpressionAttributeValues=to_item(
                {":pk": queue_pk(account_id), ":after_now": queue_sk(now + CLOCK_SKEW_MS + 1, "")}
            ),
            ConsistentRead=True,
            Limit=limit,
        )
        return [_queue_entry(from_item(item)) for item in answer["Items"]]

    def first_queued(self, account_id: str, limit: int) -> list[QueueEntry]:
        """The account's first calls that wait, be it for later, as they were a moment ago."""
        answer = self._db.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": queue_pk(account_id)}),
            Limit=limit,
        )
        return [_queue_entry(from_item(item)) for item in answer["Items"]]

    def drop_entry(self, account_id: str, entry: QueueEntry) -> None:
        """Removes a queue entry that has no call. None is ever written so, and if there is one it must not keep the
        others waiting."""
        key = to_item({"pk": queue_pk(account_id), "sk": queue_sk(entry.eligible_at, entry.call_id)})
        self._db.delete_item(TableName=self._table, Key=key)

    def has_queued(self, account_id: str) -> bool:
        """Whether any call of the account waits, be it for later."""
        answer = self._db.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": queue_pk(account_id)}),
            ConsistentRead=True,
            Limit=1,
        )
        return bool(answer["Items"])

    def waiting_before(self, call: Call, limit: int) -> int:
        """How many of the account's queued calls stand before this one, at most `limit`."""
        answer = self._db.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk < :own",
            ExpressionAttributeValues=to_item(
                {":pk": queue_pk(call.account_id), ":own": queue_sk(call.eligible_at, call.call_id)}
            ),
            ConsistentRead=True,
            Select="COUNT",
            Limit=limit,
        )
        return int(answer["Count"])

    def gate(self, account_id: str) -> Gate:
        """The account's gate; one that was never made lets nothing through."""
        answer = self._db.get_item(TableName=self._table, Key=_gate_key(account_id), ConsistentRead=True)
        gate = from_item(answer.get("Item", {}))
        return Gate(gate.get("in_use", 0), gate.get("cap", 0), gate.get("line_ms", 0), gate.get("line_ends", 0))


def _why_refused(before: Call, after: Call, refusals: Sequence[dict[str, Any]]) -> Committed:
    """The writes of gate and place stand last. If the call itself is as it was read, a refusal there means that there
    is none left."""
    if _was_refused(refusals[0]):
        return Committed.STALE
    takes_a_line = after.holds_slot and not before.holds_slot
    takes_a_place = after.holds_place_of is not None and after.holds_place_of != before.holds_place_of
    if takes_a_line and _was_refused(refusals[-2 if takes_a_place else -1]):
        return Committed.GATE_FULL
    if takes_a_place and _was_refused(refusals[-1]):
        return Committed.PLACE_TAKEN
    return Committed.STALE


def _held_line_ms(before: Call, after: Call) -> int | None:
    """How long the attempt that ended held its line; None for a dial that never rang, which says nothing about
    calls."""
    ended_at = after.ended_at
    if len(after.attempts) > len(before.attempts):
        ended_at = after.attempts[-1].ended_at
    return None if ended_at is None or before.dialed_at is None else max(0, ended_at - before.dialed_at)


def _gate_key(account_id: str) -> Item:
    return to_item({"pk": gate_pk(account_id), "sk": GATE_SK})


def _queue_item(call: Call) -> Item:
    place = {"pk": queue_pk(call.account_id), "sk": queue_sk(call.eligible_at, call.call_id)}
    return to_item(
        place
        | {
            "trunk_id": call.trunk_id,
            "agent_id": call.agent_id if call.agent_first else None,
            "runner_of": call.agent_id if call.needs_place else None,
            "brain": call.brain,
        }
    )


def _unique_key(call: Call) -> Item:
    return to_item({"pk": unique_pk(call.account_id), "sk": call.to_number})


def _once_item(call: Call, once: Once, now: int) -> Item:
    return to_item(
        {
            "pk": once_pk(call.account_id),
            "sk": once.key_hash,
            "call_id": call.call_id,
            "body_hash": once.body_hash,
            "ttl_at_s": now // MS_PER_S + _KEY_KEPT_S,
        }
    )


def _created_before(used: dict[str, Any]) -> CreatedBefore:
    return CreatedBefore(used["call_id"], used["body_hash"])


def _was_refused(reason: dict[str, Any]) -> bool:
    return reason.get("Code") == "ConditionalCheckFailed"


def _queue_entry(item: dict[str, Any]) -> QueueEntry:
    eligible_at, _, call_id = item["sk"].partition("#")
    return QueueEntry(
        int(eligible_at), call_id, item.get("trunk_id"), item.get("agent_id"), item.get("runner_of"), item.get("brain")
    )
