"""Draws the plan of a world from its seed. Each call has its own draws: leaving calls out leaves the others as they
are."""

from copy import replace
from dataclasses import dataclass

from ringline.calls.model.call import AnswerFrom
from ringline.calls.model.timing import VOICEMAIL_GREETING_S
from simulation.kernel.chance import Chance
from simulation.plan.browsers import with_browsers
from simulation.plan.capacity import with_caps
from simulation.plan.desks import as_caller, with_desks
from simulation.plan.handovers import with_handovers
from simulation.plan.planned import Plan, PlannedAccount, PlannedCall, PlannedRetry, PlannedTrunk
from simulation.plan.runners import with_runners

CALLS = 120
"""Calls of one world. Small worlds shrink fast, and every one begins with other circumstances."""

_CALLEES = (
    ("talks", 0.52), ("talks_on", 0.05), ("rings_out", 0.12), ("busy", 0.06), ("declines", 0.05), ("wrong", 0.04),
    ("unavailable", 0.06), ("trunk_down", 0.04), ("early", 0.04), ("misconfigured", 0.02), ("greeting", 0.05),
    ("voicemail", 0.04), ("forwarded", 0.03),
)  # fmt: skip
_AGENTS = (
    ("there", 0.65), ("slow", 0.08), ("absent", 0.04), ("busy", 0.04), ("leaves", 0.05), ("succeeded", 0.04),
    ("crashes", 0.04), ("hangs_up", 0.06),
)  # fmt: skip
_LOST_DISPATCHES = ((0, 0.92), (1, 0.05), (2, 0.03))
_DEEDS = (
    ("talks", 0.48), ("says_bye", 0.12), ("minds_silence", 0.07), ("flees_silence", 0.07), ("transfers", 0.06),
    ("stays_out", 0.05), ("brings_in", 0.05), ("lends", 0.04), ("deserts", 0.03), ("begins", 0.03),
)  # fmt: skip
"""What agents that stay do with their call, and report."""

_RING_IN = 0.12
"""How many of all calls are somebody's who rings in."""

GREETING_MS = (4_000, (VOICEMAIL_GREETING_S - 1) * 1000)
"""How long a greeting is that nobody listens to the end of: shorter than what tells a voicemail."""


@dataclass(frozen=True, slots=True)
class _Habits:
    """What most calls of one world have in common."""

    accounts: int
    spread_ms: int
    scheduled: float
    expiring: float
    expires_ms: int
    trunks: tuple[PlannedTrunk, ...]
    retried: float
    """How many of its calls are tried again."""
    heard: float
    """How many of its agents report."""
    agent_first: float
    """How many of its calls ring only when their agent is there."""


def make_plan(seed: int, calls: int = CALLS) -> Plan:
    """The world of that seed."""
    chance = Chance(seed)
    return with_browsers(chance, with_handovers(chance, with_desks(chance, _plain_plan(chance, seed, calls))))


def plain_plan(seed: int) -> Plan:
    """The world of that seed as it would be if no call were handed over in any world, and all callers taken at once."""
    return _plain_plan(Chance(seed), seed, CALLS)


def _plain_plan(chance: Chance, seed: int, calls: int) -> Plan:
    habits = _Habits(
        accounts=chance.between("accounts", 1, 3),
        spread_ms=chance.pick("spread", ((20_000, 0.3), (240_000, 0.5), (1_000_000, 0.2))),
        scheduled=chance.pick("scheduled", ((0.08, 0.85), (0.7, 0.15))),
        expiring=chance.pick("expiring", ((0.1, 0.85), (0.7, 0.15))),
        expires_ms=chance.pick("expires", ((120_000, 0.6), (10_000, 0.2), (300, 0.2))),
        trunks=tuple(_trunks(chance)),
        retried=chance.pick("retried", ((0.0, 0.5), (0.15, 0.4), (0.7, 0.1))),
        heard=chance.pick("heard", ((0.0, 0.3), (0.5, 0.3), (1.0, 0.4))),
        agent_first=chance.pick("agent first", ((1.0, 0.6), (0.5, 0.25), (0.0, 0.15))),
    )
    accounts = tuple(_account(chance, n) for n in range(habits.accounts))
    planned = tuple(_call(chance, n, habits) for n in range(calls))
    scale = chance.pick("scale", ((0.0, 0.08), (0.4, 0.3), (1.0, 0.42), (3.0, 0.2)))
    outages = tuple(_outages(chance)) if scale else ()
    operation_ms = chance.pick("slow", ((5, 0.7), (40, 0.2), (200, 0.1)))
    answer_from = chance.pick("answer from", ((AnswerFrom.DIALER, 0.7), (AnswerFrom.CARRIER, 0.3)))
    speaks = answer_from is AnswerFrom.CARRIER or chance.draw("carrier speaks") < 0.6
    plan = Plan(
        seed, scale, accounts, planned, outages, operation_ms, habits.trunks, answer_from, speaks,
        livekit_per_minute=chance.between("LiveKit takes", 600, 6000) if chance.draw("LiveKit takes") < 0.25 else 0,
    )  # fmt: skip
    return with_caps(chance, with_runners(chance, plan))


def _trunks(chance: Chance) -> list[PlannedTrunk]:
    """Most worlds have the usual trunk alone, without limits. In the others each trunk has a pace, a carrier with
    limits of its own, or neither."""
    if chance.draw("trunks") < 0.6:
        return []
    trunks = []
    for name in ("ST_one", "ST_two")[: chance.between("trunks", 1, 2)]:
        limit = chance.pick(name, (("none", 0.25), ("pace", 0.35), ("channels", 0.2), ("rate", 0.2)))
        trunks.append(
            PlannedTrunk(
                name,
                calls_per_second=chance.between(name, 1, 20) if limit == "pace" else 0,
                channels=chance.between(name, 2, 12) if limit == "channels" else 0,
                invites_per_second=chance.between(name, 1, 8) if limit == "rate" else 0,
            )
        )
    return trunks


