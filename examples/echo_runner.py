"""An agent of your own in ten lines: it takes the calls of an agent id and says back what it hears.

    export UNPOD_BASE_URL=http://127.0.0.1:8787 UNPOD_PLATFORM_TOKEN=<key> UNPOD_ORG_HANDLE=<organisation>
    python -m examples.echo_runner concierge

`make up` prints the first line as it must be for its stack. Put a language model in the place of `Echo`: the SDK brings
adapters for some.
"""

import logging
import sys
from collections.abc import AsyncIterator

from unpod import AgentRunner
from unpod.connectivity.call_context import CallContext

from examples.attach_end_reason import attach_end_reason


class Echo:
    """Says back what it hears, word by word: the whole of what the SDK 0.5.0 asks of a dialog adapter."""

    async def turn(self, text: str, context: dict[str, object] | None = None) -> str:
        return f"You said: {text}"

    async def stream(
        self, text: str, context: dict[str, object] | None = None, language: str | None = None
    ) -> AsyncIterator[str]:
        for word in (await self.turn(text)).split():
            yield f"{word} "

    def assist(self, text: str) -> None:
        """The SDK's hints to a language model, which this is not."""


async def answer(ctx: CallContext) -> None:
    """One call, from its first word to its end."""
    attach_end_reason(ctx)

    @ctx.session.on("user_turn")
    async def heard(text: str) -> None:
        print(f"{ctx.call_id}  {ctx.user_number}: {text}", flush=True)

    @ctx.session.on("call_end")
    async def ended(outcome: str) -> None:
        print(f"{ctx.call_id}  over: {ctx.session.data.get('end_reason', outcome)}", flush=True)

    ctx.session.dialog_machine = Echo()
    if not ctx.data.get("resumed"):
        await ctx.session.say("Hello, this is an echo.")
    await ctx.session.run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    AgentRunner(answer, agent_id=sys.argv[1] if len(sys.argv) > 1 else "concierge").start()
