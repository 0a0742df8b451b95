"""What a test leaves behind: threads and processes that go on after it, and tasks that its event loop had to cancel.

Whatever a fixture of a wider scope starts is alive before the test begins, and is not the test's to stop. A process
that a test starts for all that follow it is started inside `living_on()`.
"""

import asyncio
import asyncio.runners
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

GONE_WITHIN_S = 10.0
"""How long a thread or a process that was told to stop may take over it once its test has passed, on a busy machine."""

_CHILDREN_OF_THREADS = Path("/proc/self/task")

_OF_LIBRARIES = ("TestRunner._run_tests_and_fixtures", "RequestHandler.")
"""Tasks that are nobody's here: anyio's own for the tests of a loop, and aiohttp's for a connection whose client died
in the middle of it, as some tests have it do."""

_OF_PYTHON = "multiprocessing.resource_tracker"
"""A process that Python starts with the first one of `multiprocessing` and keeps until it ends itself."""

_live_on: set[int] = set()


@dataclass(frozen=True, slots=True)
class Alive:
    """What runs at one moment, and the tasks that are cancelled from then on."""

    threads: frozenset[threading.Thread]
    processes: frozenset[int]
    cancelled: list[str] = field(default_factory=list)


@contextmanager
def noted_tasks(cancelled: list[str]) -> Iterator[None]:
    """Notes every task that is still under way when an event loop is closed. `asyncio.run` cancels those without a
    word, and so does anyio's runner, which closes its loop by the same function."""
    cancel_all = asyncio.runners._cancel_all_tasks  # type: ignore[attr-defined]  # asyncio has no public hook for it

    def note_and_cancel(loop: asyncio.AbstractEventLoop) -> None:
        names = [str(getattr(task.get_coro(), "__qualname__", task)) for task in asyncio.all_tasks(loop)]
        cancelled.extend(f"task {name}" for name in names if not name.startswith(_OF_LIBRARIES))
        cancel_all(loop)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.runners, "_cancel_all_tasks", note_and_cancel)
        yield


@contextmanager
def living_on() -> Iterator[None]:
    """Processes that are started in the block may outlive the test that started them."""
    before = _children()
    yield
    _live_on.update(_children() - before)


def alive() -> Alive:
    return Alive(frozenset(threading.enumerate()), frozenset(_children()))


def left_behind(before: Alive) -> list[str]:
    """What has come since and does not go away, each in words."""
    ends_at = time.monotonic() + GONE_WITHIN_S
    while _newcomers(before) and time.monotonic() < ends_at:
        time.sleep(0.01)
    return [*before.cancelled, *_newcomers(before)]


def _newcomers(before: Alive) -> list[str]:
    threads = [f"thread {thread.name}" for thread in threading.enumerate() if thread not in before.threads]
    pids = _children() - before.processes - _live_on
    return threads + [f"process {told}" for pid in sorted(pids) if (told := _running_process(pid)) is not None]


def _children() -> set[int]:
    """The processes that this one has started and that are its own to stop; what those start is theirs. Linux tells
    them in a fifth of a millisecond; elsewhere all processes of the machine are looked through."""
    if not _CHILDREN_OF_THREADS.is_dir():
        return {child.pid for child in psutil.Process().children()}
    pids: set[int] = set()
    for thread in _CHILDREN_OF_THREADS.iterdir():
        try:
            pids.update(map(int, (thread / "children").read_text().split()))
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread ended meanwhile
    return pids


def _running_process(pid: int) -> str | None:
    """The process in words; None if it has ended and waits for nothing but to be asked how, or is Python's own."""
    try:
        process = psutil.Process(pid)
        command = " ".join(process.cmdline())
        is_nobodys = process.status() == psutil.STATUS_ZOMBIE or _OF_PYTHON in command
        return None if is_nobodys else f"{pid}: {command}"
    except psutil.NoSuchProcess:
        return None
