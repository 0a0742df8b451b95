"""The one table, as DynamoDB keeps it: the low-level client's methods that the stores call.

Conditional writes, transactions all or nothing, conflicts and throttling, answers that get lost, an index that lags, an
eventual read that is old, and a stream that tells each change in the order of its item.
"""

from collections import deque
from typing import Any, Protocol

from ringline.runtime.items import Item
from ringline.runtime.table import DUE_INDEX, SWEEP_PK, WAITING_PK, WAITING_PKS
from simulation.aws.conditions import UnknownExpression
from simulation.aws.due_index import DueIndex
from simulation.aws.garbled import READERS, Garbled
from simulation.aws.reading import kept
from simulation.aws.rows import Change, Key, Rows
from simulation.aws.writes import Write, canceled, key_of, outcome, refusal, refused
from simulation.kernel.chance import Odds
from simulation.kernel.processes import Crashed, Process
from simulation.kernel.world import World

TABLE = "simulated"

_WRITE_ODDS: Odds = (("conflict", 0.01), ("throttled", 0.002), ("slow", 0.003), ("echo", 0.003))
_READ_ODDS: Odds = (("throttled", 0.001), ("slow", 0.003))
_STALE_MS = 1000
_READ_EVENTUALLY = {WAITING_PK, *WAITING_PKS, SWEEP_PK}


class TakesChanges(Protocol):
    """Gets every change for delivery: the stream."""

    def record(self, changes: list[Change]) -> None: ...


class WatchesTable(Protocol):
    """Hears of everything that is done at the table, at the moment it is done."""

    def touched(self, pk: str, sk: str) -> None:
        """Somebody reads there."""

    def committed(self, process: Process | None, changes: list[Change]) -> None:
        """These changes were made together, by that process or, before the world began, by none."""


