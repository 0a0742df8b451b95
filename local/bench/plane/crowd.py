"""Many runners in one process and one event loop, whose brain says back at once, in one piece, what it hears.

    python -m local.bench.plane.crowd <agent id> <runners> <places of each>

It takes the SDK's own variables, and ends with a signal.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator

from unpod import AgentRunner
from unpod.connectivity.call_context import CallContext

from examples.echo_runner import Echo


class AtOnce(Echo):
    """The least that a brain can do: no time of its own is in what is measured."""

    async def turn(self, text: str, context: dict[str, object] | None = None) -> str:
        return text

    async def stream(
        self, text: str, context: dict[str, object] | None = None, language: str | None = None
    ) -> AsyncIterator[str]:
        yield text


async def answer(ctx: CallContext) -> None:
    """One call, to its end."""
    ctx.session.dialog_machine = AtOnce()
    await ctx.session.run()


async def _run(agent_id: str, runners: int, places: int) -> None:
    async with asyncio.TaskGroup() as together:
        for _ in range(runners):
            together.create_task(AgentRunner(answer, agent_id=agent_id, max_concurrent_calls=places).run())


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(_run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
