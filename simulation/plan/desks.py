"""Who rings in, and how the numbers are set up that they ring: lines that are kept for them, who else takes them, whose
server decides about them. Drawn beside a world's calls, which stay as they are but for more of them that ring in."""

from collections.abc import Iterator
from dataclasses import replace

from simulation.kernel.chance import Chance
from simulation.plan.planned import Plan, PlannedAccount, PlannedCall, PlannedDesk, PlannedReserve

OVERFLOW_PIPE, OVERFLOW_AGENT = "PIPE_OVERFLOW", "AGENT_OVERFLOW"
CHOSEN_PIPE = "PIPE_CHOSEN"
"""Where servers send callers whom they do not leave where they are."""

_WITH_DESKS = 0.45
_MORE_CALLERS = 0.25
_OVERFLOWS = ((None, 0.5), ("pipe", 0.25), ("agent", 0.25))
_DECIDES = (
    (None, 0.4), ("accepts", 0.15), ("rejects", 0.12), ("chooses", 0.13), ("slow", 0.08), ("down", 0.06),
    ("says_nothing", 0.06),
)  # fmt: skip
_DEFAULTS = ((None, 0.4), ("accept", 0.2), ("reject", 0.2), (CHOSEN_PIPE, 0.2))
_LAST_RESERVE_MS = 600_000


def as_caller(chance: Chance, call: PlannedCall) -> PlannedCall:
    """The call as one that rings in."""
    site = f"caller {call.number}"
    return replace(
        call,
        rings_in=True,
        callee=chance.pick(site, (("talks", 0.9), ("talks_on", 0.1))),
        ring_timeout_s=30,
        scheduled_after=None,
        expires_after=None,
        hang_ups_after=(),
        foreign_hang_up=False,
        asks_again=False,
        trunk_id=None,
        retry=None,
        later_callees=(),
        hears=False,
        deed=chance.pick(site, (("talks", 0.7), ("brings_in", 0.15), ("lends", 0.15))),
    )


def with_desks(chance: Chance, plan: Plan) -> Plan:
    """The plan with numbers that are set up so, or with none."""
    if chance.draw("desks") >= _WITH_DESKS:
        return plan
    calls = tuple(_at_desk(chance, call) for call in plan.calls)
    reserves = tuple(reserve for account in plan.accounts for reserve in _reserves(chance, account))
    return replace(plan, calls=calls, reserves=reserves)


def _at_desk(chance: Chance, call: PlannedCall) -> PlannedCall:
    site = f"desk {call.number}"
    if not call.rings_in:
        if chance.draw(site) >= _MORE_CALLERS or call.runners_agent is not None:
            return call
        call = as_caller(chance, call)
    if call.runners_agent is not None:
        return replace(call, desk=PlannedDesk(None, None, 0, None))
    decides = chance.pick(site, _DECIDES)
    desk = PlannedDesk(
        chance.pick(site, _OVERFLOWS), decides, chance.between(site, 20, 900), chance.pick(site, _DEFAULTS)
    )
    return replace(call, desk=desk)


def _reserves(chance: Chance, account: PlannedAccount) -> Iterator[PlannedReserve]:
    site = f"reserve of {account.account_id}"
    for _ in range(chance.between(site, 0, 3)):
        lines = None if chance.draw(site) < 0.2 else chance.between(site, 0, 3)
        yield PlannedReserve(account.account_id, chance.between(site, 0, 300_000), lines)
    # A line at least is left to those who are called.
    last = None if chance.draw(site) < 0.3 else chance.between(site, 0, min(3, account.cap - 1))
    yield PlannedReserve(account.account_id, _LAST_RESERVE_MS, last)
