"""The runners behind the sandbox's numbers that are called through one: they answer, refuse, die and are missing."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from unpod import AgentRunner
from unpod.connectivity.call_context import CallContext

from examples.echo_runner import Echo
from local.phones.numbers.sandbox_number import Wish
from local.stack.record import Stack
from local.stack.seed import add_runner_agent
from local.trips.runners import a_runner, runner_process, running, until_runners

_OF_THEIR_OWN = (Wish.RUNNER_REFUSES, Wish.RUNNER_DIES, Wish.NO_RUNNER)
_MORTALS = 2


class RefusingRunner(AgentRunner):
    """It registers with places, and has none when it is asked."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.refused = asyncio.Event()

    async def _handle_assign(self, ws: Any, assign: Any) -> None:
        self._max_concurrent = 0
        await super()._handle_assign(ws, assign)
        self.refused.set()


async def echo(ctx: CallContext) -> None:
    """An agent that says back what it hears."""
    ctx.session.dialog_machine = Echo()
    await ctx.session.run()


@asynccontextmanager
async def runners_of_the_book(stack: Stack) -> AsyncIterator[Mapping[Wish, str]]:
    """The pipe for each wish that is about a runner. Their runners are there for the time of the `with`."""
    pipes = {wish: _pipe(stack, wish) for wish in _OF_THEIR_OWN}
    async with AsyncExitStack() as all_of_them:
        await all_of_them.enter_async_context(running(stack, a_runner(stack, stack.runner_agent_id, echo)))
        await all_of_them.enter_async_context(_one_that_refuses_and_another(stack, _agent_id(Wish.RUNNER_REFUSES)))
        for turn in range(_MORTALS):
            command = ["-m", "local.trips.mortal_runner", _agent_id(Wish.RUNNER_DIES)]
            all_of_them.enter_context(runner_process(stack, f"mortal-{turn}", command, Path(stack.log_dir)))
        await until_runners(stack, _agent_id(Wish.RUNNER_DIES), _MORTALS)
        yield {**pipes, Wish.RUNNER: stack.runner_pipe_id}


@asynccontextmanager
async def _one_that_refuses_and_another(stack: Stack, agent_id: str) -> AsyncIterator[None]:
    """The other comes when the first has refused: so it is the first that is asked first."""
    refusing = RefusingRunner(
        echo,
        agent_id=agent_id,
        platform_token=stack.api_key,
        org_handle=stack.org_handle,
        base_url=stack.base_url.replace("http", "ws", 1),
    )

    async def come_after_the_refusal() -> None:
        await refusing.refused.wait()
        await a_runner(stack, agent_id, echo).run()

    async with running(stack, refusing):
        coming = asyncio.create_task(come_after_the_refusal())
        try:
            yield
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


def _pipe(stack: Stack, wish: Wish) -> str:
    return add_runner_agent(stack.table_name, stack.emulator_url, stack.account_id, _agent_id(wish), stack.from_number)


def _agent_id(wish: Wish) -> str:
    return wish.value.replace("_", "-")
