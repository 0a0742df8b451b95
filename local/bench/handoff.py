"""How soon a freed line is at work for the next call, and how soon the customer hears of an end.

Between the two stands the agent: it is dispatched as soon as the line is free, and the INVITE follows when it is there.
How long it takes to come is its own doing, and shown apart.

Two calls hold both lines of the account while a hundred more are queued behind them; then both hang up, and the queue
drains through two lines by hand-offs alone. The phone network's ledger says when each leg left and when each INVITE
came, when each room was made and its agent in it. The k-th end frees the line for the k-th room after the first two,
whichever line that is.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from local.bench.report import Reading, Section, at_most, counts_of, percentile, shown
from local.bench.rig import CAP, SILENT_AGENT, SQS_BUDGET, Delivered, Noise, Rig, SqsDeliveries, call_of, until

SAMPLES = 100
_WARM_UP = 4
"""The first hand-offs start further processes of functions that so far had one call at a time. They are shown, and kept
out of the percentiles."""

_HOLDER = "+15550100201"  # answers and never hangs up
_CALLEE = "+15550100777"
_MANNERS = {"rings_after_s": 0.1, "answers_after_s": 0.4, "hangs_up_after_s": 0.5} | SILENT_AGENT
_ANSWERED_WITHIN_S, _DRAINED_WITHIN_S = 20.0, 180.0

_DISPATCH_BUDGET_MS, _INVITE_BUDGET_MS, _IDLE_BUDGET_PERCENT, _WEBHOOK_BUDGET_MS = 200, 100, 0.5, 500
_TYPICAL_CALL_S = 100
"""The shortest calls of the range that the idle budget was set for: there, polling each 30 s leaves a line idle for
15 s a call, 13 %."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What the phones saw: from each freed line to the dispatch of the next agent, from there until it was in its room,
    and from then to the INVITE. Moments are Unix seconds; `ended_at` is by call id."""

    dispatch_gaps_s: tuple[float, ...]
    agent_waits_s: tuple[float, ...]
    invite_gaps_s: tuple[float, ...]
    call_s: float
    ended_at: dict[str, float]


async def measure(rig: Rig) -> Section:
    """Raises StackError if the queue does not drain."""
    await rig.phones("PUT", f"/numbers/{_CALLEE}", _MANNERS)
    await rig.phones("DELETE", "/calls")
    calls = [await rig.create_call(_HOLDER) for _ in range(CAP)]
    holders = await answered(rig)
    deliveries = SqsDeliveries(rig.stack)
    calls += [await rig.create_call(_CALLEE) for _ in range(_WARM_UP + SAMPLES)]
    noise = Noise()
    await asyncio.gather(*(rig.phones("POST", f"/calls/{holder}/hangup") for holder in holders))
    await until("every call's webhook", lambda: rig.heard_at.keys() >= set(calls), _DRAINED_WITHIN_S)
    words = noise.words()
    drained = read_ledger(await rig.phone_calls(_HOLDER), await rig.phone_calls(_CALLEE))
    return _section(drained, rig.heard_at, deliveries.count(), words)


async def answered(rig: Rig) -> list[int]:
    """The phones' ids of the calls that hold the lines, once both are answered. Raises TimeoutError."""
    async with asyncio.timeout(_ANSWERED_WITHIN_S):
        while True:
            up = [call["id"] for call in await rig.phone_calls(_HOLDER) if call["answered_at"] is not None]
            if len(up) == CAP:
                return up
            await asyncio.sleep(0.1)


