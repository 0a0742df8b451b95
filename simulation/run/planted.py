"""Bugs on purpose, one of each kind that the simulation must catch. Each is put into the product for as long as its
context lasts; none of this is ever part of the product."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import replace
from typing import Any
from unittest import mock

from ringline.calls.mending import mend
from ringline.calls.mending.sweep import Sweep
from ringline.calls.model.call import Call, State
from ringline.calls.model.events import AgentHangsUp, DialDeferred, DialWithoutLivekit, Event, LegLeft
from ringline.calls.model.outcomes import CarrierFull, DialOutcome, LivekitAway, NotSent, Unclear
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM, Moved, Result, Unmoved
from ringline.calls.model.room_view import Others
from ringline.calls.outbound.agent_first import AgentFirst, AgentThere, Awaited
from ringline.calls.progress import progress
from ringline.calls.rules import deadlines, dial_rules, ending, leg_rules, lifecycle
from ringline.calls.rules.deadlines import End, Owed
from ringline.calls.tables.limits.livekit_budget import LivekitBudget, Turn
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.store import CallStore, Committed
from ringline.calls.tables.writes.companions import Companions
from ringline.calls.views import payload
from simulation.actors.livekit import Livekit
from simulation.aws.queues import DoorbellQueue


@contextmanager
def slot_freed_outside_the_transaction() -> Iterator[None]:
    """The call is written first and its line given back afterwards."""
    commit, gate_writes = CallStore.commit, Companions._gate

    def in_two_steps(
        store: CallStore, before: Call, after: Call, caps_version: int | None = None, **claim: Any
    ) -> Committed:
        if not (before.holds_slot and not after.holds_slot):
            return commit(store, before, after, caps_version, **claim)
        with mock.patch.object(Companions, "_gate", lambda *_, **__: ()):
            committed = commit(store, before, after, caps_version)
        if committed is Committed.DONE:
            store._transactions.run([each.write for each in gate_writes(store._companions, before, after, None)])
        return committed

    with mock.patch.object(CallStore, "commit", in_two_steps):
        yield


@contextmanager
def doorbell_lost_and_not_mended() -> Iterator[None]:
    """Nobody rings for those who wait: the sweep has forgotten them, and bells get lost."""
    ring, turns = DoorbellQueue.ring, iter(range(1 << 30))

    def loses_each_third(queue: DoorbellQueue, account_id: str, after_s: int = 0) -> None:
        if next(turns) % 3:
            ring(queue, account_id, after_s)

    async def forgets(*_: object) -> None:
        return None

    with (
        mock.patch.object(Sweep, "_ring_for_the_waiting", forgets),
        mock.patch.object(DoorbellQueue, "ring", loses_each_third),
    ):
        yield


@contextmanager
def dial_repeated() -> Iterator[None]:
    """An unclear dial is tried again at once."""
    place_call = Livekit.place_call

    async def tries_twice(livekit: Livekit, call: Call) -> DialOutcome:
        outcome = await place_call(livekit, call)
        if not isinstance(outcome, Unclear):
            return outcome
        again = await place_call(livekit, call)
        return outcome if isinstance(again, NotSent | LivekitAway | CarrierFull) else again

    with mock.patch.object(Livekit, "place_call", tries_twice):
        yield


@contextmanager
def late_event_accepted() -> Iterator[None]:
    """A leg's leaving is believed also when the call is over."""
    apply = lifecycle.apply

    def believes(call: Call, event: Event) -> Result:
        if call.state.is_terminal and isinstance(event, LegLeft):
            return Moved(ending.over(leg_rules._with_leg_evidence(call, event), event.at))
        return apply(call, event)

    with mock.patch.object(progress, "apply", believes):
        yield


@contextmanager
def stale_sid_believed() -> Iterator[None]:
    """Whichever leg leaves, the call ends: identities are compared, sids are not."""
    leaves = leg_rules._leg_leaves_call

    def ends(call: Call, event: LegLeft) -> Result:
        if event.sid == call.leg_sid or event.disconnect_reason == "DUPLICATE_IDENTITY":
            return leaves(call, event)
        return Moved(ending.over(leg_rules._with_leg_evidence(call, event), event.at))

    rules = {key: ends if rule is leaves else rule for key, rule in lifecycle.TRANSITIONS.items()}
    with (
        mock.patch.object(leg_rules, "_leg_leaves_call", ends),
        mock.patch.object(lifecycle, "TRANSITIONS", rules),
    ):
        yield


