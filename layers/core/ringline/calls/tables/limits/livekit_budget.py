"""How many calls a minute may be dialled for what LiveKit takes of requests.

LiveKit Cloud counts the API requests of a project, some 1,000 a minute, and refuses what comes beyond, whatever it is:
a refused dial can wait, a refused hang-up leaves somebody on the line. So dials alone are paced, each by what its whole
call will ask for, and a quarter is kept for everything that cannot wait.

    a minute |====== three quarters: dials, REQUESTS_OF_A_CALL each =======|=== looks, closings, callers, transfers ===|

Turns lie an interval apart, as those of a trunk do, but a deployment that was quiet may dial LULL_MS worth of them at
once: LiveKit counts by the minute. The turns are the deployment's, whoever's calls they are. Without a limit nothing is
read and nothing written.

A turn pays for two looks at the room. A dialer that waits for a slow agent looks less often where there is a limit
(`AGENT_LOOKS_WHERE_COUNTED_S`), but it does look: an agent that takes two seconds costs three looks more than its turn
paid for, one that never comes some ten. That comes of the last quarter. Where all agents of a deployment that dials at
its limit take two seconds, a call costs eight requests and not five, which is more than the limit: say a smaller one.

    next_at      now - LULL_MS          now              now + PACE_AHEAD_S
       |..............|==== at once ====|=== waited for ===|......... further off: the call stays in the queue
"""

import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ringline.calls.model.timing import LIVEKIT_LULL_S, PACE_AHEAD_S
from ringline.record import Record
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import condition_failed, from_item, to_item
from ringline.runtime.table import LIVEKIT_BUDGET_SK, LIVEKIT_PK

_log = logging.getLogger(__name__)

REQUESTS_OF_A_CALL = 5
"""Its room with the agent's dispatch, two looks for the agent, the dial, and the room's closing."""

SHARE_OF_DIALS = 0.75
"""In the minute after a lull dials take 7/6 of that, which leaves an eighth for what cannot wait."""

LULL_MS = LIVEKIT_LULL_S * MS_PER_S
_MINUTE_MS = 60_000

# Named conditions.
TURN_IS_FREE = "attribute_not_exists(next_at) OR next_at = :next_at_read"
TURN_IS_THE_LAST = "next_at = :next_at_written"

_TRIES = 20
"""Each lost race means that another dialer took a turn."""


class Turn(Record):
    """A turn that was taken: the moment for the dial, and what was written for it. 0 where there is no limit."""

    at: int
    next_at: int = 0


class LivekitBudget:
    def __init__(self, dynamodb: Any, table_name: str, requests_per_minute: float = 0) -> None:
        """0 requests a minute are no limit."""
        self._db = dynamodb
        self._table = table_name
        self.interval_ms = interval_ms(requests_per_minute)

    def next_turn_at(self) -> int:
        """The moment (ms) from which on the next call may be dialled; 0 where there is no limit."""
        return self._read() - LULL_MS if self.interval_ms else 0

    def is_used_up(self, now: int) -> bool:
        """Whether dials wait for their turns at this moment: what a lull is worth has been taken. To be asked without
        knowing the limit; where there is none, nobody takes turns."""
        return self._read() - LULL_MS > now

    def take(self, now: int) -> Turn | None:
        """Takes the next turn, for a dial at most PACE_AHEAD_S from now. None when it is further off; nothing was taken
        then."""
        if not self.interval_ms:
            return Turn(now)
        for _ in range(_TRIES):
            read = self._read()
            at = max(now, read - LULL_MS)
            if not is_near(at, now):
                return None
            turn = Turn(at, max(read, now) + self.interval_ms)
            if self._wrote(turn.next_at, TURN_IS_FREE, {":next_at_read": read}):
                return turn
        return None

    def give_back(self, turn: Turn) -> None:
        """Gives a turn back that no call was dialled with, so that the next one goes as if it had not been taken. Where
        somebody has taken another since, it is lost: theirs was counted from it. So it is where the table cannot be
        written to; whoever took it has something else to say."""
        if not turn.next_at:
            return
        try:
            self._wrote(turn.next_at - self.interval_ms, TURN_IS_THE_LAST, {":next_at_written": turn.next_at})
        except (ClientError, BotoCoreError):
            _log.warning("a turn of LiveKit's was not given back", exc_info=True)

    def _read(self) -> int:
        answer = self._db.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True)
        return int(from_item(answer.get("Item", {})).get("next_at", 0))

    def _wrote(self, next_at: int, condition: str, values: dict[str, int]) -> bool:
        """Whether no other dialer was faster."""
        try:
            self._db.update_item(
                TableName=self._table,
                Key=_KEY,
                UpdateExpression="SET next_at = :next",
                ConditionExpression=condition,
                ExpressionAttributeValues=to_item({":next": next_at, **values}),
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True


_KEY = to_item({"pk": LIVEKIT_PK, "sk": LIVEKIT_BUDGET_SK})


def interval_ms(requests_per_minute: float) -> int:
    """The time between two dials; 0 for none."""
    if requests_per_minute <= 0:
        return 0
    return round(_MINUTE_MS * REQUESTS_OF_A_CALL / (requests_per_minute * SHARE_OF_DIALS))


def is_near(turn_at: int, now: int) -> bool:
    """Whether a turn is near enough for a dialer to wait for it."""
    return turn_at <= now + PACE_AHEAD_S * MS_PER_S