def read_ledger(holders: Sequence[dict[str, Any]], waited: Sequence[dict[str, Any]]) -> Drained:
    """What the phones' calls say of the lines between them: those that filled the lines first, and those that waited.
    The last ends have no gap, because nobody waits any more."""
    ends = sorted((float(call["ended_at"]), call_of(call)) for call in (*holders, *waited))
    in_order = sorted(waited, key=lambda call: float(call["room_made_at"]))
    made_at = [float(call["room_made_at"]) for call in in_order]
    joined_at = [float(call["agent_joined_at"]) for call in in_order]
    freed_at = [ended_at for ended_at, _ in ends][: len(made_at)]
    return Drained(
        dispatch_gaps_s=tuple(made - freed for freed, made in zip(freed_at, made_at, strict=True)),
        agent_waits_s=tuple(joined - made for made, joined in zip(made_at, joined_at, strict=True)),
        invite_gaps_s=tuple(
            float(call["invited_at"]) - joined for call, joined in zip(in_order, joined_at, strict=True)
        ),
        call_s=sum(float(call["ended_at"]) - float(call["invited_at"]) for call in waited) / len(waited),
        ended_at={call_id: ended_at for ended_at, call_id in ends},
    )


def _section(drained: Drained, heard_at: dict[str, float], sqs: Delivered, noise: str) -> Section:
    first_ms, gaps_ms = _split_off_warm_up([1000 * gap for gap in drained.dispatch_gaps_s])
    _, agents_ms = _split_off_warm_up([1000 * wait for wait in drained.agent_waits_s])
    _, invites_ms = _split_off_warm_up([1000 * gap for gap in drained.invite_gaps_s])
    _, heard_ms = _split_off_warm_up(
        [1000 * (heard_at[call_id] - ended_at) for call_id, ended_at in drained.ended_at.items()]
    )
    mean_s = sum(gaps_ms) / len(gaps_ms) / 1000
    idle_percent = 100 * mean_s / (mean_s + _TYPICAL_CALL_S)
    here_percent = 100 * mean_s / (mean_s + drained.call_s)
    return Section(
        f"freed line to the next call's agent and INVITE: cap {CAP}, {len(gaps_ms)} hand-offs",
        (
            _median("freed line to the next dispatch, p50", gaps_ms),
            at_most("p99", percentile(gaps_ms, 99), _DISPATCH_BUDGET_MS, " ms"),
            _median("dispatch until the agent is there, p50", agents_ms, "the worker's own; "),
            _median("agent there to INVITE, p50", invites_ms),
            at_most("p99", percentile(invites_ms, 99), _INVITE_BUDGET_MS, " ms", "the phones' own 21 ms included"),
            Reading(f"the {_WARM_UP} before them, most", shown(first_ms[-1], " ms"), "processes start"),
            at_most(
                f"idle share of lines, calls of {_TYPICAL_CALL_S} s",
                idle_percent,
                _IDLE_BUDGET_PERCENT,
                " %",
                f"mean {1000 * mean_s:.0f} ms idle; here, with calls of {drained.call_s:.1f} s, {here_percent:.1f} %",
            ),
            _median("end of call to webhook, p50", heard_ms),
            at_most("p99", percentile(heard_ms, 99), _WEBHOOK_BUDGET_MS, " ms", f"{len(heard_ms)} webhooks"),
            at_most(
                "SQS requests of a call that waits",
                (sqs.messages + 2 * sqs.batches) / (_WARM_UP + SAMPLES),
                SQS_BUDGET,
                note=f"the mean: {sqs.messages} sent, {sqs.batches} batches received, {sqs.batches} deleted; of "
                f"batches {counts_of(sqs.batches_of)}",
            ),
            Reading("noise meanwhile", "", noise),
        ),
    )


def _split_off_warm_up(in_order: Sequence[float]) -> tuple[list[float], list[float]]:
    return sorted(in_order[:_WARM_UP]), sorted(in_order[_WARM_UP:])


def _median(what: str, sorted_ms: Sequence[float], whose: str = "") -> Reading:
    spread = f"{whose}least {shown(sorted_ms[0], ' ms')}, most {shown(sorted_ms[-1], ' ms')}"
    return Reading(what, shown(percentile(sorted_ms, 50), " ms"), spread)
