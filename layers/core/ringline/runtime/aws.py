"""AWS clients: low level, one botocore session, short explicit time-outs.

botocore is used without boto3's resource layer because import time is a budget of this project (docs/adr).
"""

import os
import threading
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

# DynamoDB and SQS answer in milliseconds; a connection that hangs is worth dropping long before the function's own
# time-out.
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "max_attempts": 4},
    max_pool_connections=32,
)


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
def connections(endpoint_url: str) -> Any:
    """The client that posts to the connections of a WebSocket API, at the URL of its stage. Made where it is needed. It
    never asks twice: what was posted twice is received twice."""
    once = Config(retries={"total_max_attempts": 1})
    with _making:
        return _session().create_client(
            "apigatewaymanagementapi", config=_CONFIG.merge(once), endpoint_url=endpoint_url
        )
