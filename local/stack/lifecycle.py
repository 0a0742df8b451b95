"""The one-machine stack, started and stopped as a whole: emulator, functions, phone network (or a real LiveKit server)
and front door. Tests, benches and the demo use `running_stack`."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from local.aws import emulator
from local.stack.record import Stack, StackRecord
from local.stack.start import Ascent
from local.stack.wishes import Wishes
from local.tools import processes
from local.tools.loopback import ask
from local.tools.places import naming
from local.tools.processes import StackError

_ANSWERS_WITHIN_S = 20.0
"""On a busy machine a stack that is whole may take so long to say so."""
_LOOK_EVERY_S = 0.5


def bring_up(wishes: Wishes, tell: Callable[[str], None] = lambda _line: None) -> Stack:
    """Starts everything and returns when the first call can be made. If anything fails, nothing is left running.
    Raises StackError; also if a stack is up already in this state folder."""
    record = StackRecord(wishes.state_dir)
    with record.held():
        if standing(record):
            raise StackError(f"a stack is up already in {wishes.state_dir}: {_down_of(record)} stops it")
        _stop_all(record)
        try:
            return Ascent(wishes, record, tell).climb()
        except BaseException:
            _stop_all(record)
            raise


def _down_of(record: StackRecord) -> str:
    return f"`{naming(record.state_dir)}make down`"


def standing(record: StackRecord) -> Stack | None:
    """The stack that is up; None where none is, or a part of it has ended. Raises StackError for one whose processes
    all run and which does not answer: it may have calls under way, so whoever wants another stops it first."""
    ends_at = time.monotonic() + _ANSWERS_WITHIN_S
    while _runs(record):
        if is_healthy(record):
            return record.stack()
        if time.monotonic() >= ends_at:
            raise StackError(
                f"the stack in {record.state_dir} runs and does not answer: {_down_of(record)} stops it, "
                f"and its logs are in {record.log_dir}"
            )
        time.sleep(_LOOK_EVERY_S)
    return None


def take_down(state_dir: Path) -> bool:
    """Stops every process of the stack, also what a crash has left. Returns whether there was anything to stop."""
    record = StackRecord(state_dir)
    with record.held():
        return _stop_all(record)


def _stop_all(record: StackRecord) -> bool:
    children = record.children()
    for child in reversed(children):
        processes.stop(child)
    record.forget()
    shutil.rmtree(record.run_dir, ignore_errors=True)
    return bool(children)


def is_healthy(record: StackRecord) -> bool:
    """Whether all of a stack is there: its processes run, its front door and its emulator answer."""
    stack = record.stack()
    if stack is None or not _runs(record):
        return False
    return ask("GET", f"{stack.base_url}/healthz") == 200 and emulator.answers(stack.emulator_url)


def _runs(record: StackRecord) -> bool:
    """Whether a stack came up whole, and each of its processes runs."""
    children = record.children()
    return record.stack() is not None and bool(children) and all(child.is_alive() for child in children)


@contextmanager
def running_stack(wishes: Wishes, tell: Callable[[str], None] = lambda _line: None) -> Iterator[Stack]:
    """A stack for the time of a `with`: brought up before, taken down after, whatever happens."""
    stack = bring_up(wishes, tell)
    try:
        yield stack
    finally:
        take_down(wishes.state_dir)


@asynccontextmanager
async def running_stack_beside(
    wishes: Wishes, tell: Callable[[str], None] = lambda _line: None
) -> AsyncIterator[Stack]:
    """The same for who has an event loop. Who is interrupted while the stack comes up waits until it has: it comes up
    in a thread, which nothing else ends, and is then taken down."""
    coming = asyncio.create_task(asyncio.to_thread(bring_up, wishes, tell))
    try:
        yield await asyncio.shield(coming)
    finally:
        await asyncio.wait([coming])
        # What failed on its way has left nothing.
        if coming.exception() is None:
            await asyncio.to_thread(take_down, wishes.state_dir)
