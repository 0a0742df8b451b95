"""Calls, the gate and the queue in the table (keys: runtime.table).

One method writes: `commit` decides from the states before and after which items change together, so that the gate
counts exactly the calls that hold a line and a queue entry exists exactly as long as its call is queued. Each change
is one transaction:

    create   call +            queue entry +       (what was asked at length: `asked.rows`, before it)
    claim    call queued->dialing   queue entry -   gate +1 if below the cap   place +1 if the runner has one
    end      call ->terminal                        gate -1                    place -1
    requeue  call dialing->queued   queue entry +   gate -1                    place -1
    hand on  call's runner changes                                             place -1, the other's +1
    cancel   queued->canceled       queue entry -
    tell     the end's mark -

An end is written with the mark that nobody has announced it, a `due_at` in the due index. A call on a line has one
anyhow, so that keeping it is free; `end_is_told` takes it away by itself, after the announcement.

Up to DIAL_BATCH calls of an account are claimed in one transaction, which writes what they share once
(`writes/together.py`).

A call counts besides in each counter of something with a cap of its own, `writes/counting.py`: +1 with its claim, -1
with its line. One that is capped nowhere pays nothing for this.

A call that is unique to its number holds the number's item from create to end or cancel, in the same transactions. That
costs it two write units more at either end, and a read; other calls pay nothing. So does a call whose brain is a
runner, for its place there.
"""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

from ringline.calls.model.call import Call, State
from ringline.calls.model.timing import CLOCK_SKEW_MS
from ringline.calls.tables.asked.rows import AskedRows
from ringline.calls.tables.inbound_rooms import InboundRooms
from ringline.calls.tables.records import call_from_item, call_to_item
from ringline.calls.tables.writes.companions import (
    ITEM_IS_NEW,
    TELLING,
    Companions,
    gate_from,
    gate_key,
    unique_key,
    why_refused,
)
from ringline.calls.tables.writes.days import called_key
from ringline.calls.tables.writes.results import (
    Change,
    Committed,
    CreatedBefore,
    Gate,
    InTheWay,
    Once,
    QueueEntry,
    TableContended,
)
from ringline.calls.tables.writes.together import Together, Writes
from ringline.calls.tables.writes.transactions import CONFLICT_TRIES, Transactions, lets_others_pass_s, was_refused
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import Item, condition_failed, from_item, met_a_transaction, to_item
from ringline.runtime.rows import expires_at_s
from ringline.runtime.table import calls_pk, once_pk, queue_pk, queue_sk

__all__ = [
    "CONFLICT_TRIES",
    "CallStore",
    "Change",
    "Committed",
    "CreatedBefore",
    "Gate",
    "InTheWay",
    "Once",
    "QueueEntry",
    "TableContended",
    "lets_others_pass_s",
]

_READ_TOGETHER = 100
"""So many items DynamoDB reads in one request."""

# Named conditions.
CALL_IS_UNCHANGED = "version = :version_read"
END_IS_UNTOLD = "attribute_exists(ended_at) AND attribute_exists(due_at)"


