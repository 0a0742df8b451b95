"""The one table in this process (moto), and handlers loaded as Lambda loads them: a fresh module in its environment.

moto answers one thread at a time correctly, so it is asked by one at a time, and it lets pass what DynamoDB refuses:
whatever needs more belongs to tests/dynamodb or tests/stack.
"""

import importlib.util
import io
import json
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, ClassVar
from unittest import mock

import botocore.session
import moto
from moto.core.botocore_stubber import BotocoreStubber

from local.aws.template import read_template, resources_of
from local.tools.places import ROOT, TEMPLATE
from ringline.runtime import aws
from ringline.runtime.items import from_item
from ringline.runtime.vault import kept
from tests.component.answers import hold_to_models
from tests.component.quick_moto import quick_moto
from tests.component.rights import hold_to_rights, note_request

TABLE_NAME = "ringline-test"
RECORDS_BUCKET = "ringline-test-records"
PARKED_BUCKET = "ringline-test-parked"

# The rest of what the template says of its table is asked for by other requests.
_ASKED_AT_CREATION = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")

_GIVEN_AS_VARIABLES = {
    kept.TWILIO: "TWILIO_AUTH_TOKEN",
    kept.SIP_HOOK: "SIP_HOOK_SECRET",
    kept.RECORDING: "RECORDING_SECRET_ACCESS_KEY",
    kept.AGENT_TOKENS: "LIVEKIT_API_SECRET",
}
"""How a test says in a function's environment what the stack's secrets are: agents' tokens are made with the one that
it names for LiveKit, where it says nothing of them."""

_ENVIRONMENT = {
    kept.VARIABLE: "ringline/test",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "TABLE_NAME": TABLE_NAME,
    "RECORDS_BUCKET": RECORDS_BUCKET,
    # Lines of the log, which here would stand in the output of whoever asks.
    "POWERTOOLS_METRICS_DISABLED": "true",
    "PARKED_BUCKET": PARKED_BUCKET,
    "RELAY_DLQ_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/parked",
    "STACK_ID": "arn:aws:cloudformation:us-east-1:123456789012:stack/ringline/test",
    "TRUNK_KEY_ID": "alias/ringline-test",
    # The one queue that there is, as moto names it: few tests ask for transfers.
    "TRANSFER_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/deliveries",
    "DELIVERY_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/deliveries",
}


@dataclass(frozen=True, slots=True)
class LocalAws:
    """What a component test has of AWS: the table and one queue."""

    dynamodb: Any
    sqs: Any
    table_name: str
    queue_url: str

    def items(self) -> list[dict[str, Any]]:
        """Everything in the table, as plain fields."""
        return [from_item(item) for item in self.dynamodb.scan(TableName=self.table_name)["Items"]]

    def messages(self) -> list[dict[str, Any]]:
        """Takes what is visible in the queue, with the attributes it was sent with."""
        answer = self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10, AttributeNames=["All"])
        return list(answer.get("Messages", []))


@contextmanager
def local_aws() -> Iterator[LocalAws]:
    """The table as the template makes it, and a queue: both in this process, or the table in the DynamoDB that
    AWS_ENDPOINT_URL_DYNAMODB names (`tests.dynamodb.stand_ins`)."""
    with (
        moto.mock_aws(),
        _one_request_at_a_time(),
        quick_moto(),
        mock.patch.dict(os.environ, _ENVIRONMENT),
        mock.patch.object(aws, "secretsmanager", SecretsManager),
        _session_at_hand(),
    ):
        keep_secrets({})
        os.environ.pop("AWS_ENDPOINT_URL", None)
        _forget_clients()
        dynamodb, sqs = aws.dynamodb(), aws.sqs()
        dynamodb.create_table(TableName=TABLE_NAME, **_table_of_the_template())
        queue_url = sqs.create_queue(QueueName="deliveries")["QueueUrl"]
        # Where a test's own environment says nothing of them, looks go there.
        os.environ["LOOK_QUEUE_URL"] = queue_url
        try:
            yield LocalAws(dynamodb, sqs, TABLE_NAME, queue_url)
        finally:
            with suppress(dynamodb.exceptions.ResourceNotFoundException):  # a test may have deleted it
                dynamodb.delete_table(TableName=TABLE_NAME)
            _forget_clients()


