"""What the benchmark measures on: a running stack, a customer's server that notes when webhooks come, and the phone
network's own word on every call."""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from local.aws import deploy
from local.stack.record import Stack
from local.tools.processes import StackError
from local.trips.webhook_listener import Listener, listening

CAP = 2
SQS_BUDGET = 8
RUNS_BUDGET = 14
LIVEKIT_BUDGET = 4

_LOOK_EVERY_S = 0.02
SILENT_AGENT: dict[str, Any] = {"agent": {"deed": "stay", "reports": False}}
"""Manners of a number whose agent reports nothing: what is measured is the call, and not its agent's processes."""

TEXT_KB = (1, 8, 32)
"""Instructions that calls are counted with."""


def some_text(kb: int) -> str:
    """Text of letters and blanks by chance, always the same: what a row packs is smaller for any language than for
    this."""
    letters = random.Random(kb)
    return "".join(letters.choices("abcdefghijklmnopqrstuvwxyz ", k=kb * 1024 - 1)) + "."


@dataclass(frozen=True, slots=True)
class Rig:
    """`heard_at` is when the call_end of a call came in, in Unix seconds, by call id."""

    stack: Stack
    web: aiohttp.ClientSession
    heard_at: dict[str, float] = field(default_factory=dict)

    async def create_call(self, to_number: str, **asks: Any) -> str:
        """The id of an accepted call. `asks` is the rest of the request."""
        body = {"to_number": to_number, "pipe_id": self.stack.pipe_id, "data": {"customer_id": "C-1042"}, **asks}
        return str((await self.api("POST", "/v1/calls", body))["call_id"])

    async def api(self, method: str, path: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.stack.api_key}"}
        return await self._asked(method, self.stack.base_url + path, json=body, headers=headers)

    async def phones(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        return await self._asked(method, f"{self.stack.phones_url}/phones{path}", json=body, params=query)

    async def phone_calls(self, number: str) -> list[dict[str, Any]]:
        """What the phone at that number saw of its calls, oldest first."""
        calls: list[dict[str, Any]] = await self.phones("GET", "/calls", number=number)
        return calls

    async def _asked(self, method: str, url: str, **request: Any) -> Any:
        async with self.web.request(method, url, **request) as answer:
            if answer.status >= 400:
                raise StackError(f"{method} {url} answered {answer.status}: {await answer.text()}")
            return await answer.json() if answer.status != 204 else None


def call_of(phone_call: dict[str, Any]) -> str:
    """The id of the call whose room a phone was in."""
    return str(phone_call["room"]).split(".")[1]


async def until(what: str, is_so: Callable[[], bool], within_s: float) -> None:
    """Returns when it is so. Raises StackError naming what was waited for."""
    deadline = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > deadline:
            raise StackError(f"waited {within_s:.0f} s for {what}")
        await asyncio.sleep(_LOOK_EVERY_S)


@asynccontextmanager
async def rig(stack: Stack) -> AsyncIterator[Rig]:
    """The stack with one webhook endpoint of the default kind, told of the end of each call. Its sweep is switched off:
    what it mends in a bad minute would flatter the numbers, or be counted as the call's. Raises StackError."""
    async with listening() as listener, aiohttp.ClientSession() as web:
        await asyncio.to_thread(_stop_sweeping, stack)
        ready = Rig(stack, web)
        endpoint = await ready.api("POST", "/v1/webhook-endpoints", {"url": listener.url})
        listener.secret = endpoint["secret"]
        noting = asyncio.create_task(_note_arrivals(listener, ready.heard_at))
        try:
            yield ready
        finally:
            noting.cancel()


async def _note_arrivals(listener: Listener, heard_at: dict[str, float]) -> None:
    while True:
        received = await listener.received.get()
        heard_at.setdefault(received.body["data"]["call_id"], time.time())


def _stop_sweeping(stack: Stack) -> None:
    events = deploy.client("events", stack.emulator_url)
    for rule in events.list_rules()["Rules"]:
        events.disable_rule(Name=rule["Name"])


def log_groups(stack: Stack) -> dict[str, str]:
    """Where each function writes its logs, by its logical id."""
    aws_lambda = deploy.client("lambda", stack.emulator_url)
    configured = {
        logical_id: aws_lambda.get_function_configuration(FunctionName=name)
        for logical_id, name in stack.functions.items()
    }
    return {logical_id: each["LoggingConfig"]["LogGroup"] for logical_id, each in configured.items()}


class Runs:
    """Counts the runs of the stack's functions from now on, by the emulator's logs, where each run has a stream of its
    own."""

    def __init__(self, stack: Stack) -> None:
        self._logs = deploy.client("logs", stack.emulator_url)
        self._groups = log_groups(stack)
        self._before = self._counted()

    def count(self) -> Counter[str]:
        """By function."""
        counted = self._counted()
        counted.subtract(self._before)
        return counted

    def _counted(self) -> Counter[str]:
        return Counter({logical_id: self._streams(group) for logical_id, group in self._groups.items()})

    def _streams(self, group: str) -> int:
        pages = self._logs.get_paginator("describe_log_streams").paginate(logGroupName=group)
        try:
            return sum(len(page["logStreams"]) for page in pages)
        except self._logs.exceptions.ResourceNotFoundException:
            return 0  # it has not run yet


@dataclass(frozen=True, slots=True)
class Delivered:
    """Messages that queues handed to functions, in so many batches, which functions by their names had."""

    messages: int
    batches: int
    batches_of: Counter[str] = field(default_factory=Counter)


class SqsDeliveries:
    """Counts what the emulator's queues hand out from now on, by the emulator's log. On AWS each batch is one request
    to receive it and one to delete it; receiving nothing, which pollers do all day, is no call's doing."""

    _BATCH = re.compile(r"ESM: Lambda (\S+) (?:processed (\d+) SQS messages|failed processing SQS batch) from ")

    def __init__(self, stack: Stack) -> None:
        self._log = Path(stack.log_dir) / "emulator.log"
        self._began_at = self._log.stat().st_size

    def count(self) -> Delivered:
        found = self._BATCH.findall(self._log.read_bytes()[self._began_at :].decode(errors="replace"))
        return Delivered(sum(int(size or 0) for _, size in found), len(found), Counter(name for name, _ in found))


class Noise:
    """How much of the machine others took: processor time that neither the benchmark nor its stack used."""

    def __init__(self) -> None:
        self._began = (time.monotonic(), _busy_s(), _own_s())

    def share(self) -> float:
        """The share from 0 to 1 since this object was made."""
        began_s, busy_s, own_s = self._began
        others_s = (_busy_s() - busy_s) - (_own_s() - own_s)
        return max(0.0, others_s) / ((time.monotonic() - began_s) * (psutil.cpu_count() or 1))

    def words(self) -> str:
        load = psutil.getloadavg()[0]
        return f"others took {self.share():.0%} of {psutil.cpu_count()} processors, load average {load:.1f}"


def _busy_s() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.system)


def _own_s() -> float:
    me = psutil.Process()
    total_s = 0.0
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total_s += times.user + times.system + times.children_user + times.children_system
    return total_s
