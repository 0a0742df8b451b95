"""What stands at LiveKit for a trunk or a number, and who is at work on it.

| item | pk          | sk
|------|-------------|------------------------------
| link | A#<account> | LINK#<trunk>, LINK#<+e164>

    take (busy) -> part made at LiveKit -> its id written -> next part ... -> let go
    A request that is cut off leaves the link busy. After BUSY_S another one takes it, and looks at LiveKit for what was
    made and not written.
"""

from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from ringline.runtime.clock import MS_PER_S, Clock
from ringline.runtime.items import condition_failed, from_item, to_item
from ringline.runtime.rows import attributes_of, known_to, to_row
from ringline.runtime.table import account_pk
from ringline.trunking.model.lines import Link

BUSY_S = 15
"""Longer than a request may be at work on a link: the function ends before."""

_LINK = "LINK#"

# Named conditions.
_NOBODY_IS_AT_WORK = "attribute_not_exists(busy_until) OR busy_until < :now"
_STILL_OURS = "busy_until = :ours"


class LinkBusy(Exception):
    """Another request is at work on it."""


class Links:
    def __init__(self, dynamodb: Any, table_name: str, clock: Clock) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._clock = clock

    def take(self, account_id: str, thing: str) -> tuple[Link, bool]:
        """The link, for this request alone, and whether LiveKit may have more than it says. Raises LinkBusy."""
        now = self._clock()
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table_name,
                Key=_key(account_id, thing),
                UpdateExpression="SET busy_until = :until, thing = :thing, item_kind = :kind",
                ConditionExpression=_NOBODY_IS_AT_WORK,
                ExpressionAttributeValues=to_item(
                    {":now": now, ":until": now + BUSY_S * MS_PER_S, ":thing": thing, ":kind": "link"}
                ),
                ReturnValues="ALL_OLD",
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            raise LinkBusy(thing) from None
        before = _link(from_item(answer.get("Attributes") or {}) | {"thing": thing})
        is_unclear = before.busy_until is not None or before.failed_part is not None
        return replace(before, busy_until=now + BUSY_S * MS_PER_S), is_unclear

    def keep(self, account_id: str, link: Link) -> Link:
        """Writes what was made or unmade, and stays at work. Raises LinkBusy if another request has taken over."""
        self._put(account_id, link, link)
        return link

    def let_go(self, account_id: str, link: Link) -> Link:
        """Writes it a last time; one that nothing is left of is removed."""
        done = replace(link, busy_until=None)
        if done.is_empty:
            self._delete(account_id, link)
        else:
            self._put(account_id, link, done)
        return done

    def of(self, account_id: str, thing: str) -> Link:
        """The link as it stands; one without anything where there is none."""
        answer = self._dynamodb.get_item(TableName=self._table_name, Key=_key(account_id, thing), ConsistentRead=True)
        return _link(from_item(answer.get("Item") or {}) | {"thing": thing})

    def all(self, account_id: str) -> dict[str, Link]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=to_item({":pk": account_pk(account_id), ":prefix": _LINK}),
            ConsistentRead=True,
        )
        links = [_link(from_item(item)) for page in pages for item in page["Items"]]
        return {link.thing: link for link in links}

    def is_busy(self, link: Link) -> bool:
        return link.busy_until is not None and link.busy_until >= self._clock()

    def _put(self, account_id: str, ours: Link, link: Link) -> None:
        item = {**attributes_of(link), "pk": account_pk(account_id), "sk": _LINK + link.thing, "item_kind": "link"}
        self._if_ours(ours, self._dynamodb.put_item, Item=to_row(item))

    def _delete(self, account_id: str, ours: Link) -> None:
        self._if_ours(ours, self._dynamodb.delete_item, Key=_key(account_id, ours.thing))

    def _if_ours(self, ours: Link, write: Any, **what: Any) -> None:
        try:
            write(
                TableName=self._table_name,
                ConditionExpression=_STILL_OURS,
                ExpressionAttributeValues=to_item({":ours": ours.busy_until}),
                **what,
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            raise LinkBusy(ours.thing) from None


def _key(account_id: str, thing: str) -> Any:
    return to_item({"pk": account_pk(account_id), "sk": _LINK + thing})


def _link(found: dict[str, Any]) -> Link:
    return Link(**known_to(Link, found))
