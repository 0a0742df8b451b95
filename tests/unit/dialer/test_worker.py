"""The container's loop: which doorbells it hears, answers, keeps and gives back, and what it does when it has to
stop."""

import asyncio
import queue
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, cast

from botocore.exceptions import EndpointConnectionError

from dialer import worker as dialer_worker
from dialer.bells import Bell
from dialer.shared import SharedDialer
from dialer.worker import Worker
from ringline.calls.outbound.dial_next import DialNext
from ringline.runtime.logging import make_logger

LOG = make_logger("test")


class ScriptedBells:
    """Doorbells that the test rings. `was` notes what became of each."""

    def __init__(self, *accounts: str | None) -> None:
        self._waiting: queue.Queue[Bell | Exception] = queue.Queue()
        self.was: list[tuple[str, str]] = []
        for place, account in enumerate(accounts):
            self.ring(Bell(str(place), account))

    def ring(self, bell: Bell | Exception) -> None:
        self._waiting.put(bell)

    def hear(self) -> list[Bell]:
        try:
            heard = self._waiting.get(timeout=0.02)
        except queue.Empty:
            return []
        if isinstance(heard, Exception):
            raise heard
        return [heard]

    def keep(self, bells: Iterable[Bell]) -> None:
        self.was += [("kept", bell.receipt) for bell in bells]

    def give_back(self, bells: Iterable[Bell]) -> None:
        self.was += [("given back", bell.receipt) for bell in bells]

    def answered(self, bell: Bell) -> None:
        self.was.append(("answered", bell.receipt))


class ScriptedDials:
    """A dialer whose runs last until the test says so."""

    def __init__(self, fails: bool = False) -> None:
        self.begun: list[str] = []
        self.most_at_once = 0
        self.over = asyncio.Event()
        self._at_once = 0
        self._fails = fails

    async def run(self, account_id: str) -> int:
        self.begun.append(account_id)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await self.over.wait()
        self._at_once -= 1
        if self._fails:
            raise RuntimeError("the table is away")
        return 1


type Story = Callable[["Stage"], Awaitable[None]]


class Stage:
    def __init__(self, bells: ScriptedBells, dials: ScriptedDials, **options: Any) -> None:
        self.bells, self.dials, self.stopping = bells, dials, asyncio.Event()

        @asynccontextmanager
        async def opened() -> AsyncIterator[DialNext]:
            yield cast(DialNext, dials)

        self._shared = SharedDialer(opened, lambda: 0)
        self.worker = Worker(bells, self._shared, LOG, stopping=self.stopping, **options)

    async def clear(self) -> None:
        """What would end with the process."""
        self.dials.over.set()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others)
        await self._shared.close()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not is_so():  # noqa: ASYNC110 - threads change it
                await asyncio.sleep(0.005)


def play(
    story: Story, bells: ScriptedBells, *, fails: bool = False, drain_s: float = 20, **options: Any
) -> tuple[int, ScriptedDials]:
    """Runs the worker beside the story; how many runs were left when it stopped."""

    async def playing() -> tuple[int, ScriptedDials]:
        stage = Stage(bells, ScriptedDials(fails), **options)
        running = asyncio.create_task(stage.worker.run(drain_s))
        await story(stage)
        stage.worker.stop()
        left = await running
        await stage.clear()
        return left, stage.dials

    return asyncio.run(playing())


def test_doorbells_are_served_side_by_side_and_each_is_answered_when_its_calls_are_dialled() -> None:
    async def story(stage: Stage) -> None:
        await stage.until(lambda: len(stage.dials.begun) == 50)
        assert stage.bells.was == [], "not before"
        stage.dials.over.set()

    bells = ScriptedBells(*(f"acct_{each}" for each in range(50)))
    left, dials = play(story, bells)
    assert (left, dials.most_at_once) == (0, 50)
    assert sorted(bells.was) == sorted(("answered", str(each)) for each in range(50))


