"""Where a stack keeps what it needs, and what it may remove there."""

import asyncio
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from local.stack import lifecycle
from local.stack.lifecycle import bring_up, running_stack_beside, take_down
from local.stack.record import Stack, StackRecord
from local.stack.start import Ascent
from local.stack.wishes import Wishes, wishes_from
from local.tools import processes
from local.tools.processes import Child, StackError


def test_a_folder_of_somebody_elses_is_left_as_it_is(tmp_path: Path) -> None:
    theirs = tmp_path / "run" / "results.csv"
    theirs.parent.mkdir()
    theirs.write_text("years of work")
    with pytest.raises(StackError, match="is not a stack's"):
        take_down(tmp_path)
    assert theirs.read_text() == "years of work"
    assert [each.name for each in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_that_is_empty_or_not_there_yet_is_taken(tmp_path: Path, is_there: bool) -> None:
    state_dir = tmp_path / "state"
    if is_there:
        state_dir.mkdir()
    for _ in range(2):
        assert take_down(state_dir) is False


def test_a_process_that_cannot_be_noted_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[Child] = []

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(StackRecord, "note_child", full)
    monkeypatch.setattr(processes, "stop", stopped.append)
    child = Child("emulator", 1, 0.0, "")
    with pytest.raises(OSError, match="No space left"):
        Ascent(Wishes(state_dir=tmp_path), StackRecord(tmp_path), lambda _: None)._noted(child)
    assert stopped == [child]


def test_a_livekit_that_is_half_said_tells_how_to_have_the_sandbox() -> None:
    with pytest.raises(StackError, match="without LIVEKIT_URL it is the sandbox"):
        wishes_from({"LIVEKIT_URL": "wss://x.livekit.cloud"})


def a_stack_whose_processes_run(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> StackRecord:
    record = StackRecord(state_dir)
    state_dir.mkdir(parents=True)
    (state_dir / "stack.lock").touch()
    record.note_child(Child("emulator", 1, 0.0, ""))
    monkeypatch.setattr(Child, "is_alive", lambda _: True)
    monkeypatch.setattr(StackRecord, "stack", lambda _: cast(Stack, SimpleNamespace(base_url="", emulator_url="")))
    monkeypatch.setattr(processes, "stop", lambda child: pytest.fail(f"{child.name} was stopped"))
    monkeypatch.setattr(lifecycle, "_LOOK_EVERY_S", 0.0)
    return record


def test_a_stack_that_takes_its_time_to_answer_is_not_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = a_stack_whose_processes_run(tmp_path / "a stack", monkeypatch)
    answers = iter([False, False, True])
    monkeypatch.setattr(lifecycle, "is_healthy", lambda _: next(answers))
    with pytest.raises(StackError, match="is up already"):
        bring_up(Wishes(state_dir=record.state_dir))


def test_a_stack_that_runs_and_does_not_answer_is_not_stopped_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = a_stack_whose_processes_run(tmp_path / "a stack", monkeypatch)
    monkeypatch.setattr(lifecycle, "is_healthy", lambda _: False)
    monkeypatch.setattr(lifecycle, "_ANSWERS_WITHIN_S", 0.0)
    monkeypatch.setenv("RINGLINE_STATE_DIR", str(record.state_dir))
    with pytest.raises(StackError, match=r"does not answer: `RINGLINE_STATE_DIR='.*/a stack' make down` stops it"):
        bring_up(Wishes(state_dir=record.state_dir))


def test_who_is_interrupted_while_a_stack_comes_up_takes_it_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def comes_up(*_: object) -> Stack:
        started.set()
        time.sleep(0.2)
        told.append("up")
        return cast(Stack, None)

    def goes_down(_state_dir: Path) -> bool:
        told.append("down")
        return True

    started = threading.Event()
    monkeypatch.setattr(lifecycle, "bring_up", comes_up)
    monkeypatch.setattr(lifecycle, "take_down", goes_down)

    async def demo() -> None:
        async with running_stack_beside(Wishes(state_dir=tmp_path)):
            told.append("used")

    async def interrupted() -> None:
        running = asyncio.create_task(demo())
        await asyncio.to_thread(started.wait)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(interrupted())
    assert told == ["up", "down"]
