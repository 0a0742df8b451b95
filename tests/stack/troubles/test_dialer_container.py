"""The dialer's container is struck while phones ring: killed, or told to stop. No phone rings twice and no call is
lost: the next container, and the sweep, go on from what the table says."""

import asyncio
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.aws import build
from local.aws.deploy import client
from local.stack import dialer
from local.stack.lifecycle import running_stack
from local.stack.record import Stack, StackRecord
from local.stack.wishes import CONTAINER, Wishes
from local.tools.processes import Child
from tests.stack.callers import eventually, phones
from tests.stack.troubles.troubled_calls import (
    SWEPT_WITHIN_S,
    Ending,
    TroubledCall,
    TroubledCalls,
    right_ending,
    troubled_calls,
)

_RINGS_LONG = {"rings_after_s": 0.2, "answers_after_s": 5.0, "hangs_up_after_s": None}
_RINGS_OUT = {"rings_after_s": 0.2, "answers_after_s": None}
_ANSWERS = {"rings_after_s": 0.2, "answers_after_s": 3.0, "hangs_up_after_s": 1.0}
_QUICK = {"rings_after_s": 0.1, "answers_after_s": 0.3, "hangs_up_after_s": 0.5}
_BRIEFLY = {"ring_timeout_s": 8}
_HUNG_UP = right_ending("completed", "USER_HUNG_UP_IN_CALL")
_NOT_PICKED_UP = right_ending("failed", "USER_DID_NOT_PICK_UP")

_KILLED = "killed, then the phone answers"
_KILLED_RINGS_OUT = "killed, then the phone rings out"
_STOPPED = "told to stop while the phone rings"
_AFTER_THE_KILL = "created while no dialer was there, after the kill"
_AFTER_THE_STOP = "created while the dialer was stopping"
ENDINGS = {
    _KILLED: _HUNG_UP,
    _KILLED_RINGS_OUT: _NOT_PICKED_UP,
    _STOPPED: _HUNG_UP,
    _AFTER_THE_KILL: _HUNG_UP,
    _AFTER_THE_STOP: _HUNG_UP,
}


class Dialers:
    """The containers of a stack, one at a time."""

    def __init__(self, stack: Stack, record: StackRecord) -> None:
        self._record = record
        self._variables = dialer.variables_of(
            stack.functions["DialNextFunction"], stack.emulator_url, build.build_all()
        )
        self.exit_codes: list[int] = []

    def strike(self, number: signal.Signals) -> psutil.Process:
        """Signals the one that runs, and no process of anybody else's."""
        process = psutil.Process(self._running().pid)
        process.send_signal(number)
        return process

    def ended(self, process: psutil.Process) -> None:
        self.exit_codes.append(process.wait(timeout=60))

    def start(self) -> None:
        child = dialer.start(self._variables, self._record.log_dir, f"dialer-{len(self.exit_codes)}")
        self._record.note_child(child)
        dialer.await_ready(child)

    def _running(self) -> Child:
        (running,) = (each for each in self._record.children() if each.name.startswith("dialer") and each.is_alive())
        return running


@pytest.fixture(scope="module")
def endings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mapping[str, Ending], list[int]]]:
    """How each call ended, and with which codes the containers did, in the order in which they were struck."""
    state_dir: Path = tmp_path_factory.mktemp("container")
    with running_stack(Wishes(state_dir=state_dir, port=0, cap=2, dialer=CONTAINER)) as stack:
        assert _states_of_doorbell_mappings(stack) == ["Disabled"], "only the container hears doorbells"
        dialers = Dialers(stack, StackRecord(state_dir))
        yield asyncio.run(_live_through(stack, dialers)), dialers.exit_codes


def _states_of_doorbell_mappings(stack: Stack) -> list[str]:
    mappings = client("lambda", stack.emulator_url).list_event_source_mappings(
        FunctionName=stack.functions["DialNextFunction"]
    )
    return [mapping["State"] for mapping in mappings["EventSourceMappings"]]


async def _live_through(stack: Stack, dialers: Dialers) -> Mapping[str, Ending]:
    async with troubled_calls(stack) as calls:
        placed: dict[str, TroubledCall] = {}
        for name, does in ((_KILLED, _RINGS_LONG), (_KILLED_RINGS_OUT, _RINGS_OUT)):
            placed[name] = await _ringing(calls, does, **_BRIEFLY)
        dialers.ended(dialers.strike(signal.SIGKILL))
        placed[_AFTER_THE_KILL] = await calls.place(_QUICK)
        await asyncio.to_thread(dialers.start)
        # Both lines are held until the sweep has found out what became of the two that were struck.
        await placed[_AFTER_THE_KILL].hears("call_end", within_s=SWEPT_WITHIN_S)

        placed[_STOPPED] = await _ringing(calls, _ANSWERS)
        stopping = dialers.strike(signal.SIGTERM)
        placed[_AFTER_THE_STOP] = await calls.place(_QUICK)
        await asyncio.to_thread(dialers.ended, stopping)
        assert (await placed[_STOPPED].phone())["answered_at"] is not None, "it waited for the answer"
        assert placed[_AFTER_THE_STOP].record().attempt == 0, "and claimed nothing more"
        await asyncio.to_thread(dialers.start)

        await placed[_KILLED].hears("call_active", within_s=SWEPT_WITHIN_S)
        await phones(stack, "POST", f"calls/{(await placed[_KILLED].phone())['id']}/hangup")
        for call in placed.values():
            await call.hears("call_end", within_s=SWEPT_WITHIN_S)
        await calls.come_to_rest()
        return {name: await call.ending() for name, call in placed.items()}


async def _ringing(calls: TroubledCalls, does: Mapping[str, Any], **asks: Any) -> TroubledCall:
    call = await calls.place(does, **asks)
    await eventually(call.rings)
    return call


@pytest.mark.parametrize("name", ENDINGS)
def test_a_call_whose_dialer_was_struck_rings_once_and_ends_as_it_really_did(
    endings: tuple[Mapping[str, Ending], list[int]], name: str
) -> None:
    assert endings[0][name] == ENDINGS[name]


def test_a_container_that_was_told_to_stop_says_that_nothing_was_left_undone(
    endings: tuple[Mapping[str, Ending], list[int]],
) -> None:
    killed, stopped = endings[1]
    assert (killed, stopped) == (-signal.SIGKILL, 0)
