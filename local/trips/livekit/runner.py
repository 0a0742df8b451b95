"""The agent of the trip: an official AgentRunner that does what the number at the other end is there to show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from unpod.connectivity.call_context import CallContext

from examples.attach_end_reason import attach_end_reason
from examples.echo_runner import Echo

ELSEWHERE = "+15550100777"
"""Whom calls are handed over to."""

type Deed = Literal["talks", "ends", "transfers"]


@dataclass(slots=True)
class TripAgent:
    """`told` is what the runner learned of each call: what was said to it, and why the call ended."""

    deeds: Mapping[str, Deed]
    heard: dict[str, list[str]] = field(default_factory=dict)
    ended: dict[str, Any] = field(default_factory=dict)
    transfers: dict[str, Any] = field(default_factory=dict)

    async def answer(self, ctx: CallContext) -> None:
        attach_end_reason(ctx)
        heard = self.heard.setdefault(ctx.call_id, [])
        deed = self.deeds.get(ctx.user_number or "", "talks")

        @ctx.session.on("user_turn")
        async def keep(text: str) -> None:
            heard.append(text)
            if deed == "transfers" and len(heard) == 1:
                await ctx.session.transfer(ELSEWHERE)

        @ctx.session.on("state")
        async def state(event: Any) -> None:
            told = event.model_extra or {}
            if "transfer_result" in told:
                self.transfers[ctx.call_id] = told["transfer_result"]

        @ctx.session.on("call_end")
        async def over(outcome: str) -> None:
            self.ended[ctx.call_id] = ctx.session.data.get("end_reason", outcome)

        ctx.session.dialog_machine = Echo()
        if not ctx.data.get("resumed"):
            await ctx.session.say("Hello, this is the agent.")
        if deed == "ends":
            await ctx.session.say("That was all. Good bye.")
            await ctx.session.end("done")
        await ctx.session.run()
