"""Runs inside the emulator's own environment: ministack, with each function's log in a file, three of its waits taken
out, queries that read what they answer, an IAM that knows which partitions a request of DynamoDB is about, runs that
come to their end where their function changes, event sources that filter as Lambda's do, and saved queries taken for
granted.

The names that are replaced here are private to ministack; its version is pinned, and a missing one fails at once.
"""

import importlib.util
import json
import os
import re
import threading
from contextlib import suppress
from heapq import nsmallest
from pathlib import Path
from types import FunctionType
from typing import Any

from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.lambda_runtime import Worker
from ministack.services import dynamodb, lambda_svc
from ministack.services.cloudformation import provisioners

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
            # A full disk, or half a character, is no reason for the invocation to fail.
            with suppress(OSError), (_LOG_DIR / f"{name}.log").open("a", encoding="utf-8", errors="replace") as log:
                log.write(log_text.rstrip("\n") + "\n")
        emit(func, request_id, log_text, *rest, **named)

    lambda_svc._emit_lambda_logs = emit_and_write


class _LoggedWorker:
    """A function's process whose output is kept."""

    def __init__(self, worker: Worker, config: dict[str, Any]) -> None:
        self._worker = worker
        self._config = config

    def invoke(self, event: dict[str, Any], request_id: str) -> dict[str, Any]:
        result: dict[str, Any] = self._worker.invoke(event, request_id)
        failed = result.get("status") == "error"
        lambda_svc._emit_lambda_logs(self._config, request_id, result.get("log") or "", failed, 0)
        return result


def _keep_what_websockets_print() -> None:
    """ministack drops the output of a function that a WebSocket reaches."""
    get_worker = lambda_runtime.get_or_create_worker

    def get_logged_worker(name: str, config: dict[str, Any], *code: Any, **named: Any) -> _LoggedWorker:
        return _LoggedWorker(get_worker(name, config, *code, **named), config)

    # Only WebSockets take a worker by this name.
    lambda_runtime.get_or_create_worker = get_logged_worker


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


_FROM_THE_START = re.compile(r"pk = (:\w+)(?: AND sk < (:\w+))?")


def _read_only_what_a_query_wants() -> None:
    """ministack evaluates a query on its whole partition: a second for ten thousand waiting calls, while every other
    request waits. The first rows of a partition in their order, which is what a queue asks for, need no more than these
    rows."""
    query = dynamodb._query

    def query_first_rows(asked: dict[str, Any]) -> Any:
        condition = _FROM_THE_START.fullmatch(asked.get("KeyConditionExpression", ""))
        table = dynamodb._tables.get(asked.get("TableName"))
        simple = not {"IndexName", "ExclusiveStartKey", "FilterExpression"} & asked.keys()
        if condition is None or table is None or not simple or "Limit" not in asked:
            return query(asked)
        if asked.get("ScanIndexForward") is False:
            return query(asked)
        values = asked["ExpressionAttributeValues"]
        pk, below = (values[name]["S"] if name else None for name in condition.groups())
        rows = table["items"].get(pk, {})
        wanted = rows if below is None else (sk for sk in rows if sk < below)
        first = nsmallest(asked["Limit"] + 1, wanted)
        small = table | {"items": {pk: {sk: rows[sk] for sk in first}}}
        names = dynamodb.__dict__ | {"_tables": {asked["TableName"]: small}}
        return FunctionType(query.__code__, names)(asked)

    dynamodb._query = query_first_rows


class _ItemsTable(str):
    """The table of one item of a transaction, which is allowed by itself."""

    leading_keys: list[str]


def _know_leading_keys() -> None:
    """ministack evaluates a policy's conditions, but finds no `dynamodb:LeadingKeys` in a request: a right to some
    partitions was a right to all."""
    keys = _beside("leading_keys")
    context_of, checks_of, enforce = (
        iam_actions.dynamodb_service_context,
        iam_actions.dynamodb_transaction_checks,
        iam_evaluator.enforce,
    )

    def of_request(body: bytes) -> dict[str, Any]:
        context: dict[str, Any] = context_of(body)
        return context | _context(keys.leading_keys(json.loads(body or b"{}")))

    def checks(action: str, body: bytes, *rest: Any) -> list[tuple[str, str]]:
        found = checks_of(action, body, *rest)
        if not found:
            return list(found)
        items = [detail for item in json.loads(body)["TransactItems"] for detail in item.values()]
        return [
            (each, _of_item(table, keys.leading_keys(item))) for (each, table), item in zip(found, items, strict=True)
        ]

    def enforce_on_item(*asked: Any, resource_arn: str = "*", **named: Any) -> Any:
        if isinstance(resource_arn, _ItemsTable):
            named["service_context"] = named["service_context"] | _context(resource_arn.leading_keys)
        return enforce(*asked, resource_arn=resource_arn, **named)

    iam_actions.dynamodb_service_context = of_request
    iam_actions.dynamodb_transaction_checks = checks
    iam_evaluator.enforce = enforce_on_item


