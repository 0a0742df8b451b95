"""How fast calls may go out through each trunk: each dial takes a turn, and the trunk rests after its carrier was full.

A trunk belongs to the deployment, so all accounts that dial through it take turns. `next_at` is the moment of its next
free turn; taking one moves it on by the trunk's interval. A trunk without a limit has turns at any time, unless it
rests. What a carrier allows is often not known: after a refusal the trunk goes slower for a while, twice as slow with
each further one, so that its calls try the carrier one by one and not by the batch.
"""

from typing import Any

from botocore.exceptions import ClientError

from ringline.calls.model.timing import PACE_AHEAD_S, SLOW_FOR_S, SLOW_PACE_MS, SLOWEST_PACE_MS
from ringline.calls.tables.agent_rests import AgentRests
from ringline.calls.tables.limits.livekit_budget import LivekitBudget
from ringline.calls.tables.livekit_rest import LivekitRest
from ringline.record import Record
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import condition_failed, from_item, to_item
from ringline.runtime.table import PACE_SK, PACED_RING_SK, gate_pk, trunk_pk

# Named conditions.
TURN_IS_FREE = "next_at = :next_at_read"
TURN_IS_NOW = "attribute_not_exists(next_at) OR next_at <= :now"
IS_NOT_AT_REST = "attribute_not_exists(next_at) OR next_at <= :ahead"
NO_SUCH_RING_IS_DUE = "attribute_not_exists(rings_at) OR rings_at <= :now OR rings_at > :at"

_TRIES = 20
"""Each lost race means that another dialer took a turn."""

DEFAULT_TRUNK = "default"


class Pace(Record):
    """`next_at` is the moment of the trunk's next turn (0 for any time), and `interval_ms` the time between two turns
    (0 for none). After a refusal the time between is at least `slow_ms`, until `slow_until`."""

    next_at: int
    interval_ms: int
    slow_ms: int = 0
    slow_until: int = 0

    def interval_at(self, now: int) -> int:
        return max(self.interval_ms, self.slow_ms) if now < self.slow_until else self.interval_ms

    def is_near(self, now: int) -> bool:
        """Whether the next turn is near enough for a dialer to wait for it."""
        return self.next_at <= now + PACE_AHEAD_S * MS_PER_S


class TrunkPaces:
    """Calls that name no trunk go out through `usual_trunk`. `calls_per_second` holds for trunks without a pace of
    their own; 0 is no limit. `livekit` is what all trunks have in common: while it is away, none of them is
    dialled through; `budget` is what it takes of requests, `livekit_per_minute` of them (0 is no limit). `agents` is
    how the agents rest to whom the calls lead."""

    def __init__(
        self,
        dynamodb: Any,
        table_name: str,
        usual_trunk: str = "",
        calls_per_second: float = 0,
        livekit_per_minute: float = 0,
    ) -> None:
        self._db = dynamodb
        self._table = table_name
        self._usual_trunk = usual_trunk or DEFAULT_TRUNK
        self._usual_ms = interval_ms(calls_per_second)
        self.livekit = LivekitRest(dynamodb, table_name)
        self.budget = LivekitBudget(dynamodb, table_name, livekit_per_minute)
        self.agents = AgentRests(dynamodb, table_name)

    def trunk(self, trunk_id: str | None) -> str:
        """The trunk a call goes out through."""
        return trunk_id or self._usual_trunk

    def look(self, trunk_id: str | None) -> Pace:
        """The pace of a trunk as it is now."""
        answer = self._db.get_item(TableName=self._table, Key=self._key(trunk_id), ConsistentRead=True)
        pace = from_item(answer.get("Item", {}))
        return Pace(
            next_at=pace.get("next_at", 0),
            interval_ms=pace.get("interval_ms", self._usual_ms),
            slow_ms=pace.get("slow_ms", 0),
            slow_until=pace.get("slow_until", 0),
        )

    def take(self, trunk_id: str | None, now: int) -> int | None:
        """Takes the trunk's next turn: the moment for the dial, at most PACE_AHEAD_S from now. None when it is further
        off; nothing was taken then."""
        for _ in range(_TRIES):
            pace = self.look(trunk_id)
            if not pace.is_near(now):
                return None
            turn = max(now, pace.next_at)
            if pace.interval_at(now) == 0 or self._took(trunk_id, pace, now):
                return turn
        return None

    def _took(self, trunk_id: str | None, pace: Pace, now: int) -> bool:
        """Moves the next turn on, unless another dialer was faster."""
        if pace.next_at > now:
            values = {":next": pace.next_at + pace.interval_at(now), ":next_at_read": pace.next_at}
            return self._update(trunk_id, "SET next_at = :next", TURN_IS_FREE, values)
        values = {":next": now + pace.interval_at(now), ":now": now}
        return self._update(trunk_id, "SET next_at = :next", TURN_IS_NOW, values)

    def rest(self, trunk_id: str | None, now: int, until: int) -> None:
        """Nobody takes a turn before `until`, and for a while after it turns are further apart. Refusals that come
        together count as one: a trunk at rest stays as it is."""
        pace = self.look(trunk_id)
        slow_ms = min(2 * pace.slow_ms, SLOWEST_PACE_MS) if now < pace.slow_until else SLOW_PACE_MS
        values = {
            ":until": until,
            ":ahead": now + PACE_AHEAD_S * MS_PER_S,
            ":slow_ms": slow_ms,
            ":slow_until": until + SLOW_FOR_S * MS_PER_S,
        }
        update = "SET next_at = :until, slow_ms = :slow_ms, slow_until = :slow_until"
        self._update(trunk_id, update, IS_NOT_AT_REST, values)

    def set_rate(self, trunk_id: str, calls_per_second: float) -> None:
        """The trunk's own pace from now on; 0 for no limit."""
        values = {":interval": interval_ms(calls_per_second)}
        self._db.update_item(
            TableName=self._table,
            Key=self._key(trunk_id),
            UpdateExpression="SET interval_ms = :interval",
            ExpressionAttributeValues=to_item(values),
        )

    def claims_ring(self, account_id: str, at: int, now: int) -> bool:
        """Whether this dialer is the one to ring for the account at that moment. Of all the dialers that find its trunk
        or its agent at rest only one rings, or their doorbells would multiply; one that knows an earlier moment rings
        besides."""
        key = {"pk": gate_pk(account_id), "sk": PACED_RING_SK}
        return self._write(key, "SET rings_at = :at", NO_SUCH_RING_IS_DUE, {":at": at, ":now": now})

    def _update(self, trunk_id: str | None, update: str, condition: str, values: dict[str, int]) -> bool:
        return self._write({"pk": trunk_pk(self.trunk(trunk_id)), "sk": PACE_SK}, update, condition, values)

    def _write(self, key: dict[str, str], update: str, condition: str, values: dict[str, int]) -> bool:
        """Whether the condition held."""
        try:
            self._db.update_item(
                TableName=self._table,
                Key=to_item(key),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=to_item(values),
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True

    def _key(self, trunk_id: str | None) -> dict[str, Any]:
        return to_item({"pk": trunk_pk(self.trunk(trunk_id)), "sk": PACE_SK})


def interval_ms(calls_per_second: float) -> int:
    return round(MS_PER_S / calls_per_second) if calls_per_second > 0 else 0
