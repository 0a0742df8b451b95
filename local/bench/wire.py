"""What one answered call costs, counted on the wire: every request that functions make to DynamoDB and SQS passes
through a recorder, every request to LiveKit is counted by the phone network.

The recorder listens on a port for each function, so that each request is known by who made it. Around a write it reads
the items before and after, one write at a time: the bill depends on their sizes.
"""

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from copy import replace
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from aiohttp import web
from yarl import URL

from local.aws import deploy
from local.bench.capacity import Item, index_units, read_units, write_units
from local.bench.report import Reading, Section, at_most, counts_of, shown
from local.bench.rig import (
    LIVEKIT_BUDGET,
    RUNS_BUDGET,
    SILENT_AGENT,
    SQS_BUDGET,
    TEXT_KB,
    Rig,
    Runs,
    SqsDeliveries,
    some_text,
    until,
)
from local.phones.model.post import EVENTS
from local.stack import dialer
from local.stack.record import Stack, StackRecord
from local.tools import processes
from ringline.calls.model.livekit_event import What

CALLEE = "+15550100777"
"""Rings, answers, talks for four seconds, hangs up. Its agent reports nothing."""
REPORTED = "+15550100200"
"""Does the same, and its agent reports that it is ready, speech, transcript and usage."""
CARRIER_TELLS = "+15550100220"
"""Does the same, and its carrier reports what it does, the ringing too, by the call's own name."""

UNREAD = [name for name in EVENTS if name not in set(What)]
"""LiveKit's events that no rule reads."""

_CONTAINER = "Dialer"
"""The dialer's container, in the place of a function's name."""

_WRITE_BUDGET = 18
"""17 are the call's own, from its creation to its webhook. One is what it costs that no end can get lost: the mark is
taken away by a write of its own, and with it the place in DueIndex that the end itself would have taken away."""
_CALL_OVER_WITHIN_S = 30.0
_QUIET_S = 2.0

_SINGLE_WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
_TRANSACTION = "TransactWriteItems"
_DELIVERY_ROW = "delivery"
_EVENT_ROWS = {"event", "event's place", "count of events"}
BEAT = "runner's beat"
_TABLE_KEYS = ("pk", "sk")
_INDEX_KEYS = ("due_shard", "due_at")
# Host is passed on, because the signature that the emulator checks covers it.
_NOT_PASSED_ON = {"content-length", "connection", "expect"}


@dataclass(frozen=True, slots=True)
class Write:
    """One item of a write request, and what it is billed."""

    function: str
    item_kind: str
    table_units: int
    index_units: int
    was_refused: bool


@dataclass(slots=True)
class Record:
    """What went over the wire since the record was begun."""

    writes: list[Write] = field(default_factory=list)
    read_units: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    requests: Counter[str] = field(default_factory=Counter)
    last_at_s: float = field(default_factory=time.monotonic)


