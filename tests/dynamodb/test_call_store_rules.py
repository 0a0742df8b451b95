"""Whatever is done to an account's calls, in whatever order, late or twice: after every step the table holds exactly
what the lifecycle says, line for line and place for place."""

from collections import Counter
from collections.abc import Callable
from copy import replace
from uuid import uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.agents.tables.registry import Registry
from ringline.calls.model.call import RUNNER, Call, State
from ringline.calls.model.events import (
    AgentSeen,
    Answered,
    Claimed,
    DialDeferred,
    DialNotSent,
    DialRefused,
    DialWithoutLivekit,
    EndAsked,
    Event,
    FoundOver,
    GivenUp,
    LegLeft,
    RunnerGiven,
    SeenWaiting,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Moved
from ringline.calls.model.retries import RetryPolicy
from ringline.calls.rules.lifecycle import apply
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.store import CallStore, Committed, CreatedBefore, Once
from ringline.calls.tables.watchlist import Watchlist
from ringline.runtime.table import EXPIRES_SHARD, calls_pk
from tests.builders import NOW, a_call
from tests.component.one_table import LocalAws
from tests.component.runners import put_runner

_LATER = NOW + 10 * 365 * 86_400_000
_ALL = 10_000

type Happening = Callable[[Call, int], Event]

PLACES = {"bot#1": 1, "bot#2": 2}


def _a_runner(call: Call, now: int) -> str | None:
    return sorted(PLACES)[now // 1_000 % len(PLACES)] if call.needs_place else None


# Several of a kind are as many times as likely.
HAPPENINGS: dict[str, Happening] = {
    "claimed": lambda call, now: Claimed(now, runner_id=_a_runner(call, now)),
    "claimed too": lambda call, now: Claimed(now, runner_id=_a_runner(call, now)),
    "claimed as well": lambda call, now: Claimed(now, runner_id=_a_runner(call, now)),
    "given to another runner": lambda call, now: RunnerGiven(now, call.attempt, _a_runner(call, now) or "bot#9"),
    "answered": lambda call, now: Answered(now, call.attempt, "PA_leg", "SCL_1", AgentSeen("PA_agent", now)),
    "refused": lambda call, now: DialRefused(now, call.attempt, 486, "Busy Here", "resource_exhausted", "busy"),
    "not sent": lambda call, now: DialNotSent(now, call.attempt, "no response from servers", "unavailable", 5),
    "without LiveKit": lambda call, now: DialWithoutLivekit(now, call.attempt, "no servers", "unavailable", now + 2000),
    "deferred": lambda call, now: DialDeferred(now, call.attempt, 503, "Service Unavailable", None, "", 5),
    "left": lambda call, now: LegLeft(now, call.attempt, "PA_leg", "CLIENT_INITIATED", "hangup"),
    "given up": lambda call, now: GivenUp(now, call.attempt),
    "found over": lambda call, now: FoundOver(now, call.attempt),
    "hung up": lambda call, now: EndAsked(now, EndReason.API_HUNG_UP),
    "seen waiting": lambda call, now: SeenWaiting(now),
}
_WHICH = st.integers(0, 99)


class OneAccountsCalls(RuleBasedStateMachine):
    """The real store beside a model: the calls as they must stand, and the cap."""

    def __init__(self, dynamodb: object, table_name: str) -> None:
        super().__init__()
        self.account_id = f"acc_{uuid4().hex[:12]}"
        self.accounts = AccountStore(dynamodb, table_name)
        self.store = CallStore(dynamodb, table_name)
        self.pages = CallPages(dynamodb, table_name)
        self.watchlist = Watchlist(dynamodb, table_name)
        self.calls: dict[str, Call] = {}
        self.changes: list[tuple[Call, Call]] = []
        self.cap = 2
        self.now = NOW
        self.were_in_use = 0
        self.accounts.create_account(Account(self.account_id, "Acme", self.account_id, self.cap))
        self.runners = Registry(dynamodb, table_name, lambda: self.now)
        for runner_id, places in PLACES.items():
            put_runner(dynamodb, table_name, runner_id, places=places, account_id=self.account_id)

    @property
    def places_in_use(self) -> Counter[str]:
        return Counter(held for call in self.calls.values() if (held := call.holds_place_of) is not None)

    @property
    def in_use(self) -> int:
        return sum(call.holds_slot for call in self.calls.values())

    def moment(self) -> int:
        self.now += 1_000
        return self.now

    # --- what happens ------------------------------------------------------------------------------------------------

    @rule(
        delay_s=st.sampled_from([0, 0, 60]),
        expires_s=st.sampled_from([None, None, 300]),
        retry=st.sampled_from([None, RetryPolicy(3, on=("no_answer", "conversation", "system"), delays_s=(1, 60))]),
        brain=st.sampled_from([None, RUNNER]),
    )
    def a_call_is_created(
        self, delay_s: int, expires_s: int | None, retry: RetryPolicy | None, brain: str | None
    ) -> None:
        now = self.moment()
        call = replace(
            a_call(State.QUEUED, account_id=self.account_id, call_id=f"call_{len(self.calls):03}", created_at=now),
            eligible_at=now + delay_s * 1000,
            expires_at=None if expires_s is None else now + expires_s * 1000,
            due_at=now + 1_000,
            retry=retry,
            brain=brain,
        )
        assert self.store.create(call, _key_of(call)) is None
        self.calls[call.call_id] = call

    @precondition(lambda self: self.calls)
    @rule(which=_WHICH)
    def a_creation_is_repeated_under_its_key(self, which: int) -> None:
        first = _picked(list(self.calls.values()), which)
        again = replace(first, call_id="call_never", created_at=self.moment())
        assert self.store.create(again, _key_of(first)) == CreatedBefore(first.call_id, "body")

    @precondition(lambda self: self.calls)
    @rule(which=_WHICH, what=st.sampled_from(sorted(HAPPENINGS)))
    def something_happens_to_a_call(self, which: int, what: str) -> None:
        now = self.moment()
        moves = [
            (call, moved.call)
            for call in self.calls.values()
            if isinstance(moved := apply(call, HAPPENINGS[what](call, now)), Moved)
        ]
        if not moves:
            return
        before, after = _picked(moves, which)
        assert after.version == before.version + 1
        assert not before.state.is_terminal
        takes_a_line = after.holds_slot and not before.holds_slot
        expected = Committed.DONE
        if takes_a_line and self.in_use >= self.cap:
            expected = Committed.GATE_FULL
        elif self._lacks_a_place(before, after):
            expected = Committed.PLACE_TAKEN
        committed = self.store.commit(before, after)
        assert committed is expected, f"{what}: {before.state}->{after.state}"
        if committed is Committed.DONE:
            self.calls[after.call_id] = after
            self.changes.append((before, after))

    def _lacks_a_place(self, before: Call, after: Call) -> bool:
        wanted = after.holds_place_of
        if wanted is None or wanted == before.holds_place_of:
            return False
        return self.places_in_use[wanted] >= PLACES.get(wanted, 0)

    @precondition(lambda self: self.changes)
    @rule(which=_WHICH)
    def a_commit_is_repeated(self, which: int) -> None:
        before, after = _picked(self.changes, which)
        assert self.store.commit(before, after) is Committed.STALE

    @precondition(lambda self: self.changes)
    @rule(which=_WHICH, what=st.sampled_from(sorted(HAPPENINGS)))
    def somebody_commits_what_he_decided_on_an_old_reading(self, which: int, what: str) -> None:
        before, _ = _picked(self.changes, which)
        moved = apply(before, HAPPENINGS[what](before, self.moment()))
        if isinstance(moved, Moved):
            assert self.store.commit(before, moved.call) is Committed.STALE

    @rule(cap=st.integers(0, 4))
    def the_cap_is_changed(self, cap: int) -> None:
        self.accounts.set_cap(self.account_id, cap)
        self.cap = cap

    # --- what holds after every step ---------------------------------------------------------------------------------

    @invariant()
    def the_gate_counts_the_calls_that_hold_a_line(self) -> None:
        gate = self.store.gate(self.account_id)
        assert (gate.in_use, gate.cap) == (self.in_use, self.cap)

    @invariant()
    def each_runner_counts_the_calls_that_hold_one_of_its_places(self) -> None:
        runners = {each.worker_id: each.in_use for each in self.runners.runners(self.account_id)}
        assert runners == {runner_id: self.places_in_use[runner_id] for runner_id in PLACES}

    @invariant()
    def no_runner_has_more_calls_than_places(self) -> None:
        assert all(self.places_in_use[runner_id] <= places for runner_id, places in PLACES.items())

    @invariant()
    def no_line_is_taken_beyond_the_cap(self) -> None:
        assert self.in_use <= max(self.cap, self.were_in_use)
        self.were_in_use = self.in_use

    @invariant()
    def the_queue_holds_the_queued_calls_and_no_other(self) -> None:
        entries = [(entry.eligible_at, entry.call_id) for entry in self.store.eligible(self.account_id, _LATER, _ALL)]
        queued = (call for call in self.calls.values() if call.state is State.QUEUED)
        assert entries == sorted((call.eligible_at, call.call_id) for call in queued)

    @invariant()
    def each_call_is_what_the_last_commit_made_it(self) -> None:
        """Versions and ends included: what is over is never written again."""
        page = self.pages.newest(self.account_id, limit=_ALL, cursor=None)
        assert list(page.calls) == sorted(self.calls.values(), key=lambda call: call.call_id, reverse=True)

    def teardown(self) -> None:
        listed = [*self.watchlist.due(_LATER, _ALL), *self.watchlist.due_in(EXPIRES_SHARD, _LATER, _ALL)]
        due = [key for key in listed if key.pk == calls_pk(self.account_id)]
        watched = {(call.call_id, call.due_at) for call in self.calls.values() if call.due_at is not None}
        assert {(key.sk, key.due_at) for key in due} == watched


def _key_of(call: Call) -> Once:
    return Once(f"key of {call.call_id}", "body")


def _picked[T](among: list[T], which: int) -> T:
    return among[which % len(among)]


def test_after_every_step_the_table_holds_what_the_lifecycle_says(local: LocalAws) -> None:
    class InThisTable(OneAccountsCalls):
        def __init__(self) -> None:
            super().__init__(local.dynamodb, local.table_name)

    run_state_machine_as_test(
        InThisTable,
        settings=settings(
            max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
