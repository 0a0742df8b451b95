"""How much another account's first call is held up by an account with ten thousand calls waiting.

The stack's account has both its lines held by conversations and the rest of its calls in the queue. Again and again a
fresh account makes its first call, and the phone network's ledger says when its INVITE came: first with nobody waiting,
then beside ten thousand calls at a full gate, then while these go out, one as soon as another ends.
"""

import asyncio
import copy
import itertools
import time
from copy import replace
from typing import Any

from local.aws import deploy
from local.bench.handoff import answered
from local.bench.report import Reading, Section, at_most, percentile, shown
from local.bench.rig import CAP, SILENT_AGENT, Noise, Rig
from local.stack.record import Stack
from local.stack.seed import seed
from local.tools.processes import StackError
from ringline.runtime.ids import new_id
from ringline.runtime.items import to_item
from ringline.runtime.table import calls_pk, queue_pk

WAITING = 10_000
_SAMPLES = 30
_BUDGET_MS = 1000

_HOLDER = "+15550100201"  # answers and never hangs up
_WAITING_CALLEE = "+15550100778"
_WAITING_MANNERS = {"rings_after_s": 0.1, "answers_after_s": 0.3, "hangs_up_after_s": 0.5} | SILENT_AGENT
_FIRST_CALLEE = "+15550100779"
_IS_BUSY = {"rings_after_s": None, "refusal": 486}
_INVITED_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.005
_ITEMS_A_BATCH = 24  # DynamoDB takes 25; a call and its place in the queue go together


async def measure(rig: Rig) -> Section:
    """Raises StackError if a first call is never dialled, or the waiting calls are not there."""
    await rig.phones("PUT", f"/numbers/{_FIRST_CALLEE}", _IS_BUSY)
    await rig.phones("PUT", f"/numbers/{_WAITING_CALLEE}", _WAITING_MANNERS)
    await rig.phones("DELETE", "/calls")
    for _ in range(CAP):
        await rig.create_call(_HOLDER)
    holders = await answered(rig)
    await _first_calls(rig, 3)  # these start the functions' processes
    noise = Noise()
    alone_ms = await _first_calls(rig, _SAMPLES)
    waiting = await rig.create_call(_WAITING_CALLEE)
    await asyncio.to_thread(queue_up, rig.stack, rig.stack.account_id, waiting, WAITING - 1)
    await _first_calls(rig, 3)  # meanwhile the stream tells of the ten thousand
    beside_ms = await _first_calls(rig, _SAMPLES)
    if (still := await asyncio.to_thread(count_waiting, rig.stack, rig.stack.account_id)) != WAITING:
        raise StackError(f"{still} calls were waiting, not {WAITING}")
    for holder in holders:
        await rig.phones("POST", f"/calls/{holder}/hangup")
    await _first_calls(rig, 3)
    meanwhile_ms = await _first_calls(rig, _SAMPLES)
    gone = WAITING - await asyncio.to_thread(count_waiting, rig.stack, rig.stack.account_id)
    if not 0 < gone < WAITING:
        raise StackError(f"{gone} of {WAITING} calls went out meanwhile")
    return _section(alone_ms, beside_ms, meanwhile_ms, noise.words())


async def _first_calls(rig: Rig, samples: int) -> list[float]:
    """How long so many fresh accounts' first calls took from the request to the INVITE, one after the other: in ms,
    sorted."""
    return sorted([await _first_call_ms(rig) for _ in range(samples)])


async def _first_call_ms(rig: Rig) -> float:
    made = await asyncio.to_thread(seed, rig.stack.table_name, rig.stack.emulator_url, CAP)
    theirs = replace(rig, stack=replace(rig.stack, api_key=str(made["api_key"]), pipe_id=str(made["pipe_id"])))
    asked_at = time.time()
    call_id = await theirs.create_call(_FIRST_CALLEE)
    return 1000 * (await _invited_at(rig, f"{made['account_id']}.{call_id}.1") - asked_at)


async def _invited_at(rig: Rig, room: str) -> float:
    deadline = time.monotonic() + _INVITED_WITHIN_S
    while time.monotonic() < deadline:
        if (calls := await rig.phones("GET", "/calls", room=room)) and calls[0]["invited_at"] is not None:
            return float(calls[0]["invited_at"])
        await asyncio.sleep(_LOOK_EVERY_S)
    raise StackError(f"{room} was not dialled within {_INVITED_WITHIN_S:.0f} s")


def queue_up(stack: Stack, account_id: str, call_id: str, copies: int) -> None:
    """Puts copies of a waiting call behind it: each a call of its own, as if it had been created in the same
    millisecond."""
    dynamodb = deploy.client("dynamodb", stack.emulator_url)
    call = _one(dynamodb, stack.table_name, calls_pk(account_id), call_id)
    place = _one(dynamodb, stack.table_name, queue_pk(account_id), call_id)
    for some in itertools.batched(range(copies), _ITEMS_A_BATCH // 2, strict=False):
        puts = []
        for copy_id in (new_id("call") for _ in some):
            for item in (call, place):
                another = copy.deepcopy(item)
                another["sk"]["S"] = item["sk"]["S"].replace(call_id, copy_id)
                puts.append({"PutRequest": {"Item": another}})
        answer = dynamodb.batch_write_item(RequestItems={stack.table_name: puts})
        assert not answer.get("UnprocessedItems"), "the emulator takes every item of a batch"


def _one(dynamodb: Any, table_name: str, pk: str, call_id: str) -> Any:
    """The item of a call under a partition key: the call itself, or its place in the queue."""
    answer = dynamodb.query(
        TableName=table_name, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=to_item({":pk": pk})
    )
    (item,) = (item for item in answer["Items"] if item["sk"]["S"].endswith(call_id))
    return item


def count_waiting(stack: Stack, account_id: str) -> int:
    """How many calls of an account are in the queue."""
    pages = deploy.client("dynamodb", stack.emulator_url).get_paginator("query")
    pk = to_item({":pk": queue_pk(account_id)})
    return sum(
        page["Count"]
        for page in pages.paginate(
            TableName=stack.table_name,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=pk,
            Select="COUNT",
        )
    )


def _section(alone_ms: list[float], beside_ms: list[float], meanwhile_ms: list[float], noise: str) -> Section:
    usual_ms = percentile(alone_ms, 50)
    return Section(
        f"first call of another account, request to INVITE: {_SAMPLES} accounts each",
        (
            _median("with nobody waiting, p50", alone_ms),
            _median(f"beside {WAITING} waiting calls, p50", beside_ms),
            _delay("delay of the median", percentile(beside_ms, 50) - usual_ms),
            _delay("delay of the slowest", beside_ms[-1] - usual_ms, "against the median with nobody waiting"),
            _median(f"while {WAITING} go out, p50", meanwhile_ms),
            _delay("delay of the median", percentile(meanwhile_ms, 50) - usual_ms),
            _delay("delay of the slowest", meanwhile_ms[-1] - usual_ms, "against the median with nobody waiting"),
            Reading("noise meanwhile", "", noise),
        ),
    )


def _median(what: str, sorted_ms: list[float]) -> Reading:
    spread = f"least {shown(sorted_ms[0], ' ms')}, most {shown(sorted_ms[-1], ' ms')}"
    return Reading(what, shown(percentile(sorted_ms, 50), " ms"), spread)


def _delay(what: str, delay_ms: float, note: str = "") -> Reading:
    return at_most(f"  {what}", delay_ms, _BUDGET_MS, " ms", note)