class Recorder:
    """Passes AWS requests on to the emulator and notes them. Raises ValueError, to the function, for a request that it
    cannot count."""

    def __init__(self, stack: Stack, session: aiohttp.ClientSession) -> None:
        self._stack = stack
        self._session = session
        self._dynamodb = deploy.client("dynamodb", stack.emulator_url)
        self._one_write = asyncio.Lock()
        self.function_at: dict[int, str] = {}
        """Who makes requests at which port."""
        self.record = Record()

    async def take(self, request: web.Request) -> web.Response:
        function = self.function_at[request.transport.get_extra_info("sockname")[1]] if request.transport else ""
        service, _, operation = request.headers.get("X-Amz-Target", f"S3.{request.method}").partition(".")
        body = await request.read()
        self.record.last_at_s = time.monotonic()
        self.record.requests[f"{service.partition('_')[0]} {operation}"] += 1
        if service.startswith("DynamoDB"):
            return await self._note_dynamodb(function, operation, body, request)
        return await self._pass_on(request, body)

    async def _note_dynamodb(self, function: str, operation: str, body: bytes, request: web.Request) -> web.Response:
        asked = json.loads(body)
        if operation not in _SINGLE_WRITES and operation != _TRANSACTION:
            answer = await self._pass_on(request, body)
            self.record.read_units[function] += read_units(operation, asked, json.loads(answer.text or "{}"))
            return answer
        keys = [_key(part) for part in _parts(operation, asked)]
        async with self._one_write:
            before = await self._items(keys)
            answer = await self._pass_on(request, body)
            after = await self._items(keys)
        for key, old, new in zip(keys, before, after, strict=True):
            self.record.writes.append(
                Write(
                    function=function,
                    item_kind=_kind(key),
                    table_units=write_units(old, new, in_transaction=operation == _TRANSACTION),
                    index_units=index_units(old, new, _INDEX_KEYS, _TABLE_KEYS),
                    was_refused=answer.status != 200,
                )
            )
        return answer

    async def _items(self, keys: Sequence[Item]) -> list[Item]:
        def read() -> list[Item]:
            table = self._stack.table_name
            answers = (self._dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True) for key in keys)
            return [answer.get("Item", {}) for answer in answers]

        return await asyncio.to_thread(read)

    async def _pass_on(self, request: web.Request, body: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_PASSED_ON}
        url = URL(self._stack.emulator_url + request.raw_path, encoded=True)
        async with self._session.request(request.method, url, data=body, headers=headers) as answer:
            returned = {
                name: value for name, value in answer.headers.items() if name.lower().startswith(("x-amz", "etag"))
            }
            return web.Response(
                status=answer.status, body=await answer.read(), headers=returned, content_type=answer.content_type
            )


def _parts(operation: str, asked: dict[str, Any]) -> Iterable[dict[str, Any]]:
    return [part for each in asked["TransactItems"] for part in each.values()] if operation == _TRANSACTION else [asked]


def _key(part: dict[str, Any]) -> Item:
    named: Item = part.get("Key") or part["Item"]
    return {name: named[name] for name in _TABLE_KEYS}


def _kind(key: Item) -> str:
    """What an item is, by its key: `gate` of `A#<account>#GATE`, `waiting mark` of `WAITING`."""
    names = str(key["pk"]["S"]).split("#")
    kinds = {
        "CALLS": "call", "QUEUE": "queue entry", "GATE": "gate", "DELIVERY": _DELIVERY_ROW, "ASSIGNMENTS": "assignment",
        "ASKED": "what was asked", "EVENTS": "event", "EVENT_IDS": "event's place", "EVENT_COUNT": "count of events",
        "RUNNERS": BEAT if "#S#" in str(key["sk"]["S"]) else "runner's places",
    }  # fmt: skip
    last = names[-1] if len(names) != 2 else str(key["sk"]["S"]).partition("#")[0]
    return kinds.get(last, "waiting mark" if last == "WAITING" else last.lower())


@asynccontextmanager
async def recording(stack: Stack) -> AsyncIterator[Recorder]:
    """While it lasts, the stack's functions reach AWS through a recorder. Their processes start anew, once."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        recorder = Recorder(stack, session)
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", recorder.take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            asking = [*stack.functions, _CONTAINER]
            for _ in asking:
                await web.TCPSite(runner, "127.0.0.1", 0).start()
            ports = [address[1] for address in runner.addresses]
            recorder.function_at = dict(zip(ports, asking, strict=True))
            await asyncio.to_thread(_lead_through, stack, recorder.function_at)
            yield recorder
        finally:
            await runner.cleanup()


def _lead_through(stack: Stack, function_at: dict[int, str]) -> None:
    aws_lambda = deploy.client("lambda", stack.emulator_url)
    for port, logical_id in function_at.items():
        if logical_id == _CONTAINER:
            _lead_container_through(stack, _url_of(port))
            continue
        name = stack.functions[logical_id]
        variables = aws_lambda.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        led = {**variables, "AWS_ENDPOINT_URL": _url_of(port)}
        aws_lambda.update_function_configuration(FunctionName=name, Environment={"Variables": led})


def _lead_container_through(stack: Stack, url: str) -> None:
    """Starts the dialer's container anew, where there is one. The stack stops it like the one before."""
    record = StackRecord(Path(stack.log_dir).parent)
    for child in record.children():
        if child.name == dialer.NAME:
            variables = psutil.Process(child.pid).environ()
            processes.stop(child)
            led = dialer.start({**variables, "AWS_ENDPOINT_URL": url}, record.log_dir)
            record.note_child(led)
            dialer.await_ready(led)


