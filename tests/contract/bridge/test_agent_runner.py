"""The official AgentRunner takes calls over the bridge, unchanged."""

import asyncio
from typing import Any

import pytest
from unpod.connectivity.call_context import CallContext

from tests.contract.bridge.rig import CALL, Echo, a_call_with

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_three_turns_and_the_reason_of_the_end_is_seen() -> None:
    seen: list[Any] = []

    async def entrypoint(ctx: CallContext) -> None:
        @ctx.session.on("state")
        async def keep(event: Any) -> None:
            seen.append(event.model_extra)

        seen.append(ctx)
        ctx.session.dialog_machine = Echo()
        await ctx.session.run()

    async with a_call_with(entrypoint) as rig:
        await rig.driver.ready.wait()
        rig.driver.answered()
        for text in ("one", "two", "three"):
            rig.driver.user_said(text)
            await rig.telephone.hears(f"you said {text}")
        rig.driver.over("USER_HUNG_UP_IN_CALL", "completed")
        done = await rig.over()
        assert done.end_reason == "USER_HUNG_UP_IN_CALL"
        while len(seen) < 2 or "end_reason" not in (seen[-1] or {}):
            await asyncio.sleep(0.005)
    context = seen[0]
    assert (context.call_id, context.user_number, context.direction) == (CALL, "+15550100", "outbound")
    assert seen[-1] == {"end_reason": "USER_HUNG_UP_IN_CALL", "status": "completed", "call_id": CALL}
    assert [event["type"] for event in rig.control.reports] == ["ready", "user_spoke", "transcript"]
