"""moto, made quick, answers as it does without."""

import copy
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb import models

from tests.component.one_table import LocalAws

NUMBERS = {"n": {"N": "1"}, "m": {"M": {"x": {"N": "1"}}}}
ROWS = [{"pk": {"S": pk}, "sk": {"S": sk}, **NUMBERS} for pk in "AB" for sk in "12"]


def key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def add(pk: str, sk: str, condition: str | None = None) -> dict[str, Any]:
    update = {
        "Key": key(pk, sk),
        "UpdateExpression": "SET m.x = :m ADD n :one",
        "ExpressionAttributeValues": {":m": {"N": "7"}, ":one": {"N": "1"}},
    }
    return {"Update": update | ({"ConditionExpression": condition} if condition else {})}


def put(pk: str, sk: str) -> dict[str, Any]:
    return {"Put": {"Item": key(pk, sk)}}


TAKEN: list[dict[str, Any]] = [add("A", "1"), put("A", "3"), put("C", "1"), {"Delete": {"Key": key("B", "1")}}]
REFUSED = {
    "a condition": [*TAKEN, add("B", "2", "n > n")],
    "one item twice": [add("A", "1"), put("B", "1"), add("A", "1")],
}


def written(local: LocalAws, writes: list[dict[str, Any]]) -> str | None:
    """The code of the refusal, if it was refused."""
    named = [{kind: write | {"TableName": local.table_name}} for each in writes for kind, write in each.items()]
    try:
        local.dynamodb.transact_write_items(TransactItems=named)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


@pytest.fixture
def table(local: LocalAws) -> LocalAws:
    for row in ROWS:
        local.dynamodb.put_item(TableName=local.table_name, Item=row)
    return local


def rows(local: LocalAws) -> list[Any]:
    return sorted(local.items(), key=lambda row: (row["pk"], row["sk"]))


@pytest.mark.parametrize("writes", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_leaves_nothing_behind(table: LocalAws, writes: list[dict[str, Any]]) -> None:
    before = rows(table)
    assert written(table, writes) in {"TransactionCanceledException", "ValidationException"}
    assert rows(table) == before
    assert written(table, [add("A", "1"), put("C", "1")]) is None
    (changed,) = [row for row in rows(table) if (row["pk"], row["sk"]) == ("A", "1")]
    assert (changed["n"], changed["m"]) == (2, {"x": 7})


@pytest.mark.parametrize("writes", [*REFUSED.values(), TAKEN])
def test_it_is_as_if_the_whole_table_were_copied(table: LocalAws, writes: list[dict[str, Any]]) -> None:
    with mock.patch.object(models, "copy", copy):
        as_moto_does = written(table, writes), rows(table)
        for row in table.items():
            table.dynamodb.delete_item(TableName=table.table_name, Key=key(row["pk"], row["sk"]))
    for row in ROWS:
        table.dynamodb.put_item(TableName=table.table_name, Item=row)
    assert (written(table, writes), rows(table)) == as_moto_does


def test_each_kind_of_value_is_answered_as_it_was_written(local: LocalAws) -> None:
    values: dict[str, Any] = {
        "s": {"S": "é"},
        "empty": {"S": ""},
        "n": {"N": "1.5"},
        "b": {"B": b"\x00\xff"},
        "yes": {"BOOL": True},
        "no": {"BOOL": False},
        "nothing": {"NULL": True},
        "ss": {"SS": ["a", "b"]},
        "ns": {"NS": ["1", "2"]},
        "bs": {"BS": [b"a", b"\xff"]},
        "m": {"M": {"B": {"B": b"in"}, "l": {"L": [{"M": {}}, {"B": b"deep"}, {"L": []}]}}},
    }
    row = key("A", "1") | values
    local.dynamodb.put_item(TableName=local.table_name, Item=row)
    assert local.dynamodb.get_item(TableName=local.table_name, Key=key("A", "1"))["Item"] == row
    (found,) = local.dynamodb.scan(TableName=local.table_name)["Items"]
    assert found == row