class Table:
    def __init__(
        self,
        world: World,
        rows: Rows,
        stream: TakesChanges,
        watch: WatchesTable,
        *,
        operation_ms: int,
        garbled: Garbled | None = None,
    ) -> None:
        self._world = world
        self._rows = rows
        self._stream = stream
        self._watch = watch
        self._operation_ms = operation_ms
        self._garbled = garbled or Garbled()
        self._due = DueIndex(world)
        self._recent: deque[tuple[int, Key, Item | None]] = deque()

    # --- what the stores call ----------------------------------------------------------------------------------------

    def put_item(self, *, TableName: str, Item: Item, ConditionExpression: str = "", **options: Any) -> dict[str, Any]:
        self._write_alone({"Put": {"Item": Item, "ConditionExpression": ConditionExpression, **options}})
        return {}

    def delete_item(self, *, TableName: str, Key: Item, **options: Any) -> dict[str, Any]:
        self._write_alone({"Delete": {"Key": Key, **options}})
        return {}

    def update_item(self, *, TableName: str, Key: Item, **options: Any) -> dict[str, Any]:
        ((_, before, _), _) = self._write_alone({"Update": {"Key": Key, **options}})
        asks = options.get("ReturnValues") == "ALL_OLD" and before is not None
        return {"Attributes": before} if asks else {}

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> dict[str, Any]:
        process, fault = self._begin("write", _WRITE_ODDS, _describe(TransactItems))
        if fault in {"conflict", "throttled"}:
            code = "TransactionConflict" if fault == "conflict" else "ThrottlingError"
            raise canceled([{"Code": code}] + [{"Code": "None"}] * (len(TransactItems) - 1))
        # A lost answer is no trouble here: botocore sends a token with each transaction, and its repeat is the same.
        changes = [self._change(write) for write in TransactItems]
        if not all(met for _, met in changes):
            refusals = zip(TransactItems, changes, strict=True)
            raise canceled([refusal(write, before, met) for write, ((_, before, _), met) in refusals])
        self._commit(process, [change for change, _ in changes])
        process.after_effect("a transaction")
        self._pass(process, "write")
        return {}

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool = False) -> dict[str, Any]:
        pk, sk = Key["pk"]["S"], Key["sk"]["S"]
        if not ConsistentRead and pk not in _READ_EVENTUALLY:
            raise UnknownExpression(f"an eventual get_item of {pk}")
        process, _ = self._begin("read", _READ_ODDS, "")
        process.read_at[pk] = self._rows.writes
        item = self._rows.item(pk, sk)
        if not ConsistentRead:
            item = next(iter(self._as_it_was(pk, [] if item is None else [item])), None)
        self._watch.touched(pk, sk)
        return {} if item is None else {"Item": item}

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:
        keys = RequestItems[TABLE]["Keys"]
        process, fault = self._begin("read", _READ_ODDS, "")
        # DynamoDB may answer a part and leave the rest to be asked again.
        answered = keys[: max(1, len(keys) // 2)] if fault == "slow" else keys
        found = [self._rows.item(key["pk"]["S"], key["sk"]["S"]) for key in answered]
        rest = keys[len(answered) :]
        items = [item for item in found if item is not None]
        if process.kind in READERS:
            items = [self._garbled.as_read(item, self._world.now) for item in items]
        answer: dict[str, Any] = {"Responses": {TABLE: items}}
        if rest:
            answer["UnprocessedKeys"] = {TABLE: {"Keys": rest, "ConsistentRead": True}}
        return answer

    def query(self, *, KeyConditionExpression: str, ExpressionAttributeValues: Item, **options: Any) -> dict[str, Any]:
        process, _ = self._begin("read", _READ_ODDS, "")
        values, limit = ExpressionAttributeValues, options.get("Limit", 1 << 30)
        if options.get("IndexName") == DUE_INDEX:
            return self._due_page(KeyConditionExpression, values, limit, options)
        pk = values[":pk"]["S"]
        match KeyConditionExpression:
            case "pk = :pk":
                before_sk = None
            case "pk = :pk AND sk < :after_now":
                before_sk = values[":after_now"]["S"]
            case "pk = :pk AND begins_with(sk, :prefix)" | "pk = :pk AND sk BETWEEN :first AND :last":
                before_sk = None
            case _:
                raise UnknownExpression(KeyConditionExpression)
        self._watch.touched(pk, "")
        process.read_at[pk] = self._rows.writes
        after_sk = options["ExclusiveStartKey"]["sk"]["S"] if "ExclusiveStartKey" in options else None
        if options.get("ScanIndexForward", True):
            items = self._rows.partition(pk, before_sk=before_sk, after_sk=after_sk, limit=limit)
        else:
            items = self._rows.partition(pk, limit=1 << 30)[::-1][:limit]
        if ":prefix" in values:
            items = [item for item in items if item["sk"]["S"].startswith(values[":prefix"]["S"])]
        if ":first" in values:
            items = [item for item in items if values[":first"]["S"] <= item["sk"]["S"] <= values[":last"]["S"]]
        found = items if options.get("ConsistentRead") else self._as_it_was(pk, items)
        return {"Items": found, "Count": len(found)}

    def _due_page(self, key_condition: str, values: Item, limit: int, options: dict[str, Any]) -> dict[str, Any]:
        first, last = _moments(key_condition, values)
        page = self._due.page(values[":shard"]["S"], last, limit, options.get("ExclusiveStartKey"), since=first)
        if "FilterExpression" in options:
            if options["FilterExpression"] != "pk = :pk":
                raise UnknownExpression(options["FilterExpression"])
            page |= {"Items": [key for key in page["Items"] if key["pk"] == values[":pk"]]}
        return page

    def get_paginator(self, operation: str) -> "Table":
        """Partitions that are read whole are small: one page has them."""
        if operation != "query":
            raise UnknownExpression(f"a paginator of {operation}")
        return self

    def paginate(self, **query: Any) -> list[dict[str, Any]]:
        return [self.query(**query)]

    # --- how an operation goes ---------------------------------------------------------------------------------------

    def _begin(self, kind: str, odds: Odds, what: str) -> tuple[Process, str | None]:
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
            raise refused("ProvisionedThroughputExceededException")
        return process, fault

    def _pass(self, process: Process, kind: str) -> None:
        site = f"ms/{process.kind}/{process.site}"
        shortest, longest = (200, 3000) if kind == "slow" else (0, self._operation_ms)
        ms = self._world.chance.between(site, shortest, longest)
        if ms:
            self._world.pass_time(ms)
            if process.dead:
                raise Crashed

    def _write_alone(self, write: dict[str, Any]) -> tuple[Change, bool]:
        process, fault = self._begin("write", _WRITE_ODDS, "a write")
        if fault == "conflict":
            raise refused("TransactionConflictException")
        if fault == "throttled":
            raise refused("ProvisionedThroughputExceededException")
        change, met = self._change(write)
        if not met:
            raise refused("ConditionalCheckFailedException")
        self._commit(process, [change])
        process.after_effect("a write")
        self._pass(process, "write")
        if fault == "echo" and not self._change(write)[1]:
            # The answer got lost, the client repeated the write by itself, and the write refused its own repeat.
            raise refused("ConditionalCheckFailedException")
        return change, met

    def _change(self, write: Write) -> tuple[Change, bool]:
        key = key_of(write)
        before = self._rows.item(*key)
        after, met = outcome(write, before)
        return (key, before, after if after is None else kept(after)), met

    # --- what is kept ------------------------------------------------------------------------------------------------

    def _commit(self, process: Process | None, changes: list[Change]) -> None:
        self._rows.writes += 1
        for key, before, after in changes:
            self._rows.put(key, before, after)
            if key[0] in _READ_EVENTUALLY:
                self._remember(key, before)
            self._due.changed(key, before, after)
        self._stream.record(changes)
        self._watch.committed(process, changes)

    def _remember(self, key: Key, before: Item | None) -> None:
        self._recent.append((self._world.now, key, before))
        while self._recent[0][0] < self._world.now - _STALE_MS:
            self._recent.popleft()

    def seed(self, item: Item) -> None:
        """Puts an item there before the world begins."""
        self._commit(None, [((item["pk"]["S"], item["sk"]["S"]), None, item)])

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


def _moments(key_condition: str, values: Item) -> tuple[int, int]:
    """From when to when what a query of the index asks for is due."""
    match key_condition.removeprefix("due_shard = :shard"):
        case "":
            return 0, 1 << 60
        case " AND due_at BETWEEN :first AND :last":
            return int(values[":first"]["N"]), int(values[":last"]["N"])
        case " AND due_at <= :now":
            return 0, int(values[":now"]["N"])
        case " AND due_at <= :until":
            return 0, int(values[":until"]["N"])
    raise UnknownExpression(key_condition)


def _describe(writes: list[dict[str, Any]]) -> str:
    return f"a transaction of {len(writes)}"
