"""Who is to be handed over when, to whom, and what becomes of that. Drawn beside a world's calls, which stay as they
are."""

from collections.abc import Iterator
from dataclasses import replace

from simulation.kernel.chance import Chance
from simulation.plan.planned import Plan, PlannedCall, PlannedHandover, PlannedTarget

_SHARES = ((0.0, 0.5), (0.3, 0.3), (0.9, 0.2))
"""How many of a world's calls are to be handed over."""

NUMBERS = (
    ("answers", 0.5), ("busy", 0.1), ("declines", 0.1), ("rings_out", 0.12), ("wrong", 0.06), ("trunk_down", 0.06),
    ("never_says", 0.06),
)  # fmt: skip
"""What a phone does to which a call is handed over. Of one that never says nobody tells what became of a REFER."""

_AGENTS = (("there", 0.6), ("slow", 0.12), ("absent", 0.16), ("two", 0.12))
_HANDOFFS = ((0, 0.5), (2_000, 0.2), (25_000, 0.1), (None, 0.2))
_KINDS = (("cold", 0.3), ("warm", 0.4), ("agent", 0.3))


def with_handovers(chance: Chance, plan: Plan) -> Plan:
    """The plan with calls that are to be handed over, or none."""
    share = chance.pick("handovers", _SHARES)
    if not share:
        return plan
    return replace(plan, calls=tuple(_handed_over(chance, call, share) for call in plan.calls))


def _handed_over(chance: Chance, call: PlannedCall, share: float) -> PlannedCall:
    if chance.draw(f"handed over {call.number}") >= share:
        return call
    turns = 1 if chance.draw(f"handed over {call.number}") < 0.8 else 2
    handovers = tuple(_handover(chance, call, turn) for turn in range(turns))
    # What its agent does by itself beside it would be another story.
    return replace(call, deed="talks", handovers=handovers)


def _handover(chance: Chance, call: PlannedCall, turn: int) -> PlannedHandover:
    site = f"handover {call.number} {turn}"
    kind = chance.pick(site, _KINDS)
    targets = tuple(_targets(chance, site, f"{call.number:05d}{turn}", kind))
    return PlannedHandover(
        after=chance.between(site, 300, 20_000),
        by_agent=chance.draw(site) < 0.5,
        is_warm=kind == "warm",
        targets=targets,
        ends_call=chance.draw(site) < 0.12,
        handoff=chance.pick(site, _HANDOFFS) if kind == "warm" else 0,
        asks_again=chance.draw(site) < 0.25,
    )


def _targets(chance: Chance, site: str, name: str, kind: str) -> Iterator[PlannedTarget]:
    how_many = chance.pick(site, ((1, 0.7), (2, 0.2), (3, 0.1)))
    for number in range(how_many):
        # Who comes after a number may be an agent, and the other way round.
        is_agent = kind == "agent" if number == 0 or chance.draw(site) < 0.7 else kind != "agent"
        yield PlannedTarget(
            name=f"SALES_{name}{number}" if is_agent else f"+1556{name}{number}",
            is_agent=is_agent,
            habit=chance.pick(site, _AGENTS if is_agent else NUMBERS),
            after=chance.between(site, 300, 9_000),
            stays_for=chance.between(site, 500, 90_000) if chance.draw(site) < 0.4 else 600_000,
        )