def _account(chance: Chance, number: int) -> PlannedAccount:
    cap = chance.pick("cap", ((1, 0.15), (3, 0.3), (8, 0.35), (40, 0.2)))
    changes = []
    if chance.draw("cap changes") < 0.3:
        for _ in range(chance.between("cap changes", 1, 3)):
            changes.append((chance.between("cap change", 5_000, 400_000), chance.between("new cap", 0, cap + 3)))
        # A cap of 0 must not be the last word, or nobody is ever called.
        changes.append((500_000, cap))
    return PlannedAccount(f"acc_{number}", cap, tuple(sorted(changes)))


def _call(chance: Chance, number: int, habits: _Habits) -> PlannedCall:
    site = f"call {number}"

    def drawn(low: int, high: int) -> int:
        return chance.between(site, low, high)

    at = drawn(0, habits.spread_ms)
    later = chance.draw(site) < habits.scheduled
    expires = chance.draw(site) < habits.expiring
    scheduled_after = drawn(1_000, 1_300_000) if later else None
    ends = chance.draw(site)
    call = PlannedCall(
        number=number,
        account=drawn(0, habits.accounts - 1),
        at=at,
        callee=chance.pick(site, _CALLEES),
        agent=chance.pick(site, _AGENTS),
        ring_timeout_s=chance.pick(site, ((8, 0.3), (20, 0.3), (30, 0.3), (60, 0.1))),
        max_call_duration_s=chance.pick(site, ((40, 0.3), (120, 0.7))),
        answers_after=drawn(300, 12_000),
        talks_for=drawn(500, 60_000),
        agent_acts_after=drawn(200, 30_000),
        scheduled_after=scheduled_after,
        expires_after=(scheduled_after or 0) + drawn(2, habits.expires_ms) if expires else None,
        hang_ups_after=tuple(drawn(0, 60_000) for _ in range(1 if ends < 0.1 else 2)) if ends < 0.14 else (),
        foreign_hang_up=chance.draw(site) < 0.03,
        asks_again=chance.draw(site) < 0.3,
        trunk_id=chance.pick(site, tuple((trunk.trunk_id, 1.0) for trunk in habits.trunks)) if habits.trunks else None,
        retry=_retry(chance, f"retry {number}") if chance.draw(site) < habits.retried else None,
        later_callees=tuple(chance.pick(f"later {number}", _CALLEES) for _ in range(3)) if habits.retried else (),
        hears=(hears := chance.draw(f"hears {number}") < habits.heard),
        deed=chance.pick(f"deed {number}", _DEEDS) if hears else "talks",
        leaves_message=chance.draw(f"message {number}") < 0.3,
        agent_first=chance.draw(f"agent first {number}") < habits.agent_first,
        lost_dispatches=chance.pick(f"lost dispatches {number}", _LOST_DISPATCHES),
    )
    if chance.draw(f"rings in {number}") < _RING_IN:
        return as_caller(chance, call)
    if call.callee != "greeting":
        return call
    return replace(call, talks_for=chance.between(f"greeting {number}", *GREETING_MS))


_RETRIED_ON = (
    (("no_answer", "carrier"), 0.4), (("USER_BUSY",), 0.15), (("SIP_FAILED_TRUNK", "no_answer", "voicemail"), 0.15),
    (("agent", "system", "SIP_FAILED_WRONG_NUMBER"), 0.15), (("conversation", "no_answer"), 0.15),
)  # fmt: skip
_WAITS_S = (((0,), 0.15), ((2,), 0.25), ((1, 15, 60), 0.3), ((60,), 0.25), ((5, 1_000), 0.05))


def _retry(chance: Chance, site: str) -> PlannedRetry:
    return PlannedRetry(chance.between(site, 2, 4), chance.pick(site, _RETRIED_ON), chance.pick(site, _WAITS_S))


HOUR_MS = 3_600_000

_OUTAGES = (
    # kind, chance of one, its length in ms
    ("livekit_restart", 0.5, (3_000, 15_000)),
    ("bridge_killed", 0.4, (2_000, 10_000)),
    ("no_bridge", 0.3, (10_000, 90_000)),
    ("livekit_away", 0.03, (HOUR_MS // 2, 3 * HOUR_MS)),
    ("bridge_away", 0.03, (HOUR_MS // 2, 3 * HOUR_MS)),
    ("hooks_fail", 0.4, (5_000, 45_000)),
    ("livekit_slow", 0.2, (5_000, 20_000)),
    ("relay_fails", 0.2, (60_000, 900_000)),
    ("relay_away", 0.03, (HOUR_MS // 2, 3 * HOUR_MS)),
    ("relay_gone", 0.01, (23 * HOUR_MS, 26 * HOUR_MS)),
    ("rows_unreadable", 0.1, (60_000, HOUR_MS // 2)),
)


def _outages(chance: Chance) -> list[tuple[str, int, int]]:
    outages = []
    for kind, likely, (shortest, longest) in _OUTAGES:
        for turn in range(3):
            if chance.draw(f"{kind} {turn}") < likely:
                at = chance.between(kind, 2_000, 500_000 if turn < 2 else 1_400_000)
                outages.append((kind, at, chance.between(kind, shortest, longest)))
    return sorted(outages, key=lambda outage: outage[1])