def _url_of(port: int) -> str:
    return f"http://127.0.0.1:{port}"


async def measure(rig: Rig) -> Section:
    """Counts the second of two calls: the first has started the functions' processes and left the account's waiting
    mark. Raises StackError if a call does not come to its webhook."""
    await rig.phones("PUT", f"/numbers/{CALLEE}", SILENT_AGENT)
    async with recording(rig.stack) as recorder:
        await one_call(rig, recorder)
        recorder.record = Record()
        asked_before = await _livekit_requests(rig)
        deliveries, runs = SqsDeliveries(rig.stack), await asyncio.to_thread(Runs, rig.stack)
        await one_call(rig, recorder)
        asked = await _livekit_requests(rig)
        asked.subtract(asked_before)
        ran = await asyncio.to_thread(runs.count)
        usual = total(of_call(recorder.record))
        section = _section(recorder.record, deliveries.count().batches, asked, ran)
        fewer = await _runs_where_unread_is_left_out(rig, recorder)
        told = await _requests_where_the_carrier_tells(rig, recorder)
        await one_call(rig, recorder, REPORTED)
        recorder.record = Record()
        await one_call(rig, recorder, REPORTED)
        reported_record = recorder.record
        at_length = await _at_length(rig, recorder, usual)
    reported = Reading(
        "write units where the agent reports", shown(total(of_call(reported_record))), by_function(reported_record)
    )
    return replace(section, readings=(*section.readings, fewer, told, reported, *at_length))


async def _runs_where_unread_is_left_out(rig: Rig, recorder: Recorder) -> Reading:
    """What a server of one's own can be told (docs/deploy.md), and LiveKit Cloud cannot."""
    await rig.phones("PUT", "/webhook", {"exclude_events": UNREAD})
    try:
        runs = await asyncio.to_thread(Runs, rig.stack)
        await one_call(rig, recorder)
        ran = await asyncio.to_thread(runs.count)
    finally:
        await rig.phones("PUT", "/webhook", {"exclude_events": []})
    name = "  where LiveKit leaves out what nobody reads"
    return at_most(name, ran.total(), RUNS_BUDGET, note=_runs_words(ran))


async def _requests_where_the_carrier_tells(rig: Rig, recorder: Recorder) -> Reading:
    """A carrier that has told of the ringing has named the call: its dialer does not look for the ids."""
    before = await _livekit_requests(rig)
    await one_call(rig, recorder, CARRIER_TELLS)
    asked = await _livekit_requests(rig)
    asked.subtract(before)
    requests = {name.rpartition("/")[2]: count for name, count in asked.items() if count}
    name = "LiveKit requests where the carrier tells of the ringing"
    return at_most(name, sum(requests.values()), LIVEKIT_BUDGET, note=counts_of(requests))


async def _at_length(rig: Rig, recorder: Recorder, usual: int) -> list[Reading]:
    """What calls cost more that are asked for at length."""
    readings = []
    for kb in TEXT_KB:
        recorder.record = Record()
        await one_call(rig, recorder, instructions=some_text(kb))
        own = of_call(recorder.record)
        events = [write for write in recorder.record.writes if write.item_kind in _EVENT_ROWS]
        reads = shown(sum(recorder.record.read_units.values()))
        note = f"{units_by_kind(own, of_table=True)}; of events {shown(total(events))}; read units {reads}"
        readings.append(
            at_most(f"write units more with {kb} KB of instructions", total(own) - usual, kb + 1, note=note)
        )
    return readings


