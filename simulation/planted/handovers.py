"""Bugs on purpose where calls are handed over. As in `planted`: each is put into the product for as long as its context
lasts."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from copy import replace
from typing import Any
from unittest import mock

from ringline.calls.model.call import Call, State
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Moved, Result, Rule
from ringline.calls.model.transfers.transfer import Transfer, TransferState, transfer_named
from ringline.calls.model.transfers.transfer_events import TransferBegun
from ringline.calls.rules import ending, lifecycle, presence_rules
from ringline.calls.rules.transfers import steps
from ringline.calls.rules.transfers.agents import with_change
from ringline.calls.transfers.carry_out import CarryOut
from ringline.calls.transfers.mend import MendTransfers
from ringline.calls.transfers.release import Release
from ringline.calls.views import relay
from ringline.calls.views.transfer_news import transfer_news
from simulation.run.planted import Planting

_LONG_TURN_S = 20
"""A turn that far off is not waited for: long enough for many a caller to be gone."""


def _with_rule(event: type, rule: Rule) -> dict[tuple[State, type], Rule]:
    """The rule of the lifecycle's table for an event of a transfer in a conversation."""

    def step(call: Call, told: Any) -> Result:
        result = rule(call, told)
        return Moved(ending.changed(result.call), result.effects) if isinstance(result, Moved) else result

    return {(State.ACTIVE, event): step}


@contextmanager
def transfer_begun_again() -> Iterator[None]:
    """Whoever gets the message carries it out, whether or not somebody else has begun."""

    def begins(call: Call, event: TransferBegun) -> Result:
        transfer = transfer_named(call.transfers, event.transfer_id)
        if transfer is None or not transfer.is_under_way:
            return steps._begun(call, event)
        return Moved(with_change(call, transfer, begun_at=transfer.begun_at or event.at))

    with mock.patch.dict(lifecycle.TRANSITIONS, _with_rule(TransferBegun, begins)):
        yield


@contextmanager
def target_rung_for_a_caller_who_is_gone() -> Iterator[None]:
    """Who was wanted when the transfer was begun is called, however long the trunk's turn is waited for."""

    async def waits(*_: object) -> bool:
        await asyncio.sleep(_LONG_TURN_S)
        return True

    async def is_wanted(*_: object) -> bool:
        return True

    with mock.patch.object(CarryOut, "_have_a_turn", waits), mock.patch.object(CarryOut, "_is_wanted", is_wanted):
        yield


@contextmanager
def agent_not_let_go() -> Iterator[None]:
    """Two talk on: nobody puts the agent out that has handed over."""

    async def keeps(*_: object) -> None: ...

    with mock.patch.object(Release, "run", keeps):
        yield


@contextmanager
def nobody_mends_a_transfer() -> Iterator[None]:
    """Whoever has begun a transfer is trusted to live, and does not."""

    async def trusts(*_: object) -> bool:
        return False

    async def dies(*_: object) -> None: ...

    with mock.patch.object(MendTransfers, "mend", trusts), mock.patch.object(CarryOut, "_bring_about", dies):
        yield


@contextmanager
def failed_transfer_counts() -> Iterator[None]:
    """A target that has come and gone again is believed to have the call."""
    failed = steps.failed

    def counts(call: Call, transfer: Transfer, at: int, reason: str, sip_code: int | None) -> Moved:
        result = failed(call, transfer, at, reason, sip_code)
        told = replace(result.call.reports, transferred_at=at, transferred_to=transfer.target.name)
        return Moved(replace(result.call, reports=told), result.effects)

    with mock.patch.object(steps, "failed", counts):
        yield


@contextmanager
def transfer_outlives_its_call() -> Iterator[None]:
    """What becomes of a transfer is its own matter, whatever becomes of the call."""

    def lives(call: Call, _reason: EndReason, _at: int) -> Call:
        return call

    with mock.patch.object(ending, "settled_with_call", lives):
        yield


@contextmanager
def transfer_completed_again() -> Iterator[None]:
    """The leaving of an agent completes what it had handed over, also where that was completed before."""
    gone = steps.agent_gone

    def completes(call: Call, at: int) -> Call:
        last = call.transfers[-1] if call.transfers else None
        if last is None or last.state is not TransferState.COMPLETED:
            return gone(call, at)
        return with_change(call, last, ended_at=at)

    with mock.patch.object(presence_rules, "agent_gone", completes):
        yield


@contextmanager
def end_of_a_transfer_not_told() -> Iterator[None]:
    """Nobody is told that a transfer has failed or is completed."""

    def withholds(before: Call | None, after: Call) -> Iterator[Any]:
        return (each for each in transfer_news(before, after) if not each[0].endswith(("failed", "completed")))

    with mock.patch.object(relay, "transfer_news", withholds):
        yield


PLANTED_HANDOVERS: dict[Planting, frozenset[str]] = {
    transfer_begun_again: frozenset({"target_rung_twice", "sent_away_twice"}),
    target_rung_for_a_caller_who_is_gone: frozenset({"target_rung_for_nobody"}),
    agent_not_let_go: frozenset({"not_mended", "mended_late", "two_talked"}),
    nobody_mends_a_transfer: frozenset({"not_mended", "mended_late", "transfer_lost"}),
    failed_transfer_counts: frozenset({"transferred_to_nobody"}),
    transfer_outlives_its_call: frozenset({"transfer_outlived"}),
    transfer_completed_again: frozenset({"transfer_end_changed"}),
    end_of_a_transfer_not_told: frozenset({"transfer_not_told"}),
}
"""Each bug with the invariants that may be the first to show it."""
