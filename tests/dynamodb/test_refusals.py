"""What DynamoDB refuses and the emulator lets pass: if these tests pass, so does whatever else runs beside them on
DynamoDB Local mean something. Collected only there (conftest)."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.component.one_table import LocalAws


@pytest.mark.parametrize(
    ("wrong_filter", "complaint"),
    [("sk = :value", "non-primary key"), ("state = :value", "reserved keyword")],
)
def test_a_query_that_aws_would_refuse_is_refused(local: LocalAws, wrong_filter: str, complaint: str) -> None:
    with pytest.raises(ClientError, match=complaint):
        local.dynamodb.query(
            TableName=local.table_name,
            KeyConditionExpression="pk = :value",
            FilterExpression=wrong_filter,
            ExpressionAttributeValues={":value": {"S": "queued"}},
        )


def test_two_absent_attributes_are_not_equal(local: LocalAws) -> None:
    item: dict[str, Any] = {"pk": {"S": "A#acc_1#GATE"}, "sk": {"S": "GATE"}}
    with pytest.raises(local.dynamodb.exceptions.ConditionalCheckFailedException):
        local.dynamodb.put_item(TableName=local.table_name, Item=item, ConditionExpression="in_use = cap")
