"""Counts what calls use: requests at the recorder, processor time of the functions' processes, and their logs."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil

from local.aws import deploy
from local.aws.template import events_of, read_template
from local.bench.dollars.prices import Usage
from local.bench.rig import SqsDeliveries, log_groups
from local.bench.wire import Record, Recorder
from local.stack import dialer
from local.stack.record import Stack
from local.tools.places import TEMPLATE

LOG_EVENT_BYTES = 26
"""What CloudWatch bills for each event beside its text."""

_LAMBDAS_OWN = ("START ", "END ", "REPORT ")


@dataclass(slots=True)
class Logged:
    """Runs and bytes of log lines; `own_bytes` are of the lines that our code wrote."""

    runs: Counter[str] = field(default_factory=Counter)
    own_bytes: int = 0
    all_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """What happened between a meter's making and its reading."""

    usage: Usage
    logged: Logged


class Meter:
    """Counts from its making on. What runs longer than the count ends with it, so read it when all is quiet."""

    def __init__(self, stack: Stack, recorder: Recorder) -> None:
        self._stack = stack
        self._recorder = recorder
        self._deliveries = SqsDeliveries(stack)
        self._cpu_before = _cpu_of_functions(stack)
        self._container_before = _cpu_of_container()
        self._began_ms = int(time.time() * 1000)
        recorder.record = self._record = Record()

    async def read(self) -> Counted:
        logged = await asyncio.to_thread(self._logged)
        requests = self._record.requests
        sent = sum(count for name, count in requests.items() if name.startswith("AmazonSQS"))
        usage = Usage(
            write_units=sum(write.table_units + write.index_units for write in self._record.writes),
            read_units=sum(self._record.read_units.values()),
            sqs_requests=sent + 2 * self._deliveries.count().batches,
            http_requests=sum(logged.runs[name] for name in _ANSWER_HTTP),
            runs=logged.runs.total(),
            s3_writes=requests["S3 PUT"],
            log_bytes=logged.all_bytes,
            aws_requests=requests.total(),
            cpu_s=sum(
                seconds - self._cpu_before[pid]
                for pid, seconds in _cpu_of_functions(self._stack).items()
                # One that was started meanwhile has loaded its code: a cold start, which few calls pay.
                if pid in self._cpu_before
            ),
            container_cpu_s=_cpu_of_container() - self._container_before,
        )
        return Counted(usage, logged)

    def _logged(self) -> Logged:
        logs, logged = deploy.client("logs", self._stack.emulator_url), Logged()
        for logical_id, group in log_groups(self._stack).items():
            for text in _lines(logs, group, self._began_ms):
                logged.runs[logical_id] += text.startswith("START ")
                size = len(text.encode()) + LOG_EVENT_BYTES
                logged.all_bytes += size
                logged.own_bytes += 0 if text.startswith(_LAMBDAS_OWN) else size
        return logged


_ANSWER_HTTP = frozenset(name for name, _ in events_of(read_template(TEMPLATE), "HttpApi"))


def _lines(logs: Any, group: str, since_ms: int) -> Iterator[str]:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since_ms)
    try:
        for page in pages:
            for event in page["events"]:
                yield str(event["message"])
    except logs.exceptions.ResourceNotFoundException:
        return  # it has not run yet


def _cpu_of_functions(stack: Stack) -> dict[int, float]:
    """Processor time of each process of the stack's functions, in seconds."""
    names = set(stack.functions.values())
    used = {}
    for process in psutil.process_iter():
        try:
            if process.environ().get("AWS_LAMBDA_FUNCTION_NAME") in names:
                used[process.pid] = _cpu_s(process)
        except psutil.Error:
            continue  # it has just ended, or it is not one of ours
    return used


def _cpu_of_container() -> float:
    """Of the dialer's container, where this process has started one; 0 where there is none."""
    total_s = 0.0
    for process in psutil.Process().children():
        try:
            total_s += _cpu_s(process) if tuple(process.cmdline()[1:]) == dialer.COMMAND[1:] else 0
        except psutil.Error:
            continue  # it has just ended
    return total_s


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
