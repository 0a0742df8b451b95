"""The one table, as DynamoDB keeps it: the low-level client's methods that the stores call.

Conditional writes, transactions all or nothing, conflicts and throttling, answers that get lost, an index that lags, an
eventual read that is old, and a stream that tells each change in the order of its item.
"""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ringline.runtime.items import Item
from ringline.runtime.table import DUE_INDEX, DUE_SHARD, SWEEP_PK, WAITING_PK
from simulation.aws.conditions import UnknownExpression, condition, updated
from simulation.aws.reading import kept
from simulation.kernel.chance import Odds
from simulation.kernel.processes import Crashed
from simulation.kernel.world import World

if TYPE_CHECKING:
    from simulation.kernel.processes import Process

TABLE = "simulated"

type Key = tuple[str, str]
type Change = tuple[Key, Item | None, Item | None]
"""A key with its item before and after."""

_WRITE_ODDS: Odds = (("conflict", 0.01), ("throttled", 0.002), ("slow", 0.003), ("echo", 0.003))
_READ_ODDS: Odds = (("throttled", 0.001), ("slow", 0.003))
_STALE_MS = 1000
_INDEX_PAGE = 25
"""Keys in one page of the index: small, so that reading on is exercised."""
_READ_EVENTUALLY = {WAITING_PK, SWEEP_PK}


