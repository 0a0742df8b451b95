"""Ours, on the same calls: the one-machine stack with the dialer's container, and the phone network's ledger. There is
one container: all dials under way are those of the one that is killed."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from local.aws import build
from local.aws.deploy import client
from local.bench.peers.calls.trace import CAP, RESTARTED_AFTER_S, STRUCK_AT_CALL, Dialled, Outcome, TracedCall, tally
from local.bench.rig import SILENT_AGENT, Rig, call_of
from local.stack import dialer
from local.stack.lifecycle import running_stack
from local.stack.record import Stack, StackRecord
from local.stack.wishes import CONTAINER, Wishes
from local.tools import processes
from local.tools.places import LOCAL
from local.tools.processes import StackError
from ringline.calls.tables.store import CallStore

_OVER_WITHIN_S = 240.0
_LOOK_EVERY_S = 0.1
_QUICKLY = {"rings_after_s": 0.05, "answers_after_s": 0.1} | SILENT_AGENT
_SHORT_RING_S = 5
"""What a dial without an answer is given: the shortest that the API takes, as everything here is short."""


def run(calls: Sequence[TracedCall], *, killed: bool) -> Outcome:
    """Raises StackError if a call does not come to its end."""
    wishes = Wishes(state_dir=LOCAL / "bench", port=0, cap=CAP, dialer=CONTAINER)
    with running_stack(wishes) as stack:
        return asyncio.run(_run(stack, StackRecord(wishes.state_dir), calls, killed=killed))


async def _run(stack: Stack, record: StackRecord, calls: Sequence[TracedCall], *, killed: bool) -> Outcome:
    store = CallStore(client("dynamodb", stack.emulator_url), stack.table_name)
    async with aiohttp.ClientSession() as web:
        rig = Rig(stack, web)
        numbers = {call.call_id: f"+1555010{8000 + place}" for place, call in enumerate(calls)}
        for call in calls:
            await rig.phones("PUT", f"/numbers/{numbers[call.call_id]}", _QUICKLY | {"hangs_up_after_s": call.lasts_s})
        began_at = time.time()
        striking = asyncio.create_task(_strike(rig, record)) if killed else None
        ids: dict[str, str] = {}
        for call in calls:
            await asyncio.sleep(max(0.0, began_at + call.at_s - time.time()))
            accepted = await rig.create_call(numbers[call.call_id], ring_timeout_s=_SHORT_RING_S)
            ids[accepted] = call.call_id
        if striking is not None:
            await striking
        ends = await _ends(rig, list(ids))
        over_s = time.time() - began_at
        phone_calls = await rig.phones("GET", "/calls")
        in_use = (await asyncio.to_thread(store.gate, stack.account_id)).in_use
    told = tally(calls, began_at, _dialled(phone_calls, ids))
    unanswered = sum(status == "failed" for status in ends.values())
    note = f"; {unanswered} ended unanswered and told of, all over after {over_s:.0f} s" if killed else ""
    return Outcome(told, in_use, note)


def _dialled(phone_calls: Sequence[Mapping[str, Any]], ids: Mapping[str, str]) -> list[Dialled]:
    """A line is taken when the call's room is made: its agent comes before its phone rings."""
    return [
        Dialled(ids[call_of(dict(call))], float(call["room_made_at"]), float(call["ended_at"]))
        for call in phone_calls
        if call["invited_at"] is not None and call["ended_at"] is not None and call_of(dict(call)) in ids
    ]


async def _strike(rig: Rig, record: StackRecord) -> None:
    """Kills the container when the eighth call is dialled, and starts another one."""
    while len(await rig.phones("GET", "/calls")) < STRUCK_AT_CALL:  # noqa: ASYNC110 - told over HTTP
        await asyncio.sleep(_LOOK_EVERY_S)
    (running,) = [child for child in record.children() if child.name == dialer.NAME]
    processes.kill(running)
    await asyncio.sleep(RESTARTED_AFTER_S)
    built = await asyncio.to_thread(build.build_all)
    variables = dialer.variables_of(rig.stack.functions["DialNextFunction"], rig.stack.emulator_url, built)
    again = dialer.start(variables, record.log_dir, f"{dialer.NAME}-again")
    record.note_child(again)
    await asyncio.to_thread(dialer.await_ready, again)


async def _ends(rig: Rig, call_ids: Sequence[str]) -> dict[str, str]:
    """The status of each call, when all are over. Raises StackError."""
    deadline, ends = time.monotonic() + _OVER_WITHIN_S, dict[str, str]()
    while len(ends) < len(call_ids):
        if time.monotonic() > deadline:
            raise StackError(f"{len(call_ids) - len(ends)} calls are not over after {_OVER_WITHIN_S:.0f} s")
        for call_id in call_ids:
            if call_id not in ends:
                shown = await rig.api("GET", f"/v1/calls/{call_id}", None)
                if shown["status"] in {"completed", "failed"}:
                    ends[call_id] = shown["status"]
        await asyncio.sleep(_LOOK_EVERY_S)
    return ends
