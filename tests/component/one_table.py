"""The one table in this process (moto), and handlers loaded as Lambda loads them: a fresh module in its environment.

moto answers one thread at a time correctly; whatever needs real concurrency belongs to tests/stack.
"""

import importlib.util
import io
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import moto

from ringline.runtime import aws
from ringline.runtime.items import from_item

ROOT = Path(__file__).parents[2]
TABLE_NAME = "ringline-test"

_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "TABLE_NAME": TABLE_NAME,
    "POWERTOOLS_METRICS_NAMESPACE": "Ringline",
    "POWERTOOLS_SERVICE_NAME": "ringline",
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
    with mock.patch.dict(os.environ, _ENVIRONMENT), moto.mock_aws():
        os.environ.pop("AWS_ENDPOINT_URL", None)
        _forget_clients()
        dynamodb, sqs = aws.dynamodb(), aws.sqs()
        dynamodb.create_table(
            TableName=TABLE_NAME,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
                {"AttributeName": "due_shard", "AttributeType": "S"},
                {"AttributeName": "due_at", "AttributeType": "N"},
            ],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "DueIndex",
                    "KeySchema": [
                        {"AttributeName": "due_shard", "KeyType": "HASH"},
                        {"AttributeName": "due_at", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )
        queue_url = sqs.create_queue(QueueName="deliveries")["QueueUrl"]
        try:
            yield LocalAws(dynamodb, sqs, TABLE_NAME, queue_url)
        finally:
            _forget_clients()


def _forget_clients() -> None:
    for made_once in (aws.dynamodb, aws.sqs, aws._session):
        made_once.cache_clear()


def load_handler(function: str, environment: Mapping[str, str] | None = None) -> ModuleType:
    """functions/<function>/handler.py as a module of its own. Call it inside `local_aws()`."""
    path = ROOT / "functions" / function / "handler.py"
    spec = importlib.util.spec_from_file_location(f"{function}_handler", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with mock.patch.dict(os.environ, environment or {}):
        spec.loader.exec_module(module)
    return module


@contextmanager
def log_of(function: str) -> Iterator[io.StringIO]:
    """Every line the function's logger writes, debug lines included. Call it after `load_handler`."""
    logger = logging.getLogger(function)
    (writer,) = (each for each in logger.handlers if isinstance(each, logging.StreamHandler))
    lines, level = io.StringIO(), logger.level
    before = writer.setStream(lines)
    logger.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        logger.setLevel(level)
        if before is not None:
            writer.setStream(before)
