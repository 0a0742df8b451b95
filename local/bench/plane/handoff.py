"""How soon a freed line has the next call's runner: from the end of one call to the handshake of the next one's bridge.

As in the hand-offs of other agents, two calls hold both lines while others wait, and the queue drains by hand-offs
alone. The phones' ledger says when a line was free and when the next agent was dispatched; the runner, on the official
SDK, notes when its entrypoint begins, which is after its bridge's handshake.
"""

import time
from copy import replace

from unpod.connectivity.call_context import CallContext

from local.bench.handoff import Drained, answered, read_ledger
from local.bench.plane.crowd import AtOnce
from local.bench.report import Reading, Section, percentile, shown
from local.bench.rig import CAP, Noise, Rig, call_of, until
from local.trips.runners import a_runner, running

SAMPLES = 100
_WARM_UP = 4
_HOLDER = "+15550100201"  # answers and never hangs up
_CALLEE = "+15550100787"
_MANNERS = {"rings_after_s": 0.1, "answers_after_s": 0.4, "hangs_up_after_s": 0.5, "person": {"lines": []}}
_DRAINED_WITHIN_S = 240.0
_ACCEPTS_AFTER_MS = 200
"""What the phone network's worker takes to accept a job, as a real one does."""


class _Noting:
    """The customer's program: it notes when it has a call."""

    def __init__(self) -> None:
        self.connected_at: dict[str, float] = {}

    async def answer(self, ctx: CallContext) -> None:
        self.connected_at.setdefault(str(ctx.call_id), time.time())
        ctx.session.dialog_machine = AtOnce()
        await ctx.session.run()


async def measure(rig: Rig) -> Section:
    """Raises StackError if the queue does not drain."""
    rig = replace(rig, stack=replace(rig.stack, pipe_id=rig.stack.runner_pipe_id))
    await rig.phones("PUT", f"/numbers/{_CALLEE}", _MANNERS)
    await rig.phones("DELETE", "/calls")
    program = _Noting()
    async with running(rig.stack, a_runner(rig.stack, rig.stack.runner_agent_id, program.answer)):
        calls = [await rig.create_call(_HOLDER) for _ in range(CAP)]
        holders = await answered(rig)
        calls += [await rig.create_call(_CALLEE) for _ in range(_WARM_UP + SAMPLES)]
        noise = Noise()
        for holder in holders:
            await rig.phones("POST", f"/calls/{holder}/hangup")
        await until("every call's webhook", lambda: rig.heard_at.keys() >= set(calls), _DRAINED_WITHIN_S)
        words = noise.words()
    waited = await rig.phone_calls(_CALLEE)
    drained = read_ledger(await rig.phone_calls(_HOLDER), waited)
    in_order = sorted(waited, key=lambda call: float(call["room_made_at"]))
    waits_s = [program.connected_at[call_of(call)] - float(call["room_made_at"]) for call in in_order]
    return _section(drained, waits_s, words)


def _section(drained: Drained, waits_s: list[float], noise: str) -> Section:
    dispatch_ms = sorted(1000 * gap for gap in drained.dispatch_gaps_s[_WARM_UP:])
    connected_ms = sorted(
        1000 * (gap + wait) for gap, wait in list(zip(drained.dispatch_gaps_s, waits_s, strict=True))[_WARM_UP:]
    )
    waits_ms = sorted(1000 * wait for wait in waits_s[_WARM_UP:])
    usual = percentile(connected_ms, 50) / percentile(dispatch_ms, 50)
    slow = percentile(connected_ms, 99) / percentile(dispatch_ms, 99)
    return Section(
        f"freed line to the next call's runner: cap {CAP}, {len(connected_ms)} hand-offs",
        (
            Reading(
                "freed line to the next dispatch, p50", shown(percentile(dispatch_ms, 50), " ms"), "of these calls"
            ),
            Reading("p99", shown(percentile(dispatch_ms, 99), " ms")),
            Reading(
                "dispatch to runner connected, p50",
                shown(percentile(waits_ms, 50), " ms"),
                f"{_ACCEPTS_AFTER_MS} ms of it the worker's own, to accept its job",
            ),
            Reading("p99", shown(percentile(waits_ms, 99), " ms")),
            Reading(
                "freed line to runner connected, p50",
                shown(percentile(connected_ms, 50), " ms"),
                f"{shown(usual)}x the dispatch's",
            ),
            Reading("p99", shown(percentile(connected_ms, 99), " ms"), f"{shown(slow)}x the dispatch's"),
            Reading("noise meanwhile", "", noise),
        ),
    )