@contextmanager
def end_settled_twice() -> Iterator[None]:
    """Whoever settles writes on what was read, whatever has been written since."""
    commit = CallStore.commit

    def blindly(
        store: CallStore, before: Call, after: Call, caps_version: int | None = None, **claim: Any
    ) -> Committed:
        if not after.state.is_terminal or not before.holds_slot:
            return commit(store, before, after, caps_version, **claim)
        put = store._companions.put

        def without_condition(item: Any, condition: str, values: Any = None) -> dict[str, Any]:
            written = put(item, condition, values)
            if condition == "version = :version_read":
                del written["ConditionExpression"], written["ExpressionAttributeValues"]
            return written

        with mock.patch.object(store._companions, "put", without_condition):
            return commit(store, before, after, caps_version)

    with mock.patch.object(CallStore, "commit", blindly):
        yield


@contextmanager
def deferral_fails() -> Iterator[None]:
    """A carrier without room is a carrier that refused."""

    def fails(call: Call, event: DialDeferred) -> Result:
        seen = replace(
            call.evidence, sip_code=event.sip_code, sip_status=event.sip_status, twirp_code="resource_exhausted"
        )
        return Moved(ending.over(replace(call, evidence=seen), event.at))

    rules = {(state, DialDeferred): fails for state in (State.DIALING, State.RINGING)}
    with mock.patch.dict(lifecycle.TRANSITIONS, rules), mock.patch.object(ending, "deferred", fails):
        yield


@contextmanager
def deferral_uses_up_the_attempt() -> Iterator[None]:
    """A carrier without room counts as a dial that failed."""
    defers = ending.deferred

    def counts(call: Call, event: DialDeferred) -> Result:
        return defers(replace(call, unsent=call.unsent + 1), event)

    with mock.patch.dict(lifecycle.TRANSITIONS, {(State.DIALING, DialDeferred): counts}):
        yield


@contextmanager
def outage_uses_up_the_calls() -> Iterator[None]:
    """A dial that found LiveKit away counts as one that failed."""
    waits = ending.without_livekit

    def counts(call: Call, event: DialWithoutLivekit) -> Result:
        return waits(replace(call, unsent=call.unsent + 1), event)

    with mock.patch.dict(lifecycle.TRANSITIONS, {(State.DIALING, DialWithoutLivekit): counts}):
        yield


@contextmanager
def retry_overrules_a_cancel() -> Iterator[None]:
    """The policy has the last word, also where the customer has spoken."""
    over = ending.over

    def overrules(call: Call, at: int) -> Call:
        after = over(call, at)
        if after.end_reason is not EndReason.CALL_CANCELED or call.retry is None or not call.in_flight:
            return after
        if len(call.attempts) + 1 >= call.retry.max_attempts:
            return after
        return ending._tried_again(call, EndReason.CALL_CANCELED, at, at)

    with ExitStack() as patched:
        for rules in (lifecycle, dial_rules, leg_rules):
            patched.enter_context(mock.patch.object(rules, "over", overrules))
        yield


@contextmanager
def turn_used_twice() -> Iterator[None]:
    """Each dialer believes that the turn it sees is its own."""
    with mock.patch.object(TrunkPaces, "_took", lambda *_: True):
        yield


@contextmanager
def livekits_turns_not_waited_for() -> Iterator[None]:
    """Each dialer takes LiveKit's requests for its own: whatever the limit, its turn is now."""
    with mock.patch.object(LivekitBudget, "take", lambda _budget, now: Turn(now)):
        yield


@contextmanager
def lost_answer_not_looked_for() -> Iterator[None]:
    """Where the carrier tells of the answer nobody looks whether its word got lost."""

    def trusts(call: Call, room_is_open: bool, now: int) -> Owed | End:
        due = deadlines.owed(call, room_is_open, now)
        return Owed.NOTHING if due is Owed.PEEK else due

    with mock.patch.object(mend, "owed", trusts):
        yield


