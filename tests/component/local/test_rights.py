"""What holds the component tests' handlers to the rights of their functions does find what is not allowed."""

from types import SimpleNamespace
from typing import Any

import pytest

from local.aws.leading_keys import asked
from ringline.runtime import aws
from ringline.runtime.items import to_item
from tests.component.one_table import LocalAws
from tests.component.rights import hold_to_rights
from tests.rights import PARTITIONS, rights_of


def a_handler(local: LocalAws, function: str, *partitions: str) -> Any:
    """A function that puts a row into each of the partitions, in one transaction."""
    rows = [
        {"TableName": local.table_name, "Item": to_item({"pk": PARTITIONS[each], "sk": "1"})} for each in partitions
    ]

    def handle(_event: dict[str, Any], _context: Any) -> str:
        aws.dynamodb().transact_write_items(TransactItems=[{"Put": row} for row in rows])
        return "done"

    handler = SimpleNamespace(lambda_handler=handle)
    hold_to_rights(function, handler)
    return handler


def test_a_handler_that_writes_where_it_may_is_left_alone(local: LocalAws) -> None:
    assert a_handler(local, "create_call", "call", "queue entry").lambda_handler({}, None) == "done"


def test_a_handler_that_writes_elsewhere_fails_and_says_where(local: LocalAws) -> None:
    handler = a_handler(local, "create_call", "call", "gate")
    with pytest.raises(AssertionError, match=r"create_call has no right to this .*PutItem of A#acct_1#GATE"):
        handler.lambda_handler({}, None)


def test_what_a_test_asks_itself_is_nobodys_right(local: LocalAws) -> None:
    a_handler(local, "create_call", "call")
    local.dynamodb.put_item(TableName=local.table_name, Item=to_item({"pk": "SWEEP", "sk": "1"}))


def test_a_right_to_rows_of_an_account_is_none_to_what_is_named_after_it() -> None:
    deliverer = rights_of("deliver_webhook")
    assert deliverer.allows("UpdateItem", PARTITIONS["account"])
    for named_after_it in ("gate", "account's keys"):
        assert not deliverer.allows("UpdateItem", PARTITIONS[named_after_it])
    assert not deliverer.allows("PutItem", PARTITIONS["account"])


@pytest.mark.parametrize(
    ("operation", "request_", "told"),
    [
        ("GetItem", {"Key": {"pk": {"S": "A#1"}, "sk": {"S": "x"}}}, [("GetItem", "A#1")]),
        ("PutItem", {"Item": {"pk": {"S": "A#1"}}}, [("PutItem", "A#1")]),
        ("Scan", {"TableName": "t"}, [("Scan", None)]),
        (
            "Query",
            {
                "KeyConditionExpression": "due_shard = :shard AND due_at < :now",
                "ExpressionAttributeValues": {":shard": {"S": "due"}},
            },
            [("Query", "due")],
        ),
        (
            "BatchGetItem",
            {"RequestItems": {"t": {"Keys": [{"pk": {"S": "A#1"}}, {"pk": {"S": "A#2"}}]}}},
            [("BatchGetItem", "A#1"), ("BatchGetItem", "A#2")],
        ),
        (
            "BatchWriteItem",
            {
                "RequestItems": {
                    "t": [
                        {"PutRequest": {"Item": {"pk": {"S": "A#1"}}}},
                        {"DeleteRequest": {"Key": {"pk": {"S": "A#2"}}}},
                    ]
                }
            },
            [("BatchWriteItem", "A#1"), ("BatchWriteItem", "A#2")],
        ),
        (
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"ConditionCheck": {"Key": {"pk": {"S": "A#1"}}}},
                    {"Put": {"Item": {"pk": {"S": "KEY#1"}}}},
                ]
            },
            [("ConditionCheckItem", "A#1"), ("PutItem", "KEY#1")],
        ),
    ],
)
def test_a_request_is_read_as_iam_reads_it(operation: str, request_: dict[str, Any], told: Any) -> None:
    assert list(asked(operation, request_)) == told
