"""A runner that dies in its first conversation, as one does whose machine loses its power: nobody is told.

    python -m local.trips.mortal_runner <agent id>

It takes the SDK's own variables. A call that another one has lost it takes to its end.
"""

import itertools
import os
import signal
import sys

from unpod import AgentRunner
from unpod.connectivity.call_context import CallContext

from examples.echo_runner import Echo


async def answer(ctx: CallContext) -> None:
    """Answers once, and dies when it is spoken to again."""
    turns = itertools.count(1)

    @ctx.session.on("user_turn")
    async def die(_text: str) -> None:
        if next(turns) > 1 and not ctx.data.get("resumed"):
            os.kill(os.getpid(), signal.SIGKILL)

    ctx.session.dialog_machine = Echo()
    await ctx.session.run()


if __name__ == "__main__":
    AgentRunner(answer, agent_id=sys.argv[1]).start()
