"""Who comes from a browser, and what they do with their token. Drawn beside a world's calls, of which some become
theirs."""

from dataclasses import replace

from simulation.kernel.chance import Chance
from simulation.plan.desks import as_caller
from simulation.plan.planned import Plan, PlannedBrowser, PlannedCall

_SHARES = ((0.0, 0.6), (0.15, 0.25), (0.5, 0.15))
_HABITS = (("once", 0.5), ("twice", 0.15), ("again", 0.1), ("never", 0.1), ("reconnects", 0.1), ("drops", 0.05))
_COMES_MS = (((50, 5_000), 0.6), ((5_000, 55_000), 0.2), ((55_000, 85_000), 0.1), ((85_000, 118_000), 0.1))
"""When they come. A token is good for 60 s, and LiveKit lets in who comes a minute later, too."""


def with_browsers(chance: Chance, plan: Plan) -> Plan:
    share = chance.pick("browsers", _SHARES)
    if not share:
        return plan
    return replace(plan, calls=tuple(_from_browser(chance, call, share) for call in plan.calls))


def _from_browser(chance: Chance, call: PlannedCall, share: float) -> PlannedCall:
    site = f"browser {call.number}"
    if call.rings_in or call.runners_agent is not None or chance.draw(site) >= share:
        return call
    browser = PlannedBrowser(
        habit=chance.pick(site, _HABITS),
        comes_after=chance.between(site, *chance.pick(site, _COMES_MS)),
        later=chance.between(site, 500, 40_000),
    )
    return replace(as_caller(chance, call), browser=browser, handovers=())
