"""AWS clients: low level, one botocore session, short explicit time-outs.

botocore is used without boto3's resource layer because import time is a budget of this project (docs/adr).
"""

import os
import threading
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

MOST_CONNECTIONS = 64
"""Connections that one client keeps: none is made before it is needed."""

LONG_POLL_S = 5
"""How long a request for messages waits for one. A process that stops waits for it: SQS hands what comes meanwhile to
nobody else."""

# DynamoDB and SQS answer in milliseconds; a connection that hangs is worth dropping long before the function's own
# time-out.
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "max_attempts": 4},
    max_pool_connections=MOST_CONNECTIONS,
)


AWS_FAILS = (ClientError, BotoCoreError)
"""What a client raises where AWS refuses, or cannot be reached."""

_making = threading.Lock()
"""botocore makes one client at a time."""


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@cache
def dynamodb() -> Any:
    with _making:
        return _session().create_client("dynamodb", config=_CONFIG)


@cache
def sqs() -> Any:
    """Made with the first message where most requests send none: it takes 15 ms."""
    with _making:
        return _session().create_client("sqs", config=_CONFIG)


@cache
def long_polling_sqs() -> Any:
    """For a process that waits for messages itself, LONG_POLL_S at a time. On Lambda the event source does."""
    with _making:
        return _session().create_client("sqs", config=_CONFIG.merge(Config(read_timeout=3 * LONG_POLL_S)))


@cache
def s3() -> Any:
    """Made where it is needed and not at import: few requests touch a bucket. Its signed URLs name the bucket's own
    region; an emulator has no host name for each bucket."""
    style = "path" if os.environ.get("AWS_ENDPOINT_URL") else "virtual"
    bucket = Config(signature_version="s3v4", s3={"addressing_style": style})
    with _making:
        return _session().create_client("s3", config=_CONFIG.merge(bucket))


@cache
def kms() -> Any:
    """Made where it is needed: few requests name a password."""
    with _making:
        return _session().create_client("kms", config=_CONFIG)


@cache
def secretsmanager() -> Any:
    """Made with the first secret that is needed: it takes 7 ms, and one request for each process."""
    with _making:
        return _session().create_client("secretsmanager", config=_CONFIG)


@cache
def connections(endpoint_url: str) -> Any:
    """The client that posts to the connections of a WebSocket API, at the URL of its stage. Made where it is needed. It
    never asks twice: what was posted twice is received twice."""
    once = Config(retries={"total_max_attempts": 1})
    with _making:
        return _session().create_client(
            "apigatewaymanagementapi", config=_CONFIG.merge(once), endpoint_url=endpoint_url
        )


@cache
def sqs_in(region: str) -> Any:
    """For a queue that is somebody else's: it asks once, since its caller has its own schedule of tries."""
    return _elsewhere("sqs", region)


@cache
def events_in(region: str) -> Any:
    """For a bus of EventBridge, which is asked once, too."""
    return _elsewhere("events", region)


def _elsewhere(service: str, region: str) -> Any:
    once = Config(retries={"total_max_attempts": 1})
    with _making:
        return _session().create_client(service, region_name=region, config=_CONFIG.merge(once))
