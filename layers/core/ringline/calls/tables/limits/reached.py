"""Limits that accounts have met: pk A#<account>#LIMITS, sk <limit>#<begin of the window>, kept for two days (ttl_at_s).

The row is written by whoever meets the limit first, and by nobody again in that window. The table's stream brings it to
relay_call_changes, which announces it: so meeting a limit costs one conditional write, and announcing it none there.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from ringline.calls.capacity.limits import Limit, ReachedLimit
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import Item, condition_failed, from_item
from ringline.runtime.rows import to_row
from ringline.runtime.table import limits_pk

LIMIT_KIND = "limit_reached"

_ATTRIBUTES = ("account_id", "cap", "reached_at", "window_began_at", "window_ends_at")
_KEPT_S = 2 * 24 * 3600
_MOST_REMEMBERED = 1000

# Named condition.
_IS_FIRST = "attribute_not_exists(pk)"


class ReachedLimits:
    """What this container has written, or found written, it does not write again."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._noted: set[tuple[str, str]] = set()

    def note(self, met: ReachedLimit) -> None:
        place = (limits_pk(met.account_id), f"{met.limit}#{met.window_began_at}")
        if place in self._noted:
            return
        try:
            self._dynamodb.put_item(TableName=self._table_name, Item=_item(met, *place), ConditionExpression=_IS_FIRST)
        except ClientError as error:
            if not condition_failed(error):
                raise
        if len(self._noted) >= _MOST_REMEMBERED:
            self._noted.clear()
        self._noted.add(place)


def _item(met: ReachedLimit, pk: str, sk: str) -> Item:
    of_its_row = {"pk": pk, "sk": sk, "item_kind": LIMIT_KIND, "ttl_at_s": met.reached_at // MS_PER_S + _KEPT_S}
    return to_row({"limit": met.limit, **{name: getattr(met, name) for name in _ATTRIBUTES}} | of_its_row)


def limit_from(item: Mapping[str, Any]) -> ReachedLimit:
    """The limit of a row."""
    found = from_item(dict(item))
    return ReachedLimit(limit=Limit.kept(found["limit"]), **{name: found[name] for name in _ATTRIBUTES})
