"""Caps of agents, pipes and numbers, and pools of caller IDs. Drawn beside a world's calls, which stay as they are."""

from collections.abc import Iterator
from dataclasses import replace

from ringline.calls.capacity.counters import Kind
from ringline.calls.capacity.pools import CallerIdPolicy
from simulation.kernel.chance import Chance
from simulation.plan.planned import Plan, PlannedAccount, PlannedCap, PlannedPool

OUR_NUMBER = "+15550100000"
"""What calls go out on where their pipe has no pool."""
PIPE = "PIPE_1"
POOL = ("+15550100001", "+15550100002", "+15550100003")

_LAST_CHANGE_MS = 400_000
"""From here on caps leave room for all: a call must not wait for a day that the world does not last."""

_CAPPED = (("none", 0.55), ("caps", 0.25), ("pools", 0.08), ("both", 0.12))


def with_caps(chance: Chance, plan: Plan) -> Plan:
    """The plan with caps and pools for some of its accounts, or none."""
    capped = chance.pick("capped", _CAPPED)
    # A call's trunk is drawn with it, and a number of a pool brings its own.
    pools = () if capped in {"none", "caps"} or plan.trunks else tuple(_pools(chance, plan.accounts))
    owners = {pool.account_id: pool.numbers for pool in pools}
    caps: tuple[PlannedCap, ...] = ()
    if capped in {"caps", "both"}:
        caps = tuple(
            cap
            for account in plan.accounts
            for cap in _caps(chance, account, owners.get(account.account_id, (OUR_NUMBER,)))
        )
    return replace(plan, caps=caps, pools=pools)


def _pools(chance: Chance, accounts: tuple[PlannedAccount, ...]) -> Iterator[PlannedPool]:
    for account in accounts:
        site = f"pool of {account.account_id}"
        policy = chance.pick(site, tuple((policy.value, 1.0) for policy in CallerIdPolicy))
        yield PlannedPool(account.account_id, policy, POOL[: chance.between(site, 1, len(POOL))])


def _caps(chance: Chance, account: PlannedAccount, numbers: tuple[str, ...]) -> Iterator[PlannedCap]:
    things = ((Kind.AGENT, "AGENT_0"), (Kind.AGENT, "AGENT_1"), (Kind.PIPE, PIPE))
    for kind, of in (*things, *((Kind.NUMBER, number) for number in numbers)):
        site = f"caps of {account.account_id} {of}"
        if chance.draw(site) < 0.4:
            continue
        for _ in range(chance.between(site, 1, 3)):
            most = chance.pick(site, ((1, 0.3), (2, 0.3), (5, 0.25), (None, 0.15)))
            a_day = chance.between(site, 1, 10) if kind is Kind.NUMBER and chance.draw(site) < 0.3 else None
            yield PlannedCap(account.account_id, chance.between(site, 0, 300_000), kind, of, most, a_day)
        last = chance.pick(site, ((8, 0.5), (None, 0.5)))
        yield PlannedCap(account.account_id, _LAST_CHANGE_MS, kind, of, last)