async def one_call(rig: Rig, recorder: Recorder, callee: str = CALLEE, **asks: Any) -> None:
    """Places a call and returns when its webhook has come, its delivery is on record and the wire is quiet. Raises
    StackError."""
    call_id = await rig.create_call(callee, **asks)
    await until("the call's webhook", lambda: call_id in rig.heard_at, _CALL_OVER_WITHIN_S)
    record = recorder.record
    await until("the delivery's record", lambda: any(w.item_kind == _DELIVERY_ROW for w in record.writes), 10)
    await until("the wire to be quiet", lambda: time.monotonic() - record.last_at_s > _QUIET_S, 30)


async def _livekit_requests(rig: Rig) -> Counter[str]:
    return Counter((await rig.phones("GET", "/requests"))["requests"])


def _section(record: Record, batches: int, asked_of_livekit: Counter[str], ran: Counter[str]) -> Section:
    own = of_call(record)
    of_log = [write for write in record.writes if write.item_kind == _DELIVERY_ROW]
    of_events = [write for write in record.writes if write.item_kind in _EVENT_ROWS]
    table, index = sum(w.table_units for w in own), sum(w.index_units for w in own)
    refused = sum(w.was_refused for w in record.writes)
    reads = sum(count for name, count in record.requests.items() if name.split()[1] in _READS)
    scans = record.requests["DynamoDB Scan"]
    sends = sum(count for name, count in record.requests.items() if name.startswith("AmazonSQS"))
    livekit = {name.rpartition("/")[2]: count for name, count in asked_of_livekit.items()}
    return Section(
        "one answered call, counted on the wire (the second, after a warm-up)",
        (
            at_most(
                "write units, create to webhook", table + index, _WRITE_BUDGET, note=f"{refused} of the writes refused"
            ),
            Reading("  of them for the mark of its end", shown(total(of_mark(own))), "taken away once it is announced"),
            Reading("  to the table", shown(table), units_by_kind(own, of_table=True)),
            Reading("  to DueIndex", shown(index), units_by_kind(own, of_table=False)),
            Reading("write units of its events", shown(total(of_events)), "its end as it is told, and its place"),
            Reading("write units of the delivery log, after it", shown(total(of_log)), "the row of a webhook posted"),
            at_most("SQS requests", sends + 2 * batches, SQS_BUDGET, note=_sqs_words(sends, batches)),
            at_most("Scan requests", scans, 0),
            Reading("read units", shown(sum(record.read_units.values())), _reads_words(record, reads)),
            at_most("LiveKit requests", sum(livekit.values()), LIVEKIT_BUDGET, note=counts_of(livekit)),
            at_most("runs of functions", ran.total(), RUNS_BUDGET, note=_runs_words(ran)),
        ),
    )


def _runs_words(ran: Counter[str]) -> str:
    """Runs are told of functions without the word."""
    return counts_of({name.removesuffix("Function"): count for name, count in ran.items() if count})


def of_call(record: Record) -> list[Write]:
    return [write for write in record.writes if write.item_kind not in {_DELIVERY_ROW, *_EVENT_ROWS}]


def of_mark(writes: Sequence[Write]) -> list[Write]:
    """Of a call's writes those of whoever announces its end."""
    return [write for write in writes if write.function == "RelayCallChangesFunction"]


def by_function(record: Record) -> str:
    units: Counter[str] = Counter()
    for write in of_call(record):
        units[write.function.removesuffix("Function")] += write.table_units + write.index_units
    return counts_of(units)


_READS = {"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"}


def total(writes: Sequence[Write]) -> int:
    return sum(write.table_units + write.index_units for write in writes)


def units_by_kind(writes: Sequence[Write], *, of_table: bool) -> str:
    units: Counter[str] = Counter()
    for write in writes:
        units[write.item_kind] += write.table_units if of_table else write.index_units
    return counts_of(units)


def _sqs_words(sends: int, batches: int) -> str:
    return f"{sends} sent, {batches} batches received, {batches} deleted"


def _reads_words(record: Record, reads: int) -> str:
    units = {name.removesuffix("Function"): count for name, count in record.read_units.items()}
    return f"{reads} requests; units: {counts_of(units)}"
