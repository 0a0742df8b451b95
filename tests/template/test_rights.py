"""What a function may do in the AWS account, read from the template as SAM transforms it, which adds rights itself."""

import json
import subprocess
from functools import cache
from typing import Any

import pytest

from local.aws.template import read_template, resources_of
from local.tools.places import LOCAL, TEMPLATE
from ringline.runtime import table
from tests.rights import PARTITIONS, Rights

SAM_PYTHON = LOCAL / "sam" / "bin" / "python"

# Runs in SAM's own environment. SAM asks AWS for the managed policies' ARNs, which are the names as they stand here.
TRANSFORM = """
import json, sys
from samtranslator.translator.transform import transform

class Policies:
    def load(self):
        names = ("SQSQueueExecutionRole", "DynamoDBExecutionRole", "BasicExecutionRole")
        return {f"AWSLambda{name}": f"arn:aws:iam::aws:policy/service-role/AWSLambda{name}" for name in names}

print(json.dumps(transform(json.load(sys.stdin), {}, Policies())))
"""

FUNCTIONS = sorted(resources_of(read_template(TEMPLATE), "AWS::Serverless::Function"))
MANAGES_KEYS = "ManageFunction"
READS_KEYS = {MANAGES_KEYS, "AuthorizeRequestFunction", "ServeRunnersFunction"}
WRITES = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}
READS = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}

# What the managed policies that SAM adds allow on everything of the account.
ON_EVERYTHING = {
    "AWSLambdaSQSQueueExecutionRole": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
    "AWSLambdaDynamoDBExecutionRole": {"dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"},
    "AWSLambdaBasicExecutionRole": set(),
}


MANAGE, CREATE, DIAL, SWEEP = (f"{each}Function" for each in ("Manage", "CreateCall", "DialNext", "Sweep"))
LIVEKIT, CARRIER, AGENT = (f"Receive{each}EventFunction" for each in ("Livekit", "Sip", "Agent"))
RELAY, DELIVER, TRANSFER = (f"{each}Function" for each in ("RelayCallChanges", "DeliverWebhook", "CarryOutTransfer"))
RUNNERS, BRAINS, AUTHORIZE = (f"{each}Function" for each in ("ServeRunners", "AssignBrain", "AuthorizeRequest"))

# Whoever moves a call on gives its line and its places back in the same transaction.
MOVE_CALLS = {MANAGE, DIAL, SWEEP, LIVEKIT, CARRIER, AGENT, TRANSFER, RUNNERS, BRAINS}
TELL_EVENTS = {MANAGE, DIAL, SWEEP, RELAY, DELIVER}
WRITERS: dict[str, set[str]] = {
    "account": {MANAGE, DELIVER},  # an endpoint that fails is a row of its account's own partition
    "account's keys": {MANAGE},
    "gate": MOVE_CALLS,
    "counter": MOVE_CALLS,
    "queue entry": MOVE_CALLS | {CREATE},
    "call": MOVE_CALLS | {CREATE, RELAY},
    "what was asked": {MANAGE, CREATE, LIVEKIT, RELAY, SWEEP},
    "idempotency key": {MANAGE, CREATE},
    "called number": {MANAGE, DIAL},
    "number's call": MOVE_CALLS | {CREATE},
    "transcript": {MANAGE, AGENT},
    "outcome": {MANAGE, AGENT},
    "event": TELL_EVENTS,
    "event's place": TELL_EVENTS,
    "how many events": TELL_EVENTS,
    "delivery": {MANAGE, DELIVER, SWEEP},
    "replay": {MANAGE, DELIVER, SWEEP},
    "runner": MOVE_CALLS,
    "speech worker": MOVE_CALLS,
    "assignment": {MANAGE, RUNNERS, BRAINS},
    "browser's ticket": {MANAGE, LIVEKIT},
    "api key": {MANAGE},
    "key's minute": {AUTHORIZE},
    "waiting account": {CREATE, SWEEP},
    "waiting account in its shard": {CREATE, SWEEP},
    "LiveKit's trunk": {MANAGE, DIAL, CARRIER, TRANSFER},
    "number's owner": {MANAGE},
    "worker's name": {MANAGE},
    "LiveKit's rest": {DIAL},
    "connection": {RUNNERS},
    "inbound room": {LIVEKIT, MANAGE},
    "carrier link": {DIAL, CARRIER},
    "voice profile": set(),
    "sweep": {SWEEP},
    "failing endpoint": {MANAGE, DELIVER, SWEEP},
    "endpoint's turns": {MANAGE, DELIVER},
    "limit reached": {MANAGE, CREATE, DIAL},
    "key's last use": {AUTHORIZE, RUNNERS},
    "audit entry": {MANAGE},
    "migration": set(),
    "list of accounts": set(),
}
"""Which functions may write to a partition; what none of them may is the operator's."""