class CallStore:
    """`kept_days` is for how long a call that is over is kept; 0 is for good. It counts where ends are announced. With
    `asked_apart` new calls have a row of its own for what was asked at length; reading does not depend on it.
    `in_shards`: what is due is written to shards."""

    def __init__(
        self,
        dynamodb: Any,
        table_name: str,
        pause: Callable[[float], None] = time.sleep,
        *,
        kept_days: float = 0,
        asked_apart: bool = False,
        in_shards: bool = False,
    ) -> None:
        self._db = dynamodb
        self._table = table_name
        self._kept_days = kept_days
        self._in_shards = in_shards
        self._transactions = Transactions(dynamodb, pause)
        self._companions = Companions(table_name)
        self._together = Together(dynamodb, table_name, self._transactions)
        self._asked_apart = asked_apart
        self._asked = AskedRows(dynamodb, table_name)

    # --- writing -----------------------------------------------------------------------------------------------------

    def create(
        self, call: Call, once: Once | None = None, over: str | None = None, *, is_new_number: bool = False
    ) -> CreatedBefore | InTheWay | None:
        """Accepts a call: the row and, if it waits, its place in the queue, together or not at all. With an idempotency
        key that was used before nothing is written, and the answer says for which call; nor with a number that it is
        unique to and that another call than `over`, which is over, has. Raises TableContended."""
        if self._asked_apart:
            call = self._asked.put_apart(call)
        writes = [{"Put": self._companions.put(call_to_item(call, in_shards=self._in_shards), ITEM_IS_NEW)}]
        if call.state is State.QUEUED:
            writes.append({"Put": self._companions.queue_put(call, is_new_number=is_new_number)})
        if call.unique_to is not None:
            writes.append({"Put": self._companions.unique_put(call, over) | TELLING})
        if once is not None:
            writes.append({"Put": self._companions.once_put(call, once, call.created_at) | TELLING})
        refusals = self._transactions.run(writes)
        if refusals is None:
            return None
        if not was_refused(refusals[0]):
            self._asked.drop(call)
        told = [from_item(refusal["Item"]) for refusal in refusals if "Item" in refusal]
        if not told:
            raise RuntimeError(f"{call.call_id} was refused though it is new")
        # The key goes before the number: its call is the answer whatever is under way.
        return _created_before(told[-1]) if "body_hash" in told[-1] else InTheWay(told[-1]["call_id"])

    def in_the_way(self, call: Call) -> InTheWay | None:
        """The call that has the number this one is unique to."""
        item = self._db.get_item(TableName=self._table, Key=unique_key(call), ConsistentRead=True).get("Item")
        return None if item is None else InTheWay(from_item(item)["call_id"])

    def remember(self, call: Call, once: Once, now: int) -> CreatedBefore | None:
        """Has the idempotency key stand for a call that was there before; or says for which one it stands already."""
        try:
            self._db.put_item(**self._companions.once_put(call, once, now, under_way=True), **TELLING)
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

    def commit(
        self,
        before: Call,
        after: Call,
        caps_version: int | None = None,
        *,
        is_new_number: bool = False,
        once: bool = False,
    ) -> Committed:
        """Writes `after` if the call still is `before`, with whatever must change in the same breath. A line is taken
        only while the account's gate is still of that `caps_version`: a cap that was set since would be unknown. With
        `is_new_number` it is the first call to its number, which is remembered and counted. Raises TableContended,
        `once` at the first who are met at the same items: for those who then read them again."""
        writes = self._writes(Change(before, after, caps_version, is_new_number))
        if not writes.companions:
            return self._transactions.put_alone(writes.own["Put"])
        refusals = self._transactions.run([writes.own, *(each.write for each in writes.companions)], once=once)
        return Committed.DONE if refusals is None else why_refused(writes.companions, refusals)

    def commit_together(self, changes: Sequence[Change], *, once: bool = False) -> int:
        """Writes the first so many of these changes of different calls in one transaction, and returns how many: as if
        each had been committed by itself, one behind the other. 0 where nothing was written: then `commit` of the first
        alone says why, or does it. Raises TableContended, `once` at the first who are met."""
        if len(changes) == 1:
            return 0
        return self._together.write([self._writes(change) for change in changes], once=once)

    def _writes(self, change: Change) -> Writes:
        unchanged = {":version_read": {"N": str(change.before.version)}}
        put = self._companions.put(call_to_item(change.after, in_shards=self._in_shards), CALL_IS_UNCHANGED, unchanged)
        companions = self._companions.of(
            change.before, change.after, change.caps_version, is_new_number=change.is_new_number
        )
        return Writes({"Put": put}, companions)

    def end_is_told(self, call: Call) -> bool:
        """Removes the mark of an end that was not announced; whether there was one. From now on the row expires, where
        rows do. The call stays as it is, its version too: a change that is decided on meanwhile brings the mark back,
        and the end is announced again, which is harmless."""
        expires: dict[str, Any] = {}
        if self._kept_days:
            at_s = expires_at_s(call.ended_at or call.created_at, self._kept_days)
            expires["ExpressionAttributeValues"] = to_item({":expires": at_s})
            # First: whoever dies in between leaves the mark, and it is done again.
            self._asked.expires(call, at_s)
        try:
            self._db.update_item(
                TableName=self._table,
                Key=to_item({"pk": calls_pk(call.account_id), "sk": call.call_id}),
                UpdateExpression=f"{'SET ttl_at_s = :expires ' if expires else ''}REMOVE due_at, due_shard",
                ConditionExpression=END_IS_UNTOLD,
                **expires,
            )
        except ClientError as error:
            # Whoever writes to the call at this moment keeps the mark, which is then the sweep's to remove.
            if not condition_failed(error) and not met_a_transaction(error):
                raise
            return False
        return True

    # --- reading -----------------------------------------------------------------------------------------------------

    def get(self, account_id: str, call_id: str) -> Call | None:
        """The call as it is now (strongly consistent)."""
        key = to_item({"pk": calls_pk(account_id), "sk": call_id})
        item = self._db.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return None if item is None else call_from_item(item)

    def whole(self, call: Call) -> Call:
        """The call with what was asked of it, for whoever shows it. Nothing is read where the call has that here."""
        return self._asked.whole([call])[0]

    def whole_or_raise(self, call: Call) -> Call:
        """The same for its agent. Raises AskedIsGone where it is not there: nobody may be rung without it."""
        return self._asked.whole_or_raise(call)

    def all_whole(self, calls: Sequence[Call]) -> list[Call]:
        """The calls with what was asked of them, in their order."""
        return self._asked.whole(calls)

    def get_many(self, keys: Sequence[tuple[str, str]], unread: list[str] | None = None) -> list[Call]:
        """The calls of up to 100 (account, call) pairs, in no order; those that are not there are left out. Where
        `unread` is given, the ids of calls whose rows this version cannot read are added to it; else they raise."""
        wanted = [to_item({"pk": calls_pk(account), "sk": call_id}) for account, call_id in dict.fromkeys(keys)]
        found: list[Call] = []
        for item in self._items(wanted, is_consistent=True):
            try:
                found.append(call_from_item(item))
            except Exception:
                if unread is None:
                    raise
                unread.append(item["sk"]["S"])
        return found

    def _items(self, wanted: list[Item], *, is_consistent: bool) -> Iterator[Item]:
        """Those of the up to 100 items that are there."""
        while wanted:
            asked = {"Keys": wanted, "ConsistentRead": is_consistent}
            answer = self._db.batch_get_item(RequestItems={self._table: asked})
            yield from answer["Responses"].get(self._table, [])
            wanted = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])

    def eligible(self, account_id: str, now: int, limit: int, after: QueueEntry | None = None) -> list[QueueEntry]:
        """The account's first calls that may be dialled now, give or take CLOCK_SKEW_MS, in their order, behind the one
        named."""
        start = {} if after is None else {"ExclusiveStartKey": to_item(_place_of(account_id, after))}
        answer = self._db.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk < :after_now",
            ExpressionAttributeValues=to_item(
                {":pk": queue_pk(account_id), ":after_now": queue_sk(now + CLOCK_SKEW_MS + 1, "")}
            ),
            ConsistentRead=True,
            Limit=limit,
            **start,
        )
        return [queue_entry(item) for item in answer["Items"]]

    def first_queued(self, account_id: str, limit: int) -> list[QueueEntry]:
        """The account's first calls that wait, be it for later, as they were a moment ago."""
        answer = self._db.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": queue_pk(account_id)}),
            Limit=limit,
        )
        return [queue_entry(item) for item in answer["Items"]]

    def drop_entry(self, account_id: str, entry: QueueEntry) -> None:
        """Removes a queue entry that has no call. None is ever written so, and if there is one it must not keep the
        others waiting."""
        self._db.delete_item(TableName=self._table, Key=to_item(_place_of(account_id, entry)))

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

    def waiting(self, account_id: str, most: int) -> int:
        """How many calls of the account wait, be it for later; `most` where it is more."""
        counted = 0
        start: dict[str, Any] = {}
        while counted < most:
            answer = self._db.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=to_item({":pk": queue_pk(account_id)}),
                ConsistentRead=True,
                Select="COUNT",
                Limit=most - counted,
                **start,
            )
            counted += int(answer["Count"])
            if "LastEvaluatedKey" not in answer:
                return counted
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return most

    def was_called(self, account_id: str, number: str) -> bool:
        """Whether the account has called the number, as far as it was remembered: while it had a cap on new ones."""
        answer = self._db.get_item(TableName=self._table, Key=called_key(account_id, number), ConsistentRead=True)
        return "Item" in answer

    def forget_called(self, account_id: str, number: str) -> None:
        """Removes that the account has called the number: it is a new one from then on."""
        self._db.delete_item(TableName=self._table, Key=called_key(account_id, number))

    def which_were_called(self, account_id: str, numbers: Iterable[str]) -> set[str]:
        """Those of the numbers that the account has called, as it was a moment ago."""
        keys = [called_key(account_id, number) for number in dict.fromkeys(numbers)]
        return {
            from_item(item)["sk"]
            for batch in itertools.batched(keys, _READ_TOGETHER, strict=False)
            for item in self._items([*batch], is_consistent=False)
        }

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

    def has_next_caller(self, call: Call) -> bool:
        """Whether the room that a caller came into is the next one's by now."""
        return call.inbound_room is not None and not InboundRooms(self._db, self._table).is_of(call)

    def gate(self, account_id: str) -> Gate:
        """The account's gate; one that was never made lets nothing through."""
        answer = self._db.get_item(TableName=self._table, Key=gate_key(account_id), ConsistentRead=True)
        return gate_from(answer.get("Item", {}))


def _created_before(used: dict[str, Any]) -> CreatedBefore:
    return CreatedBefore(used["call_id"], used["body_hash"], used.get("under_way", False))


def _place_of(account_id: str, entry: QueueEntry) -> dict[str, Any]:
    return {"pk": queue_pk(account_id), "sk": queue_sk(entry.eligible_at, entry.call_id)}


def queue_entry(row: Item) -> QueueEntry:
    """What a row of a queue says."""
    item = from_item(row)
    eligible_at, _, call_id = item["sk"].partition("#")
    return QueueEntry(
        eligible_at=int(eligible_at),
        call_id=call_id,
        trunk_id=item.get("trunk_id"),
        agent_id=item.get("agent_id"),
        runner_of=item.get("runner_of"),
        brain=item.get("brain"),
        counters=tuple(item.get("counters", ())),
        pool_of=item.get("pool_of"),
        callee=item.get("callee"),
        is_new_number=item.get("is_new_number", False),
        new_number=item.get("new_number"),
        expires_at=item.get("expires_at"),
    )