@contextmanager
def hang_up_carried_out_unrecorded() -> Iterator[None]:
    """The agent's wish closes the room, and its reason is recorded by whoever sees the leg leave."""

    def unrecorded(call: Call, event: AgentHangsUp) -> Result:
        return Unmoved("wished", END_ROOM)

    rules = {key: unrecorded for key in lifecycle.TRANSITIONS if key[1] is AgentHangsUp}
    with mock.patch.dict(lifecycle.TRANSITIONS, rules):
        yield


@contextmanager
def phone_rung_before_its_agent_is_there() -> Iterator[None]:
    """The dialer takes a dispatch for an agent."""

    async def trusts(_agent_first: AgentFirst, call: Call) -> Awaited:
        return AgentThere(call, None)

    with mock.patch.object(AgentFirst, "await_agent", trusts):
        yield


@contextmanager
def ringing_told_of_each_attempt() -> Iterator[None]:
    """An attempt that is over is told to have rung, if it did or not."""

    def is_tried(call: Call) -> bool:
        return call.attempt > 0 and call.state is not State.DIALING

    with mock.patch.object(payload, "_has_rung", is_tried):
        yield


@contextmanager
def second_agent_stays() -> Iterator[None]:
    """An agent that comes while another talks is taken for somebody of the conversation."""
    with mock.patch.object(Livekit, "_removes", lambda *_: None):
        yield


@contextmanager
def nobody_looks_after_a_transfer() -> Iterator[None]:
    """Whoever was said to be handed over needs no agent, and nobody looks whether anybody is there."""

    def trusts(call: Call, room_is_open: bool, now: int) -> Owed | End:
        due = deadlines.owed(call, room_is_open, now)
        return Owed.NOTHING if due is Owed.LOOK and call.reports.transferred_at is not None else due

    with mock.patch.object(mend, "owed", trusts):
        yield


@contextmanager
def only_agents_count() -> Iterator[None]:
    """Whoever has no agent is alone, whom they may be talking to."""
    with mock.patch.object(mend, "others_of", lambda *_: Others.NONE):
        yield


@contextmanager
def dropped_dispatch_not_repeated() -> Iterator[None]:
    """Whom LiveKit was asked for once comes, it is believed."""

    async def believes(*_: object) -> None: ...

    with mock.patch.object(Livekit, "send_agent", believes):
        yield


type Planting = Callable[[], AbstractContextManager[None]]

PLANTED: dict[Planting, frozenset[str]] = {
    slot_freed_outside_the_transaction: frozenset({"gate_inexact"}),
    doorbell_lost_and_not_mended: frozenset({"lost", "place_unused"}),
    dial_repeated: frozenset({"rang_twice"}),
    late_event_accepted: frozenset({"end_changed", "ended_twice"}),
    stale_sid_believed: frozenset({"live_leg_let_go"}),
    end_settled_twice: frozenset({"end_changed", "gate_inexact", "version_jumps"}),
    deferral_fails: frozenset({"deferral_failed"}),
    deferral_uses_up_the_attempt: frozenset({"deferral_counted"}),
    outage_uses_up_the_calls: frozenset({"outage_counted"}),
    retry_overrules_a_cancel: frozenset({"overruled"}),
    turn_used_twice: frozenset({"too_fast"}),
    livekits_turns_not_waited_for: frozenset({"too_many_requests"}),
    lost_answer_not_looked_for: frozenset({"not_mended", "mended_late"}),
    hang_up_carried_out_unrecorded: frozenset({"wrong_reason"}),
    dropped_dispatch_not_repeated: frozenset({"caller_not_answered", "wrong_reason"}),
    phone_rung_before_its_agent_is_there: frozenset({"rang_without_agent"}),
    second_agent_stays: frozenset({"two_talked"}),
    nobody_looks_after_a_transfer: frozenset({"left_alone", "not_mended", "mended_late"}),
    only_agents_count: frozenset({"cut_off"}),
    ringing_told_of_each_attempt: frozenset({"ringing_told_of_nothing"}),
}
"""Each bug with the invariants that may be the first to show it."""