@cache
def transformed() -> dict[str, Any]:
    template = read_template(TEMPLATE)
    for layer in resources_of(template, "AWS::Serverless::LayerVersion").values():
        layer["Properties"]["ContentUri"] = "s3://bucket/layer"
    for function in resources_of(template, "AWS::Serverless::Function").values():
        function["Properties"]["CodeUri"] = "s3://bucket/function"
    outcome = subprocess.run(
        [str(SAM_PYTHON), "-c", TRANSFORM],
        input=json.dumps(template),
        env={"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    resources: dict[str, Any] = json.loads(outcome.stdout)["Resources"]
    return resources


def role_of(function: str) -> dict[str, Any]:
    properties: dict[str, Any] = transformed()[f"{function}Role"]["Properties"]
    return properties


def statements_of(function: str) -> list[dict[str, Any]]:
    policies = role_of(function).get("Policies", [])
    return [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]


def managed_of(function: str) -> set[str]:
    return {json.dumps(arn).rpartition("/")[2].strip('"}]') for arn in role_of(function)["ManagedPolicyArns"]}


def denied(function: str) -> list[dict[str, Any]]:
    return [each for each in statements_of(function) if each["Effect"] == "Deny"]


def actions_on_keys(function: str) -> set[str]:
    """What the function is denied of API keys' rows, those by which a key is found and those by which its account lists
    it."""
    by_key = {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["KEY#*", "A#*#KEYS"]}}
    return {action for each in denied(function) if each.get("Condition") == by_key for action in each["Action"]}


@pytest.mark.parametrize("partition", PARTITIONS)
def test_a_partition_is_written_by_those_alone_whose_code_does(partition: str) -> None:
    allowed = {
        function
        for function in FUNCTIONS
        if any(
            Rights(statements_of(function)).allows(action.removeprefix("dynamodb:"), PARTITIONS[partition])
            for action in WRITES
        )
    }
    assert allowed == WRITERS[partition]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_writes_without_a_key_that_its_list_names(function: str) -> None:
    rights = Rights(statements_of(function))
    named = [action for action in WRITES if rights.allows(action.removeprefix("dynamodb:"), "ELSEWHERE#1")]
    assert not named
    assert not any(rights.allows(action, None) for action in ("Scan", "BatchWriteItem", "PartiQLUpdate"))


def test_every_partition_of_the_table_has_its_writers_here() -> None:
    keys = {name for name in vars(table) if name.endswith(("_pk", "_PK"))}
    assert len(PARTITIONS) == len(keys) + 2, "and the speech workers' beside the runners', and a shard of the marks"
    assert PARTITIONS.keys() == WRITERS.keys()


@pytest.mark.parametrize("function", [each for each in FUNCTIONS if each != MANAGES_KEYS])
def test_no_function_but_the_one_that_manages_keys_can_write_one(function: str) -> None:
    assert actions_on_keys(function) >= WRITES


@pytest.mark.parametrize("function", [each for each in FUNCTIONS if each not in READS_KEYS])
def test_no_function_that_checks_no_key_can_look_for_one(function: str) -> None:
    assert actions_on_keys(function) >= READS


def test_a_key_is_checked_with_the_right_to_read_it_and_to_count_its_requests() -> None:
    allowed = [each for each in statements_of("AuthorizeRequestFunction") if each["Effect"] == "Allow"]
    assert {each["Action"] for each in allowed} == {"dynamodb:GetItem", "dynamodb:UpdateItem"}
    assert all("ForAllValues:StringLike" in each["Condition"] for each in allowed)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_sam_allows_on_the_whole_account_is_taken_back_but_for_the_functions_own(function: str) -> None:
    for managed in managed_of(function):
        actions = ON_EVERYTHING[managed]
        taken_back = [each for each in denied(function) if "NotResource" in each and set(each["Action"]) >= actions]
        assert len(taken_back) == 1 or not actions, f"{managed} of {function}"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_a_function_hears_is_what_its_mapping_brings(function: str) -> None:
    mappings = [
        each["Properties"]["EventSourceArn"]
        for each in transformed().values()
        if each["Type"] == "AWS::Lambda::EventSourceMapping" and each["Properties"]["FunctionName"] == {"Ref": function}
    ]
    kept = [each["NotResource"] for each in denied(function) if "NotResource" in each]
    assert kept == mappings


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_role_takes_the_permissions_boundary_that_the_account_asks_for(function: str) -> None:
    condition, boundary, without = role_of(function)["PermissionsBoundary"]["Fn::If"]
    assert (condition, boundary, without) == (
        "HasPermissionsBoundary",
        {"Ref": "PermissionsBoundary"},
        {"Ref": "AWS::NoValue"},
    )


def test_every_request_is_a_line_of_the_access_log_without_its_path_and_its_headers() -> None:
    stages = [each["Properties"] for each in transformed().values() if each["Type"] == "AWS::ApiGatewayV2::Stage"]
    (stage,) = [each for each in stages if each["StageName"] == "$default"]
    settings = stage["AccessLogSettings"]
    assert settings["DestinationArn"] == {"Fn::GetAtt": ["ApiAccessLogGroup", "Arn"]}
    line = json.loads(settings["Format"])
    assert {"source_ip", "status", "account_id", "key_id", "refusal"} <= set(line)
    assert not {"$context.path", "$context.domainName"} & set(line.values())
    assert transformed()["ApiAccessLogGroup"]["Properties"]["RetentionInDays"] == {"Ref": "LogsKeptDays"}