class Table:
    """`watch` hears of every change at the moment it happens, `stream` gets it for delivery."""

    def __init__(self, world: World, operation_ms: int) -> None:
        self._world = world
        self._operation_ms = operation_ms
        self._items: dict[str, dict[str, Item]] = {}
        self._sorted: dict[str, list[str]] = {}
        self._due: list[tuple[int, str, str]] = []
        self._due_of: dict[Key, tuple[int, str, str]] = {}
        self._due_coming: deque[tuple[int, Key, int | None]] = deque()
        self._recent: deque[tuple[int, Key, Item | None]] = deque()
        self.stream: Any = None
        self.writes = 0

    # --- what the stores call ----------------------------------------------------------------------------------------

    def put_item(self, *, TableName: str, Item: Item, ConditionExpression: str = "", **options: Any) -> dict[str, Any]:
        self._write_alone({"Put": {"Item": Item, "ConditionExpression": ConditionExpression, **options}})
        return {}

    def delete_item(self, *, TableName: str, Key: Item, **options: Any) -> dict[str, Any]:
        self._write_alone({"Delete": {"Key": Key, **options}})
        return {}

    def update_item(self, *, TableName: str, Key: Item, **options: Any) -> dict[str, Any]:
        self._write_alone({"Update": {"Key": Key, **options}})
        return {}

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> dict[str, Any]:
        process, fault = self._begin("write", _WRITE_ODDS, _describe(TransactItems))
        if fault in {"conflict", "throttled"}:
            code = "TransactionConflict" if fault == "conflict" else "ThrottlingError"
            raise _canceled([{"Code": code}] + [{"Code": "None"}] * (len(TransactItems) - 1))
        # A lost answer is no trouble here: botocore sends a token with each transaction, and its repeat is the same.
        changes = [self._change(write) for write in TransactItems]
        if not all(met for _, met in changes):
            refusals = zip(TransactItems, changes, strict=True)
            raise _canceled([_refusal(write, change, met) for write, (change, met) in refusals])
        self._commit(process, [change for change, _ in changes])
        process.after_effect("a transaction")
        self._pass(process, "write")
        return {}

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool = False) -> dict[str, Any]:
        pk, sk = Key["pk"]["S"], Key["sk"]["S"]
        if not ConsistentRead and pk not in _READ_EVENTUALLY:
            raise UnknownExpression(f"an eventual get_item of {pk}")
        process, _ = self._begin("read", _READ_ODDS, "")
        process.read_at[pk] = self.writes
        item = self._items.get(pk, {}).get(sk)
        if not ConsistentRead:
            item = next(iter(self._as_it_was(pk, [] if item is None else [item])), None)
        self._world.watch.touched(pk, sk)
        return {} if item is None else {"Item": item}

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:
        keys = RequestItems[TABLE]["Keys"]
        _, fault = self._begin("read", _READ_ODDS, "")
        # DynamoDB may answer a part and leave the rest to be asked again.
        answered = keys[: max(1, len(keys) // 2)] if fault == "slow" else keys
        found = [self._items.get(key["pk"]["S"], {}).get(key["sk"]["S"]) for key in answered]
        rest = keys[len(answered) :]
        answer: dict[str, Any] = {"Responses": {TABLE: [item for item in found if item is not None]}}
        if rest:
            answer["UnprocessedKeys"] = {TABLE: {"Keys": rest, "ConsistentRead": True}}
        return answer

    def query(self, *, KeyConditionExpression: str, ExpressionAttributeValues: Item, **options: Any) -> dict[str, Any]:
        process, _ = self._begin("read", _READ_ODDS, "")
        values, limit = ExpressionAttributeValues, options.get("Limit", 1 << 30)
        if options.get("IndexName") == DUE_INDEX:
            if KeyConditionExpression != "due_shard = :shard AND due_at <= :now":
                raise UnknownExpression(KeyConditionExpression)
            return self._due_page(int(values[":now"]["N"]), limit, options.get("ExclusiveStartKey"))
        pk = values[":pk"]["S"]
        keys = self._sorted.get(pk, [])
        match KeyConditionExpression:
            case "pk = :pk":
                end = len(keys)
            case "pk = :pk AND sk < :after_now":
                end = bisect_left(keys, values[":after_now"]["S"])
            case _:
                raise UnknownExpression(KeyConditionExpression)
        self._world.watch.touched(pk, "")
        process.read_at[pk] = self.writes
        partition = self._items.get(pk, {})
        items = [partition[sk] for sk in keys[: min(end, limit)]]
        return {"Items": items if options.get("ConsistentRead") else self._as_it_was(pk, items)}

    # --- how an operation goes ---------------------------------------------------------------------------------------

    def _begin(self, kind: str, odds: Odds, what: str) -> "tuple[Process, str | None]":
        """The way to the table: time passes, and the process may die before anything happens."""
        world = self._world
        process = world.acting()
        if kind == "write":
            process.before_effect(what)
        fault = world.faults.one_of(f"db/{process.kind}/{process.site}", odds)
        if fault is not None:
            process.disturbed = True
        self._pass(process, "slow" if fault == "slow" else "read")
        if fault == "throttled" and kind == "read":
            raise _error("ProvisionedThroughputExceededException")
        return process, fault

    def _pass(self, process: "Process", kind: str) -> None:
        site = f"ms/{process.kind}/{process.site}"
        shortest, longest = (200, 3000) if kind == "slow" else (0, self._operation_ms)
        ms = self._world.chance.between(site, shortest, longest)
        if ms:
            self._world.pass_time(ms)
            if process.dead:
                raise Crashed

    def _write_alone(self, write: dict[str, Any]) -> None:
        process, fault = self._begin("write", _WRITE_ODDS, "a write")
        if fault == "conflict":
            raise _error("TransactionConflictException")
        if fault == "throttled":
            raise _error("ProvisionedThroughputExceededException")
        change, met = self._change(write)
        if not met:
            raise _error("ConditionalCheckFailedException")
        self._commit(process, [change])
        process.after_effect("a write")
        self._pass(process, "write")
        if fault == "echo" and not self._change(write)[1]:
            # The answer got lost, the client repeated the write by itself, and the write refused its own repeat.
            raise _error("ConditionalCheckFailedException")

    def _change(self, write: dict[str, Any]) -> tuple[Change, bool]:
        ((kind, parts),) = write.items()
        key_item = parts["Item"] if kind == "Put" else parts["Key"]
        key = key_item["pk"]["S"], key_item["sk"]["S"]
        before = self._items.get(key[0], {}).get(key[1])
        expression = parts.get("ConditionExpression")
        values = parts.get("ExpressionAttributeValues", {})
        met = not expression or condition(expression)(before or {}, values)
        after: Item | None = None
        if kind == "Put":
            after = kept(parts["Item"])
        elif kind == "Update":
            names = parts.get("ExpressionAttributeNames", {})
            after = updated(before or dict(key_item), parts["UpdateExpression"], names, values)
        return (key, before, after), met

    # --- what is kept ------------------------------------------------------------------------------------------------

    def _commit(self, process: "Process | None", changes: list[Change]) -> None:
        self.writes += 1
        for key, before, after in changes:
            self._keep(key, before, after)
        if self.stream is not None:
            self.stream.record(changes)
        self._world.watch.committed(process, changes)

    def _keep(self, key: Key, before: Item | None, after: Item | None) -> None:
        pk, sk = key
        partition = self._items.setdefault(pk, {})
        if before is None and after is not None:
            insort(self._sorted.setdefault(pk, []), sk)
        elif before is not None and after is None:
            keys = self._sorted[pk]
            del keys[bisect_left(keys, sk)]
        if after is None:
            partition.pop(sk, None)
        else:
            partition[sk] = after
        if pk in _READ_EVENTUALLY:
            self._recent.append((self._world.now, key, before))
            while self._recent[0][0] < self._world.now - _STALE_MS:
                self._recent.popleft()
        due_before = before.get("due_at") if before else None
        due_after = after.get("due_at") if after else None
        if due_before != due_after:
            self._due_coming.append((self._due_moment(), key, int(due_after["N"]) if due_after else None))

    def seed(self, item: Item) -> None:
        """Puts an item there before the world begins."""
        self._commit(None, [((item["pk"]["S"], item["sk"]["S"]), None, item)])

    def item(self, pk: str, sk: str) -> Item | None:
        """What is there, for those who check."""
        return self._items.get(pk, {}).get(sk)

    def _due_moment(self) -> int:
        """When the index shows what changes now: some ms later, sometimes seconds, in the order of the changes."""
        lag = self._world.chance.between("index", 1, 30)
        if self._world.faults.strikes("index_lags", "index", 0.002):
            lag = 4000
        shown = self._world.now + lag
        return max(shown, self._due_coming[-1][0]) if self._due_coming else shown

    def _due_page(self, now: int, limit: int, after: Item | None) -> dict[str, Any]:
        while self._due_coming and self._due_coming[0][0] <= self._world.now:
            _, key, due_at = self._due_coming.popleft()
            old = self._due_of.pop(key, None)
            if old is not None:
                del self._due[bisect_left(self._due, old)]
            if due_at is not None:
                self._due_of[key] = entry = (due_at, *key)
                insort(self._due, entry)
        start, end = 0, bisect_left(self._due, (now + 1,))
        if after is not None:
            start = bisect_right(self._due, (int(after["due_at"]["N"]), after["pk"]["S"], after["sk"]["S"]))
        due = self._due[start : min(end, start + min(limit, _INDEX_PAGE))]
        items = [
            {"due_shard": {"S": DUE_SHARD}, "pk": {"S": pk}, "sk": {"S": sk}, "due_at": {"N": str(at)}}
            for at, pk, sk in due
        ]
        return {"Items": items} | ({"LastEvaluatedKey": items[-1]} if items and start + len(due) < end else {})

    def _as_it_was(self, pk: str, items: list[Item]) -> list[Item]:
        """An eventual read: sometimes the partition as it was up to a second ago."""
        if not self._recent or self._world.chance.draw("eventual") > 0.3:
            return items
        since = self._world.now - self._world.chance.between("eventual/ms", 0, _STALE_MS)
        seen = {item["sk"]["S"]: item for item in items}
        for at, (changed_pk, sk), before in reversed(self._recent):
            if at < since or changed_pk != pk:
                continue
            if before is None:
                seen.pop(sk, None)
            else:
                seen[sk] = before
        return [seen[sk] for sk in sorted(seen)]


def _describe(writes: list[dict[str, Any]]) -> str:
    return f"a transaction of {len(writes)}"


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "simulated"}}, "Simulated")


def _refusal(write: dict[str, Any], change: Change, met: bool) -> dict[str, Any]:
    """Why a part of a transaction was refused, with the item that stood in the way where that was asked for."""
    if met:
        return {"Code": "None"}
    ((_, parts),) = write.items()
    wants_old = parts.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and change[1] is not None
    return {"Code": "ConditionalCheckFailed"} | ({"Item": change[1]} if wants_old else {})


def _canceled(reasons: list[dict[str, Any]]) -> ClientError:
    response = {
        "Error": {"Code": "TransactionCanceledException", "Message": "simulated"},
        "CancellationReasons": reasons,
    }
    return ClientError(response, "TransactWriteItems")
