"""Runs inside the emulator's own environment: ministack, with each function's log in a file and three of its waits
taken out.

The names that are replaced here are private to ministack; its version is pinned, and a missing one fails at once.
"""

import os
import re
import threading
from pathlib import Path
from typing import Any

from ministack.core.lambda_runtime import Worker
from ministack.services import lambda_svc

# CloudFormation names a function <stack>-<logical id>-<random>.
_DEPLOYED_NAME = re.compile(r"^.+-(\w+)-[0-9A-Z]+$")
_LOG_DIR = Path(os.environ.pop("FUNCTION_LOG_DIR"))


def _write_function_logs() -> None:
    """What a function prints goes to `<logical id>.log` too, not only to the emulated CloudWatch Logs."""
    emit = lambda_svc._emit_lambda_logs

    def emit_and_write(func: dict[str, Any], request_id: str, log_text: str, *rest: Any, **named: Any) -> None:
        if log_text:
            name = (func.get("config") or func).get("FunctionName", "unknown")
            name = _DEPLOYED_NAME.sub(r"\1", name)
            with (_LOG_DIR / f"{name}.log").open("a") as log:
                log.write(log_text.rstrip("\n") + "\n")
        emit(func, request_id, log_text, *rest, **named)

    lambda_svc._emit_lambda_logs = emit_and_write


def _take_out_waits() -> None:
    """Neither wait exists on AWS: 50 ms for log lines after each invocation that prints none, which for a stream
    mapping holds up every other mapping, and 50 ms before the mappings look again after a write that none of them
    wanted."""
    drain = Worker._drain_stderr_bounded

    def drain_soon(self: Worker) -> str:
        return str(drain(self, first_line_wait=0.004, idle_confirm=0.002))

    Worker._drain_stderr_bounded = drain_soon
    assert hasattr(lambda_svc, "_ESM_IDLE_WAKE_GAP_SECONDS")
    lambda_svc._ESM_IDLE_WAKE_GAP_SECONDS = 0.002


def _read_streams_beside_queues() -> None:
    """ministack reads streams on the thread that reads queues, and waits there for the function: each message behind
    it waits too. On AWS every mapping has pollers of its own."""
    read_streams, called = lambda_svc._poll_dynamodb_streams, threading.Event()

    def keep_reading() -> None:
        while True:
            called.wait()
            called.clear()
            while read_streams():
                pass

    def call_reader() -> bool:
        called.set()
        return False

    lambda_svc._poll_dynamodb_streams = call_reader
    threading.Thread(target=keep_reading, daemon=True).start()


if __name__ == "__main__":
    from ministack.app import main

    _write_function_logs()
    _take_out_waits()
    _read_streams_beside_queues()
    main()
