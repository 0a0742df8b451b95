"""How LiveKit rests while it is away: calls stay in the queue, each in its place, and none of them is used up.

    a dial fails, a second one -> rests 2 s -> one call tries -> fails -> rests 4 s -> ... -> one call tries -> goes
                                               `trial` names it, and the others wait until    through: the rest is over
                                               it knows, or its dialer must be dead

One failure alone may be a request that got lost. LiveKit belongs to the deployment, so the rest is everybody's. A
LiveKit that nobody has missed has no item, and costs a read for each call and no write."""

from typing import Any

from botocore.exceptions import ClientError

from ringline.calls.model.call import Call
from ringline.calls.model.timing import (
    LIVEKIT_FAILS_WITHIN_S,
    LIVEKIT_FIRST_REST_S,
    LIVEKIT_LONGEST_REST_S,
    LIVEKIT_ON_TRIAL_S,
    LIVEKIT_TRIED_WITHIN_S,
)
from ringline.record import Record
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import condition_failed, from_item, to_item
from ringline.runtime.table import LIVEKIT_PK, LIVEKIT_REST_SK

# Named conditions.
IS_AS_IT_WAS_READ = "attribute_not_exists(pk) OR next_at = :next_at_read AND failed_at = :failed_at_read"
TRIAL_IS_OURS = "trial = :trial"

_KEPT_S = 24 * 3600


class Rest(Record):
    """Before `next_at` nobody dials, because LiveKit rests or because the dial `trial` finds out whether it is back.
    Until `on_trial_until` one dial at a time goes out. `rests` counts the rests since LiveKit was last there, and
    `failed_at` is when a dial found it away last."""

    next_at: int = 0
    on_trial_until: int = 0
    rests: int = 0
    failed_at: int = 0
    trial: str | None = None

    def is_over(self, now: int) -> bool:
        """Whether somebody may dial now."""
        return self.next_at <= now

    def is_on_trial(self, now: int) -> bool:
        """Whether somebody who dials now does so for all the others."""
        return now < self.on_trial_until

    def has_failed_lately(self, now: int) -> bool:
        return now - self.failed_at <= LIVEKIT_FAILS_WITHIN_S * MS_PER_S


class LivekitRest:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._db = dynamodb
        self._table = table_name
        self._our_trial: str | None = None

    def look(self) -> Rest:
        """LiveKit's rest as it is now."""
        answer = self._db.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True)
        kept = from_item(answer.get("Item", {}))
        return Rest(
            next_at=kept.get("next_at", 0),
            on_trial_until=kept.get("on_trial_until", 0),
            rests=kept.get("rests", 0),
            failed_at=kept.get("failed_at", 0),
            trial=kept.get("trial"),
        )

    def may_dial(self, call: Call, read: Rest, now: int) -> bool:
        """Whether the waiting call may be dialled next. After a rest it is taken on as the one that tries LiveKit, and
        all the others wait until it knows."""
        if not read.is_over(now) or not read.is_on_trial(now):
            return read.is_over(now)
        tried = Rest(
            next_at=now + LIVEKIT_TRIED_WITHIN_S * MS_PER_S,
            on_trial_until=now + LIVEKIT_ON_TRIAL_S * MS_PER_S,
            rests=read.rests,
            failed_at=read.failed_at,
            trial=_trial_of(call.call_id, call.attempt + 1),
        )
        if not self._replace(read, tried):
            return False
        self._our_trial = tried.trial
        return True

    def is_tried_by(self, call: Call) -> bool:
        """Whether this dialer took the call on as the one that tries LiveKit."""
        return self._our_trial == _trial_of(call.call_id, call.attempt)

    def was_away(self, call: Call, now: int) -> int:
        """Notes that the dial found LiveKit away; returns before when nobody dials. A rest stays as it is, unless it is
        this dial that the others wait for. Of dials that fail in one moment, too, the second one is no request that got
        lost."""
        read = self.look()
        if self._is_first_to_fail(call, read, now):
            if self._replace(read, Rest(failed_at=now)):
                return now + LIVEKIT_FIRST_REST_S * MS_PER_S
            read = self.look()
        was_tried = self._is_trial(call, read)
        if not (read.is_over(now) or was_tried):
            return read.next_at
        rests = read.rests + 1 if was_tried or read.is_on_trial(now) else 1
        rest_s = min(LIVEKIT_FIRST_REST_S << min(rests - 1, 10), LIVEKIT_LONGEST_REST_S)
        next_at = now + rest_s * MS_PER_S
        away = Rest(next_at=next_at, on_trial_until=next_at + LIVEKIT_ON_TRIAL_S * MS_PER_S, rests=rests, failed_at=now)
        if not self._replace(read, away):
            next_at = max(self.look().next_at, now + LIVEKIT_FIRST_REST_S * MS_PER_S)
        return next_at

    @staticmethod
    def _is_trial(call: Call, read: Rest) -> bool:
        return read.trial == _trial_of(call.call_id, call.attempt)

    def _is_first_to_fail(self, call: Call, read: Rest, now: int) -> bool:
        """Whether LiveKit neither rests nor is tried, and nobody has missed it lately."""
        is_known = read.is_on_trial(now) or read.has_failed_lately(now) or self._is_trial(call, read)
        return read.is_over(now) and not is_known

    def went_through(self, call: Call) -> None:
        """LiveKit took the dial that tried it, so the rest is over."""
        self._our_trial = None
        try:
            self._db.delete_item(
                TableName=self._table,
                Key=_KEY,
                ConditionExpression=TRIAL_IS_OURS,
                ExpressionAttributeValues=to_item({":trial": _trial_of(call.call_id, call.attempt)}),
            )
        except ClientError as error:
            if not condition_failed(error):
                raise

    def _replace(self, read: Rest, rest: Rest) -> bool:
        """Whether nobody else has changed the rest since it was read."""
        item = {
            "next_at": rest.next_at,
            "on_trial_until": rest.on_trial_until,
            "rests": rest.rests,
            "failed_at": rest.failed_at,
            "trial": rest.trial,
            "ttl_at_s": max(rest.next_at, rest.failed_at) // MS_PER_S + _KEPT_S,
        }
        try:
            self._db.put_item(
                TableName=self._table,
                Item=_KEY | to_item(item),
                ConditionExpression=IS_AS_IT_WAS_READ,
                ExpressionAttributeValues=to_item({":next_at_read": read.next_at, ":failed_at_read": read.failed_at}),
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True


_KEY = to_item({"pk": LIVEKIT_PK, "sk": LIVEKIT_REST_SK})


def _trial_of(call_id: str, attempt: int) -> str:
    """How a dial is named that tries LiveKit."""
    return f"{call_id}#{attempt}"
