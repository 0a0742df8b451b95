"""A process of the simulation: its event loop does what asyncio's would. No world runs here."""

import asyncio

import pytest

from simulation.kernel.chance import Chance, Faults
from simulation.kernel.processes import Process
from simulation.kernel.world import START, World
from simulation.plan.mortality import MORTALITY


def ended(_process: Process, _well: bool) -> None: ...


@pytest.fixture
def world() -> World:
    chance = Chance(1)
    return World(chance, Faults(chance, 0, None), MORTALITY)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize(("cancelled_after_ms", "expected"), [(0, []), (5, ["begun", "done"])])
def test_a_wait_for_a_thread_that_is_cancelled_fails_nobody(
    world: World, cancelled_after_ms: int, expected: list[str], fails: bool
) -> None:
    did: list[str] = []
    futures: list[asyncio.Future[None]] = []

    def in_a_thread() -> None:
        did.append("begun")
        world.pass_time(10)
        did.append("done")
        if fails:
            raise RuntimeError("after it was cancelled")

    def cancel() -> None:
        futures[0].cancel()

    async def work() -> bool:
        futures.append(asyncio.get_running_loop().run_in_executor(None, in_a_thread))
        if cancelled_after_ms:
            world.after(cancelled_after_ms, cancel)
        else:
            cancel()
        await asyncio.sleep(1)
        return True

    world.spawn("hook", "site", work, ended)
    world.run(START + 2_000)
    assert (did, futures[0].cancelled(), world.living) == (expected, True, set())