def test_no_more_doorbells_are_heard_than_can_be_served() -> None:
    async def story(stage: Stage) -> None:
        await stage.until(lambda: stage.dials.most_at_once >= 4)
        await asyncio.sleep(0.1)
        assert len(stage.dials.begun) <= 4 + dialer_worker.POLLERS - 1, "each poll under way may bring one more"
        stage.dials.over.set()
        await stage.until(lambda: len(stage.bells.was) == 20)

    play(story, ScriptedBells(*["acct_a"] * 20), runs_at_once=4)


def test_what_is_no_doorbell_is_answered_and_nobody_is_dialled() -> None:
    bells = ScriptedBells(None)

    async def story(stage: Stage) -> None:
        await stage.until(lambda: bool(bells.was))

    _, dials = play(story, bells)
    assert (bells.was, dials.begun) == ([("answered", "0")], [])


def test_an_account_that_could_not_be_served_is_heard_again() -> None:
    bells = ScriptedBells("acct_a")

    async def story(stage: Stage) -> None:
        await stage.until(lambda: bool(stage.dials.begun))
        stage.dials.over.set()

    left, _ = play(story, bells, fails=True)
    assert (left, bells.was) == (0, [])


def test_a_queue_that_is_away_is_asked_again(monkeypatch: Any) -> None:
    monkeypatch.setattr(dialer_worker, "_POLLED_AGAIN_AFTER_S", 0.01)
    bells = ScriptedBells()
    for _ in range(5):
        bells.ring(EndpointConnectionError(endpoint_url="http://127.0.0.1"))
    bells.ring(Bell("later", "acct_a"))

    async def story(stage: Stage) -> None:
        stage.dials.over.set()
        await stage.until(lambda: bool(bells.was))

    play(story, bells)
    assert bells.was == [("answered", "later")]


def test_a_doorbell_is_kept_hidden_while_its_dials_wait(monkeypatch: Any) -> None:
    monkeypatch.setattr(dialer_worker, "KEEP_EVERY_S", 0.02)
    bells, beats = ScriptedBells("acct_a"), list[int]()

    async def story(stage: Stage) -> None:
        await stage.until(lambda: bells.was.count(("kept", "0")) >= 3)
        stage.dials.over.set()
        await stage.until(lambda: ("answered", "0") in bells.was)
        after = len(bells.was)
        await stage.until(lambda: len(beats) > after + 3)
        assert bells.was[-1] in {("answered", "0"), ("kept", "0")} and len(bells.was) <= after + 1

    play(story, bells, told_alive=lambda: beats.append(1))


def test_told_to_stop_it_hears_nothing_more_and_waits_for_the_dials_under_way() -> None:
    bells = ScriptedBells("acct_a")

    async def story(stage: Stage) -> None:
        await stage.until(lambda: stage.dials.begun == ["acct_a"])
        stage.worker.stop()
        bells.ring(Bell("late", "acct_b"))
        await asyncio.sleep(0.1)
        assert ("answered", "0") not in bells.was
        stage.dials.over.set()

    left, dials = play(story, bells)
    assert (left, dials.begun) == (0, ["acct_a"])
    assert ("answered", "0") in bells.was
    assert ("answered", "late") not in bells.was, "it was given back, or nobody heard it"


def test_a_doorbell_that_a_poll_under_way_brings_is_given_back_for_another_dialer() -> None:
    class OneThatComesLate(ScriptedBells):
        stopping: asyncio.Event | None = None

        def hear(self) -> list[Bell]:
            while self.stopping is None or not self.stopping.is_set():
                time.sleep(0.001)
            return super().hear()

    bells = OneThatComesLate("acct_late")

    async def story(stage: Stage) -> None:
        bells.stopping = stage.stopping
        await asyncio.sleep(0.05)

    _, dials = play(story, bells)
    assert (bells.was, dials.begun) == ([("given back", "0")], [])


def test_what_is_not_over_in_time_is_left_over() -> None:
    async def story(stage: Stage) -> None:
        await stage.until(lambda: len(stage.dials.begun) == 2)

    left, _ = play(story, ScriptedBells("acct_a", "acct_b"), drain_s=0.05)
    assert left == 2
