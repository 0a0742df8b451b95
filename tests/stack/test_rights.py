"""What functions may ask of the table, asked with their own roles of the emulator, which enforces IAM: as many as the
policies say, and no more."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.aws import deploy
from local.aws.emulator import REGION
from local.stack.record import Stack
from ringline.accounts.store import AccountStore
from ringline.runtime.table import KEY_PREFIX, keys_pk
from tests.rights import PARTITIONS, function_of, rights_of
from tests.template.test_rights import FUNCTIONS

_ANYBODY = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
_NOBODYS = "the row of nobody"
WRITES: Mapping[str, Mapping[str, Any]] = {
    "PutItem": {"Item": {"sk": {"S": _NOBODYS}}},
    "UpdateItem": {"Key": {"sk": {"S": _NOBODYS}}, "UpdateExpression": "SET a = b"},
    "DeleteItem": {"Key": {"sk": {"S": _NOBODYS}}},
}


@contextmanager
def as_function(stack: Stack, function: str) -> Iterator[Any]:
    """A client of DynamoDB with the function's own role, which as it is only Lambda may take."""
    iam, sts, functions = (deploy.client(name, stack.emulator_url) for name in ("iam", "sts", "lambda"))
    arn = functions.get_function_configuration(FunctionName=stack.functions[function])["Role"]
    name = arn.rsplit("/", 1)[1]
    before = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    trust = {"Version": "2012-10-17", "Statement": [_ANYBODY]}
    try:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
        taken = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    finally:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(before))
    yield boto3.client(
        "dynamodb",
        endpoint_url=stack.emulator_url,
        region_name=REGION,
        aws_access_key_id=taken["AccessKeyId"],
        aws_secret_access_key=taken["SecretAccessKey"],
        aws_session_token=taken["SessionToken"],
    )


def verdict_of(ask: Any, **request: Any) -> str:
    try:
        ask(**request)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "done"


def write_to(table: str, pk: str, action: str) -> dict[str, Any]:
    """A write that is refused in any case: there is no such row."""
    ((place, row), *rest) = WRITES[action].items()
    return {
        "TableName": table,
        place: {"pk": {"S": pk}, **row},
        "ConditionExpression": "attribute_exists(pk)",
        **dict(rest),
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_writes_where_its_policy_lets_it_and_nowhere_else(stack: Stack, function: str) -> None:
    rights, told = rights_of(function_of(function)), {}
    with deploy.emulator_credentials(stack.emulator_url), as_function(stack, function) as dynamodb:
        for partition, pk in PARTITIONS.items():
            for action, ask in zip(
                WRITES, (dynamodb.put_item, dynamodb.update_item, dynamodb.delete_item), strict=True
            ):
                told[partition, action] = verdict_of(ask, **write_to(stack.table_name, pk, action))
    expected = {
        (partition, action): "ConditionalCheckFailedException" if rights.allows(action, pk) else "AccessDeniedException"
        for partition, pk in PARTITIONS.items()
        for action in WRITES
    }
    assert told == expected
    assert "AccessDeniedException" in told.values()


def test_a_transaction_is_refused_for_one_item_that_its_function_may_not_write(stack: Stack) -> None:
    def put(pk: str) -> dict[str, Any]:
        return {"Put": write_to(stack.table_name, pk, "PutItem")}

    call, gate, key = (put(PARTITIONS[each]) for each in ("call", "gate", "api key"))
    with (
        deploy.emulator_credentials(stack.emulator_url),
        as_function(stack, "ReceiveLivekitEventFunction") as dynamodb,
    ):
        assert verdict_of(dynamodb.transact_write_items, TransactItems=[call, gate]) == "TransactionCanceledException"
        for items in ([call, key], [key, call]):
            assert verdict_of(dynamodb.transact_write_items, TransactItems=items) == "AccessDeniedException"


def test_keys_are_read_by_whoever_checks_or_lists_them_alone(stack: Stack) -> None:
    readers: dict[str, set[str]] = {"api key": set(), "account's keys": set()}
    with deploy.emulator_credentials(stack.emulator_url):
        for function in FUNCTIONS:
            with as_function(stack, function) as dynamodb:
                for partition, those in readers.items():
                    key = {"pk": {"S": PARTITIONS[partition]}, "sk": {"S": _NOBODYS}}
                    if verdict_of(dynamodb.get_item, TableName=stack.table_name, Key=key) == "done":
                        those.add(function)
    lists = {"ManageFunction", "ServeRunnersFunction"}
    assert readers == {"api key": lists | {"AuthorizeRequestFunction"}, "account's keys": lists}


def test_who_disables_an_endpoint_cannot_change_a_key_that_stands_apart(stack: Stack) -> None:
    """With a row that is there: by the stack's own parameter, accounts' keys do not stand beside their endpoints."""
    with deploy.emulator_credentials(stack.emulator_url):
        own = deploy.client("dynamodb", stack.emulator_url)
        (row, *_) = AccountStore(own, stack.table_name).keys(stack.account_id)
        request: dict[str, Any] = {
            "TableName": stack.table_name,
            "Key": {"pk": {"S": keys_pk(stack.account_id)}, "sk": {"S": f"{KEY_PREFIX}{row.key_id}"}},
            "UpdateExpression": "SET revoked_at = :now",
            "ExpressionAttributeValues": {":now": {"N": "1"}},
        }
        assert own.get_item(TableName=stack.table_name, Key=request["Key"])["Item"]["key_id"] == {"S": row.key_id}
        with as_function(stack, "DeliverWebhookFunction") as dynamodb:
            assert verdict_of(dynamodb.update_item, **request) == "AccessDeniedException"
            endpoint = request | {"Key": {"pk": {"S": PARTITIONS["account"]}, "sk": {"S": _NOBODYS}}}
            unless_there = {"ConditionExpression": "attribute_exists(pk)"}
            assert verdict_of(dynamodb.update_item, **endpoint, **unless_there) == "ConditionalCheckFailedException"
        assert AccountStore(own, stack.table_name).keys(stack.account_id)[0] == row
