"""Runners: where they come from, how many calls each takes, and how each behaves. Drawn beside a world's calls, which
stay as they are: a world without runners is the same as if there were no runners anywhere."""

from collections.abc import Iterator
from dataclasses import replace

from simulation.kernel.chance import Chance
from simulation.plan.planned import EARLY_MS, Plan, PlannedAccount, PlannedCall, PlannedRunner

AGENT = "RUNNERS_AGENT"
"""The agent of an account that its runners think for."""

_SHARES = ((0.0, 0.7), (0.4, 0.2), (1.0, 0.1))
"""How many of a world's calls have a runner for their brain."""

_GOOD = (("good", 1.0),)
_MIXED = (("good", 0.6), ("refuses", 0.1), ("silent", 0.08), ("late", 0.08), ("doubles", 0.07), ("never_dials", 0.07))
_PLACES = ((1, 0.25), (2, 0.3), (5, 0.3), (50, 0.15))
_FATES = (("stays", 0.2), ("drops", 0.25), ("dies", 0.3), ("vanishes", 0.15), ("drains", 0.1))


def with_runners(chance: Chance, plan: Plan) -> Plan:
    """The plan with runners for some of its calls, or none."""
    share = chance.pick("runners", _SHARES)
    if not share:
        return plan
    calls = tuple(_thought_for(chance, call, share) for call in plan.calls)
    runners = tuple(runner for account in plan.accounts for runner in _runners(chance, account))
    return replace(plan, calls=calls, runners=runners)


def _thought_for(chance: Chance, call: PlannedCall, share: float) -> PlannedCall:
    has_runner = call.agent != "absent" and chance.draw(f"has runner {call.number}") < share
    return replace(call, runners_agent=AGENT) if has_runner else call


def _runners(chance: Chance, account: PlannedAccount) -> Iterator[PlannedRunner]:
    site = f"runners of {account.account_id}"
    habits = chance.pick(site, ((_GOOD, 0.5), (_MIXED, 0.5)))
    for number in range(chance.between(site, 1, 4)):
        name = f"{account.account_id}-{number}"
        yield _runner(chance, name, account.account_id, chance.pick(f"habit {name}", habits))


def _runner(chance: Chance, name: str, account_id: str, habit: str) -> PlannedRunner:
    site = f"runner {name}"
    places = chance.pick(site, _PLACES)
    fates = tuple(sorted(_fates(chance, site)))
    return PlannedRunner(
        name,
        account_id,
        places,
        later_places=chance.between(site, 0, places) if chance.draw(site) < 0.2 else places,
        comes_at=chance.between(site, 0, EARLY_MS)
        if chance.draw(site) < 0.7
        else chance.between(site, EARLY_MS, 200_000),
        habit=habit,
        fates=fates,
        back_after=chance.between(site, 500, 1_500) if chance.draw(site) < 0.6 else chance.between(site, 1_500, 60_000),
    )


def _fates(chance: Chance, site: str) -> Iterator[tuple[int, str]]:
    for _ in range(chance.between(site, 0, 4)):
        after_ms, fate = chance.between(site, 5_000, 300_000), chance.pick(site, _FATES)
        if fate != "stays":
            yield after_ms, fate
