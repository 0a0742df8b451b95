"""The runners of an account's agents and their places, as they stand in the table (keys: runtime.table).

    runner   A#<account>#RUNNERS   <agent>#R#<runner>   its places: written when it registers, and with each call
    beat     A#<account>#RUNNERS   <agent>#S#<runner>   when it was heard last: written each ten seconds

They are apart so that a heartbeat never meets the transaction that takes a place. `agents.registry` writes both but for
`in_use`, which is `tables.store`'s: it counts exactly the calls that hold a place.
"""

from collections.abc import Collection, Iterator
from typing import Any

from ringline.calls.model.ports import NoPlace, Place
from ringline.calls.model.timing import RUNNER_GONE_S, RUNNER_OVERDUE_S
from ringline.record import Record
from ringline.runtime.clock import MS_PER_S, Clock
from ringline.runtime.items import from_item, to_item
from ringline.runtime.table import runners_pk

_RUNNER = "R"


class Runner(Record):
    """A program of the customer's that thinks for an agent, on so many calls at once as it has places. `pool` is the
    agent's id where it takes calls; `active_jobs` is its own count of them, `about` what it tells of its machine."""

    agent_id: str
    runner_id: str
    pool: str
    connection_id: str
    max_concurrent: int
    in_use: int
    registered_at: int
    seen_at: int
    active_jobs: int
    about: dict[str, Any]

    @property
    def free_places(self) -> int:
        return max(0, self.max_concurrent - self.in_use)

    @property
    def takes_calls(self) -> bool:
        """Whether it is there for its agent's calls: `<agent>@dev`, say, is not."""
        return self.pool == self.agent_id

    def is_there(self, now: int) -> bool:
        return now - self.seen_at < RUNNER_GONE_S * MS_PER_S

    def is_overdue(self, now: int) -> bool:
        """Whether its heartbeat is missing. It may be shutting down: the SDK 0.5.0 then beats no more, still takes a
        job, and cuts all its calls with the next frame that it gets."""
        return now - self.seen_at >= RUNNER_OVERDUE_S * MS_PER_S

    def can_take_one(self, now: int) -> bool:
        return self.takes_calls and self.free_places > 0 and not self.is_overdue(now)


class RunnerTable:
    """Implements `calls.model.ports.Places`."""

    def __init__(self, dynamodb: Any, table_name: str, clock: Clock) -> None:
        self._db = dynamodb
        self._table = table_name
        self._clock = clock

    def of_account(self, account_id: str) -> list[Runner]:
        """All that registered within a day, by agent."""
        return self._read(account_id, "")

    def of_agent(self, account_id: str, agent_id: str) -> list[Runner]:
        return self._read(account_id, f"{agent_id}#")

    def least_loaded(self, account_id: str, agent_id: str, passed_over: Collection[str] = ()) -> Place | NoPlace:
        """The runner with the least of its places in use, apart from those that are passed over."""
        now = self._clock()
        runners = [each for each in self.of_agent(account_id, agent_id) if each.takes_calls]
        free = [each for each in runners if each.can_take_one(now) and each.runner_id not in passed_over]
        if free:
            chosen = min(free, key=lambda each: (each.in_use / each.max_concurrent, each.in_use, each.runner_id))
            return Place(chosen.runner_id)
        if any(not each.is_overdue(now) for each in runners):
            return NoPlace(last_seen_at=now)
        return NoPlace(last_seen_at=max((each.seen_at for each in runners), default=None))

    def _read(self, account_id: str, prefix: str) -> list[Runner]:
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for item in self._items(account_id, prefix):
            agent_id, kind, runner_id = item["sk"].split("#", 2)
            # A runner's beat says when it was seen; its row, when it registered.
            fields = item if kind == _RUNNER else {name: item[name] for name in ("seen_at", "active_jobs")}
            rows.setdefault((agent_id, runner_id), {}).update(fields)
        # A place that is given back after its runner's row has gone leaves a count alone.
        return [_runner(row) for row in rows.values() if "connection_id" in row]

    def _items(self, account_id: str, prefix: str) -> Iterator[dict[str, Any]]:
        condition, values = "pk = :pk", {":pk": runners_pk(account_id)}
        if prefix:
            condition, values = f"{condition} AND begins_with(sk, :prefix)", values | {":prefix": prefix}
        asked: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": to_item(values),
            "ConsistentRead": True,
        }
        while True:
            page = self._db.query(**asked)
            yield from (from_item(item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _runner(row: dict[str, Any]) -> Runner:
    return Runner(
        agent_id=row["agent_id"],
        runner_id=row["runner_id"],
        pool=row["pool"],
        connection_id=row["connection_id"],
        max_concurrent=row["max_concurrent"],
        in_use=row.get("in_use", 0),
        registered_at=row["registered_at"],
        seen_at=max(row["registered_at"], row.get("seen_at", 0)),
        active_jobs=row.get("active_jobs", 0),
        about=row.get("about", {}),
    )
