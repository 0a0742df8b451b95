"""Claims from several processes at once: the cap is exact at every instant, and each call is claimed once."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.capacity.counters import Kind, counter_name
from ringline.calls.model.call import State
from ringline.calls.tables.limits.counters import Counters
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.store import CallStore
from ringline.runtime.table import calls_pk, caps_pk, gate_pk
from tests.builders import ACCOUNT, a_call
from tests.component.one_table import LocalAws
from tests.dynamodb.claimers import (
    TOGETHER,
    Claimers,
    Part,
    claim_and_end_all,
    claim_together_and_end_all,
    claim_under_caps_and_end_all,
    claim_until_full,
    claimers,
    end_each,
)
from tests.dynamodb.table_stream import changes_of

CAP = 10
CALLS = 60


@pytest.fixture
def part(local: LocalAws) -> Part:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", CAP))
    store = CallStore(local.dynamodb, local.table_name)
    for n in range(CALLS):
        store.create(a_call(State.QUEUED, call_id=f"call_{n:02}"))
    return Part(local.table_name, ACCOUNT)


@pytest.fixture
def dialers(part: Part) -> Iterator[Claimers]:
    with claimers() as started:
        yield started


def test_claims_from_all_sides_take_every_line_and_no_more_and_give_each_back_once(
    local: LocalAws, part: Part, dialers: Claimers
) -> None:
    store = CallStore(local.dynamodb, local.table_name)
    claimed = dialers.all_do(claim_until_full, part)
    assert claimed == Counter(list(claimed)), "no call is claimed twice"
    assert len(claimed) == CAP
    assert lines(store) == (CAP, CAP)
    assert {call_id for call_id, state in states(local).items() if state is State.DIALING} == set(claimed)
    assert len(store.eligible(ACCOUNT, a_call().eligible_at, CALLS)) == CALLS - CAP

    ended = dialers.all_do(end_each, Part(local.table_name, ACCOUNT, tuple(claimed)))
    assert ended == claimed, "whoever ends a call, it ends once"
    assert lines(store) == (0, CAP)
    assert Counter(states(local).values()) == {State.NOT_CONNECTED: CAP, State.QUEUED: CALLS - CAP}
    assert counts(local) == [*range(CAP + 1), *reversed(range(CAP))]


def test_while_lines_are_taken_and_given_back_the_cap_holds_at_every_change(
    local: LocalAws, part: Part, dialers: Claimers
) -> None:
    store = CallStore(local.dynamodb, local.table_name)
    claimed = dialers.all_do(claim_and_end_all, part)
    assert claimed == Counter(f"call_{n:02}" for n in range(CALLS)), "each call is claimed once"
    assert lines(store) == (0, CAP)
    assert set(states(local).values()) == {State.NOT_CONNECTED}
    assert not store.has_queued(ACCOUNT)
    counted = counts(local)
    assert len(counted) == 1 + 2 * CALLS
    assert {abs(after - before) for before, after in pairwise(counted)} == {1}
    assert 1 < max(counted) <= CAP
    assert min(counted) == counted[-1] == 0
    for call_id in claimed:
        assert lives(local, call_id) == ["queued", "dialing", "not_connected"]


def test_while_lines_are_taken_several_at_once_the_cap_and_a_counters_hold_at_every_change(
    local: LocalAws, part: Part, dialers: Claimers
) -> None:
    store, name = CallStore(local.dynamodb, local.table_name), counter_name(Kind.AGENT, "AGENT_1")
    Counters(local.dynamodb, local.table_name).set_cap(ACCOUNT, Kind.AGENT, "AGENT_1", CAP - 2)
    claimed = dialers.all_do(claim_together_and_end_all, Part(local.table_name, ACCOUNT, counters=(name,)))
    together = claimed.pop(TOGETHER)
    assert claimed == Counter(f"call_{n:02}" for n in range(CALLS)), "each call is claimed once"
    assert together > 0
    assert lines(store) == (0, CAP)
    assert set(states(local).values()) == {State.NOT_CONNECTED}
    assert not store.has_queued(ACCOUNT)
    for counted in (counts(local), [image.get("in_use", 0) for image in changes_of(local, caps_pk(ACCOUNT), name)]):
        assert max(counted) <= CAP - 2
        assert min(counted) == counted[-1] == 0
        steps = [after - before for before, after in pairwise(counted)]
        assert sum(step for step in steps if step > 0) == CALLS
        assert {step for step in steps if step < 0} == {-1}
    for call_id in claimed:
        assert lives(local, call_id) == ["queued", "dialing", "not_connected"]


def test_under_caps_no_change_of_any_counter_passes_its_cap_and_each_is_empty_in_the_end(
    local: LocalAws, part: Part, dialers: Claimers
) -> None:
    counters = Counters(local.dynamodb, local.table_name)
    caps = {(Kind.AGENT, "AGENT_1"): 4, (Kind.PIPE, "PIPE_1"): 3, (Kind.NUMBER, "+15550100000"): 5}
    for (kind, of), most in caps.items():
        counters.set_cap(ACCOUNT, kind, of, most)
    names = tuple(counter_name(kind, of) for kind, of in caps)
    claimed = dialers.all_do(claim_under_caps_and_end_all, Part(local.table_name, ACCOUNT, counters=names))
    assert claimed == Counter(f"call_{n:02}" for n in range(CALLS)), "each call is claimed once"
    for name, most in zip(names, caps.values(), strict=True):
        counted = [image.get("in_use", 0) for image in changes_of(local, caps_pk(ACCOUNT), name)]
        assert max(counted) <= min(most, 3), "the pipe's cap is the tightest of the three"
        assert counted[-1] == 0
        assert len(counted) == 1 + 2 * CALLS


def lines(store: CallStore) -> tuple[int, int]:
    """How many are taken, of how many."""
    gate = store.gate(ACCOUNT)
    return gate.in_use, gate.cap


def states(local: LocalAws) -> dict[str, State]:
    page = CallPages(local.dynamodb, local.table_name).newest(ACCOUNT, limit=CALLS, cursor=None)
    return {call.call_id: call.state for call in page.calls}


def counts(local: LocalAws) -> list[int]:
    """What the gate counted, change by change, from the table's own stream."""
    return [image["in_use"] for image in changes_of(local, gate_pk(ACCOUNT), "GATE")]


def lives(local: LocalAws, call_id: str) -> list[str]:
    return [image["state"] for image in changes_of(local, calls_pk(ACCOUNT), call_id)]