def _context(leading_keys: list[str]) -> dict[str, list[str]]:
    """A request that names no key has no such key of IAM's."""
    return {"dynamodb:LeadingKeys": leading_keys} if leading_keys else {}


def _of_item(table: str, leading_keys: list[str]) -> _ItemsTable:
    item = _ItemsTable(table)
    item.leading_keys = leading_keys
    return item


def _beside(module: str) -> Any:
    """A module of this folder, which is on no path here."""
    spec = importlib.util.spec_from_file_location(module, Path(__file__).with_name(f"{module}.py"))
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def _let_runs_end_where_a_function_changes() -> None:
    """ministack ends the processes of a function whose layers change, in the middle of what they do. Lambda begins with
    others, and lets these come to their end: for a while both are at work."""
    update, kill, release = lambda_svc._update_config, lambda_runtime.kill_workers, lambda_svc.release_worker
    updating, leaving = threading.local(), set[Worker]()

    def update_gently(*asked: Any) -> Any:
        updating.now = True
        try:
            return update(*asked)
        finally:
            updating.now = False

    def kill_idle(workers: list[Worker | None]) -> None:
        busy: set[Worker] = set()
        if getattr(updating, "now", False):
            with lambda_runtime._lock:
                busy = {worker for worker in workers if worker is not None and worker.in_use}
                leaving.update(busy)
        kill([worker for worker in workers if worker not in busy])

    def release_and_end(worker: Worker | None) -> None:
        release(worker)
        if worker in leaving:
            leaving.discard(worker)
            kill([worker])

    lambda_svc._update_config = update_gently
    lambda_runtime.kill_workers = kill_idle
    lambda_svc.release_worker = release_and_end


def _filter_as_lambda_does() -> None:
    """ministack takes a rule about something that is nowhere on the way for one that does not hold."""
    event_filter = _beside("event_filter")

    def holds(record: dict[str, Any], pattern: dict[str, Any]) -> bool:
        return bool(event_filter.passes(record, [pattern]))

    assert hasattr(lambda_svc, "_match_esm_filter")
    lambda_svc._match_esm_filter = holds


def _allow_messages_together() -> None:
    """ministack asks a policy for `sqs:SendMessageBatch`, which IAM does not know: messages that are sent together are
    allowed as each of them is."""
    extract = iam_actions.extract_iam_action

    def action_of(*request: Any) -> Any:
        action = extract(*request)
        return "sqs:SendMessage" if action == "sqs:SendMessageBatch" else action

    iam_actions.extract_iam_action = action_of


def _keep_alarms_of_several_metrics() -> None:
    """ministack refuses an alarm with metric maths. Here it is kept and told of like any other, and never rings."""
    record_of = provisioners._cw_metric_alarm_record

    def record(name: str, properties: dict[str, Any]) -> Any:
        several = properties.get("Metrics")
        stand_in = {"Metrics": None, "MetricName": name, "Namespace": "MetricMaths"} if several else {}
        return record_of(name, {**properties, **stand_in})

    provisioners._cw_metric_alarm_record = record


def _take_saved_queries() -> None:
    """ministack refuses a template with a query of the logs. There is nobody to ask it here, so nothing is kept of it
    but its name."""

    def create(logical_id: str, _properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
        return f"{stack_name}-{logical_id}", {}

    def update(physical_id: str, *_properties: Any) -> tuple[str, dict[str, str]]:
        return physical_id, {}

    def delete(_physical_id: str, _properties: dict[str, Any]) -> None:
        """There is nothing to take away."""

    handlers = provisioners._RESOURCE_HANDLERS
    handlers["AWS::Logs::QueryDefinition"] = {"create": create, "update": update, "delete": delete}


if __name__ == "__main__":
    from ministack.app import main

    _write_function_logs()
    _keep_what_websockets_print()
    _take_out_waits()
    _read_streams_beside_queues()
    _read_only_what_a_query_wants()
    _know_leading_keys()
    _let_runs_end_where_a_function_changes()
    _filter_as_lambda_does()
    _allow_messages_together()
    _keep_alarms_of_several_metrics()
    _take_saved_queries()
    main()
