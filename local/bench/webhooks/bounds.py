"""What the emulator and this machine do at most, whatever is asked of them: no deployment here is quicker."""

import io
import json
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ringline.runtime.items import to_item

_INVOCATIONS, _INVOKERS = 400, 4
_READS, _READERS = 2_000, 8
_FUNCTION = "does-nothing"
_CODE = "def lambda_handler(event, context):\n    return {}\n"


def invocations_a_second(functions: Any, roles: Any) -> float:
    """Of a function that does nothing, once its processes are there."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("handler.py", _CODE)
    trusts = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trusts]})
    role = roles.create_role(RoleName=_FUNCTION, AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    functions.create_function(
        FunctionName=_FUNCTION,
        Runtime="python3.13",
        Role=role,
        Handler="handler.lambda_handler",
        Code={"ZipFile": packed.getvalue()},
    )

    def invoke() -> None:
        answer = functions.invoke(FunctionName=_FUNCTION, Payload=b"{}")
        assert answer["StatusCode"] == 200 and "FunctionError" not in answer, answer

    _each(invoke, _INVOKERS * 4, _INVOKERS)
    return _rate(invoke, _INVOCATIONS, _INVOKERS)


def reads_a_second(dynamodb: Any, table: str) -> float:
    """Of one row that is not there."""
    key = to_item({"pk": "NOBODY", "sk": "NOTHING"})
    return _rate(lambda: dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True), _READS, _READERS)


def _rate(work: Callable[[], object], times: int, workers: int) -> float:
    began_s = time.monotonic()
    _each(work, times, workers)
    return times / (time.monotonic() - began_s)


def _each(work: Callable[[], object], times: int, workers: int) -> None:
    failed = threading.Event()

    def some() -> None:
        for _ in range(times // workers):
            if failed.is_set():
                return
            try:
                work()
            except BaseException:
                failed.set()
                raise

    with ThreadPoolExecutor(workers) as pool:
        for share in [pool.submit(some) for _ in range(workers)]:
            share.result()
