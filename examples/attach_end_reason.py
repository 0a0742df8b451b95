"""`ctx.session.data["end_reason"]` for agents on the `unpod` SDK 0.5.0, which leaves it empty.

Copy this function into your agent and call it first in the entrypoint:

    async def entrypoint(ctx):
        attach_end_reason(ctx)

        @ctx.session.on("call_end")
        async def on_end(final_state):
            reason = ctx.session.data.get("end_reason")
            ...
        await ctx.session.run()

Before the bridge of a call closes, Ringline sends a last `state` frame that says why the call ended. The SDK gives it
to the `state` hook, before `call_end`. Only where a dialog adapter has said `is_complete` the SDK stops listening
before the call is over, and `end_reason` stays empty.
"""

from unpod._protocol import StateEvent
from unpod.connectivity.call_context import CallContext


def attach_end_reason(ctx: CallContext) -> None:
    """Keeps `end_reason` and `status` of the last `state` frame in `ctx.session.data`."""

    @ctx.session.on("state")
    async def keep_end_reason(event: StateEvent) -> None:
        told = event.model_extra or {}
        ctx.session.data.update({name: told[name] for name in ("end_reason", "status") if name in told})