class SecretsManager:
    """What a function asks of it: one document, as the test says."""

    document: ClassVar[dict[str, Any]] = {}

    def get_secret_value(self, SecretId: str) -> dict[str, str]:
        assert SecretId == _ENVIRONMENT[kept.VARIABLE]
        return {"SecretString": json.dumps(self.document)}


def keep_secrets(values: Mapping[str, Sequence[str]], made_at: int = 0) -> None:
    """These are the stack's secrets from now on, beside a key of its table; every process reads them anew."""
    given = {kept.TABLE_KEY: ("a-key-of-the-table-for-tests-alone-0123456789",), **values}
    held = {name: [{"value": value, "made_at": made_at} for value in each] for name, each in given.items()}
    SecretsManager.document = {"made_at": made_at, "secrets": held}
    kept.kept.cache_clear()


def _keep_what_is_said_in(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without secrets, which no function has there: they are in the document, beside what was there."""
    held = SecretsManager.document["secrets"]
    values = {name: tuple(each["value"] for each in values) for name, values in held.items()}
    for name, variable in _GIVEN_AS_VARIABLES.items():
        if environment.get(variable):
            values[name] = (environment[variable],)
    if "LIVEKIT_API_SECRET" in environment:
        values[kept.LIVEKIT] = (f"{environment.get('LIVEKIT_API_KEY', 'devkey')}:{environment['LIVEKIT_API_SECRET']}",)
    keep_secrets(values, SecretsManager.document["made_at"])
    secret = {*_GIVEN_AS_VARIABLES.values(), "LIVEKIT_API_KEY"}
    return {name: value for name, value in environment.items() if name not in secret}


@contextmanager
def _one_request_at_a_time() -> Iterator[None]:
    """A transaction of moto copies the table first, and fails if another thread writes to it meanwhile."""
    process, one = BotocoreStubber.process_request, threading.Lock()

    def process_alone(self: BotocoreStubber, request: Any) -> Any:
        note_request(request)
        with one:
            return process(self, request)

    with mock.patch.object(BotocoreStubber, "process_request", process_alone):
        yield


@contextmanager
def _session_at_hand() -> Iterator[None]:
    """A session reads a megabyte of what botocore knows of AWS: a tenth of a second, which every test would pay. All
    share one, with clients of their own. A test that asks for another one gets it."""
    make, kept = botocore.session.get_session, [_session_of_all()]
    with mock.patch.object(botocore.session, "get_session", lambda: kept.pop() if kept else make()):
        yield


@cache
def _session_of_all() -> botocore.session.Session:
    return botocore.session.get_session()


@cache
def _table_of_the_template() -> dict[str, Any]:
    properties = resources_of(read_template(TEMPLATE), "AWS::DynamoDB::Table")["CallsTable"]["Properties"]
    table = {name: properties[name] for name in _ASKED_AT_CREATION}
    return table | {"StreamSpecification": properties["StreamSpecification"] | {"StreamEnabled": True}}


def _forget_clients() -> None:
    for made_once in (aws.dynamodb, aws.sqs, aws.s3, aws.kms, aws._session):
        made_once.cache_clear()


def load_handler(function: str, environment: Mapping[str, str] | None = None, *, is_held: bool = True) -> ModuleType:
    """functions/<function>/handler.py as a module of its own, whose answers are held against what its routes say, which
    know the words of this release alone, and whose requests against its rights. Call it inside `local_aws()`."""
    path = ROOT / "functions" / function / "handler.py"
    spec = importlib.util.spec_from_file_location(f"{function}_handler", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with mock.patch.dict(os.environ, _keep_what_is_said_in(environment or {})):
        spec.loader.exec_module(module)
    # Made by whichever test is the first: what that one reads its output from (capsys) is closed behind it.
    _writer_of(function).stream = sys.__stdout__
    hold_to_rights(function, module)
    if is_held:
        hold_to_models(function, module)
    return module


@contextmanager
def log_of(function: str) -> Iterator[io.StringIO]:
    """Every line the function's logger writes, debug lines included. Call it after `load_handler`."""
    logger, writer = logging.getLogger(function), _writer_of(function)
    lines, level = io.StringIO(), logger.level
    before = writer.setStream(lines)
    logger.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        logger.setLevel(level)
        writer.setStream(before)


def _writer_of(function: str) -> Any:
    """What writes the lines of a function's logger."""
    (writer,) = (each for each in logging.getLogger(function).handlers if isinstance(each, logging.StreamHandler))
    return writer
