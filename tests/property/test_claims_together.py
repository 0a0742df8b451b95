"""Whatever the lines, caps and places are that claims share, and whatever changes while they are on their way: claims
that are committed together are as the same claims one by one. So are their ends."""

import re
from typing import Any

from botocore.exceptions import ClientError
from hypothesis import example, given, settings

from ringline.calls.tables.store import Committed
from ringline.runtime.items import Item
from simulation.aws.conditions import condition, updated
from tests.claims_together import COUNTERS, RUNNERS, a_claim, accounts, an_account, disturbances, ends, in_both, several


class OneTable:
    """A table at which nobody waits, with the simulation's reading of expressions."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}

    def put_item(self, **put: Any) -> None:
        if self._refusal(_key(put), {"Put": put}):
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")
        self._apply(_key(put), {"Put": put})

    def update_item(self, **update: Any) -> None:
        self._apply(_key(update), {"Update": update})

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> None:
        keys = [_key(parts) for write in TransactItems for parts in write.values()]
        assert len(set(keys)) == len(keys) <= 100, "an item once, and no more than DynamoDB takes"
        reasons = [self._refusal(key, write) for key, write in zip(keys, TransactItems, strict=True)]
        if any("Code" in reason for reason in reasons):
            answer: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise ClientError(answer, "TransactWriteItems")
        for key, write in zip(keys, TransactItems, strict=True):
            self._apply(key, write)

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:
        ((name, asked),) = RequestItems.items()
        found = [self.items.get(_key({"Key": key})) for key in asked["Keys"]]
        return {"Responses": {name: [item for item in found if item is not None]}}

    def get_item(self, *, Key: Item, **_: Any) -> dict[str, Any]:
        item = self.items.get(_key({"Key": Key}))
        return {} if item is None else {"Item": item}

    def query(self, *, ExpressionAttributeValues: Item, **_: Any) -> dict[str, Any]:
        pk = ExpressionAttributeValues[":pk"]["S"]
        return {"Items": [item for key, item in sorted(self.items.items()) if key[0] == pk]}

    def _refusal(self, key: tuple[str, str], write: dict[str, Any]) -> dict[str, Any]:
        ((_, parts),) = write.items()
        expression, item = parts.get("ConditionExpression"), self.items.get(key)
        names = {} if expression is None else parts.get("ExpressionAttributeNames", {})
        for called, name in names.items():
            expression = re.sub(rf"{called}\b", name, expression)
        if expression is None or condition(expression)(item or {}, parts.get("ExpressionAttributeValues", {})):
            return {}
        tells = item is not None and "ReturnValuesOnConditionCheckFailure" in parts
        return {"Code": "ConditionalCheckFailed"} | ({"Item": item} if tells else {})

    def _apply(self, key: tuple[str, str], write: dict[str, Any]) -> None:
        ((kind, parts),) = write.items()
        match kind:
            case "Put":
                self.items[key] = parts["Item"]
            case "Delete":
                self.items.pop(key, None)
            case "Update":
                names, values = parts.get("ExpressionAttributeNames", {}), parts["ExpressionAttributeValues"]
                item = self.items.get(key, parts["Key"])
                self.items[key] = updated(item, parts["UpdateExpression"], names, values)


def _key(parts: dict[str, Any]) -> tuple[str, str]:
    key = parts.get("Item") or parts["Key"]
    return key["pk"]["S"], key["sk"]["S"]


@settings(max_examples=400, deadline=None)
@given(accounts, several, disturbances)
@example(an_account(), [a_claim()] * 10, "nothing")
@example(an_account(in_use=6), [a_claim()] * 10, "nothing")
@example(an_account(), [a_claim()] * 10, "cap lowered")
@example(an_account(cap=3), [a_claim(is_new_number=True)] * 3, "cap raised")
@example(an_account(), [a_claim(speaks=True)] * 10, "lines taken")
def test_claims_together_are_as_claims_one_by_one(
    drawn: dict[str, Any], wanted: list[dict[str, Any]], how: str
) -> None:
    one, other = in_both(OneTable(), "table", drawn, wanted)
    *done, _ = one.together(how)
    assert tuple(done) == other.one_by_one(how)
    assert one.rows() == other.rows()


@settings(max_examples=400, deadline=None)
@given(several, ends)
@example([a_claim(counters=COUNTERS, runner=RUNNERS[0], speaks=True)] * 10, ["over"] * 10)
@example([a_claim(counters=COUNTERS)] * 10, ["talked"] * 10)
@example([a_claim(counters=COUNTERS)] * 10, ["not rung"] * 10)
@example([a_claim(counters=COUNTERS, from_pool=True)] * 10, ["unwanted"] * 10)
@example([a_claim(from_pool=True)] * 10, ["unwanted"] * 10)
@example([a_claim(counters=COUNTERS, retries=True)] * 10, ["busy"] * 10)
def test_ends_together_are_as_ends_one_by_one(wanted: list[dict[str, Any]], hows: list[str]) -> None:
    known = [claim | {"was_changed": False, "is_new_number": False, "caps_version": None} for claim in wanted]
    one, other = in_both(OneTable(), "table", an_account(), known)
    for side in (one, other):
        assert side.one_by_one("nothing") == (len(known), Committed.DONE)
    one.written_together(one.ends(hows))
    for change in other.ends(hows):
        assert other.alone(change) is Committed.DONE
    assert one.rows() == other.rows()
    assert one.store.gate(one.account_id).in_use == 0
