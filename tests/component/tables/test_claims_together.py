"""Claims that are committed together, on a table that takes what DynamoDB takes: how many transactions they are, and
what becomes of them where others are faster."""

from collections.abc import Callable
from copy import replace
from typing import Any
from unittest import mock

import pytest

from ringline.calls.model.call import Direction, State
from ringline.calls.model.events import FoundOver
from ringline.calls.tables.inbound_rooms import InboundRooms, Opened
from ringline.calls.tables.store import Change, Committed, TableContended
from tests.builders import a_call, at, moved
from tests.claims_together import COUNTERS, RUNNERS, Side, a_claim, an_account, in_both
from tests.component.one_table import LocalAws


@pytest.mark.parametrize(
    "claim",
    [
        a_claim(),
        a_claim(counters=COUNTERS),
        a_claim(runner=RUNNERS[0], speaks=True),
        a_claim(caps_version=0),
    ],
    ids=["lines alone", "under caps", "with places", "of known caps"],
)
def test_ten_claims_that_have_room_are_one_transaction(local: LocalAws, claim: dict[str, Any]) -> None:
    one, other = in_both(local.dynamodb, local.table_name, an_account(), [claim] * 10)
    assert one.together("nothing") == (10, Committed.DONE, 1)
    other.one_by_one("nothing")
    assert one.rows() == other.rows()


@pytest.mark.parametrize(
    "claim",
    [a_claim(), a_claim(counters=COUNTERS), a_claim(runner=RUNNERS[0], speaks=True)],
    ids=["lines alone", "under caps", "with places"],
)
def test_ten_ends_are_one_transaction(local: LocalAws, claim: dict[str, Any]) -> None:
    one, other = in_both(local.dynamodb, local.table_name, an_account(), [claim] * 10)
    assert [side.one_by_one("nothing")[0] for side in (one, other)] == [10, 10]
    assert one.written_together(one.ends(["over"] * 10)) == 1
    for change in other.ends(["over"] * 10):
        assert other.alone(change) is Committed.DONE
    assert one.rows() == other.rows()


def test_callers_who_hold_lines_give_them_back_together(local: LocalAws) -> None:
    """Theirs are none of those that outbound calls leave to callers any more."""
    one, _ = in_both(local.dynamodb, local.table_name, an_account(), [])
    one.step("SET inbound_reserve = :two, outbound_cap = :eight", two=2, eight=8)
    callers = [
        a_call(
            State.ACTIVE,
            account_id=one.account_id,
            call_id=f"call_{place}",
            direction=Direction.INBOUND,
            takes_line=True,
            version=0,
        )
        for place in range(3)
    ]
    rooms = InboundRooms(local.dynamodb, local.table_name)
    assert [rooms.open(replace(call, inbound_room=call.call_id)) for call in callers] == [Opened.OPENED] * 3
    held = one.store.gate(one.account_id)
    assert (held.in_use, held.outbound_cap) == (3, 11)
    calls = [one.store.get(one.account_id, call.call_id) for call in callers]
    changes = [Change(call, moved(call, FoundOver(at(60), call.attempt))) for call in calls if call is not None]
    assert one.written_together(changes) == 1
    left = one.store.gate(one.account_id)
    assert (left.in_use, left.outbound_cap) == (0, 8)


def test_a_gate_that_counts_too_few_gives_back_no_more_than_it_has(local: LocalAws) -> None:
    """Ten lines are given back, and it knows of six: those that find none there are refused, as one by one."""
    one, _ = in_both(local.dynamodb, local.table_name, an_account(), [a_claim()] * 10)
    one.one_by_one("nothing")
    changes = one.ends(["over"] * 10)
    one.step("ADD in_use :less", less=-4)
    written = one.store.commit_together(changes)
    assert 0 < written <= 6
    assert one.store.gate(one.account_id).in_use == 6 - written


def test_a_call_that_is_ended_twice_gives_its_line_back_once(local: LocalAws) -> None:
    one, _ = in_both(local.dynamodb, local.table_name, an_account(), [a_claim()] * 3)
    one.one_by_one("nothing")
    first, second, _ = one.ends(["over"] * 3)
    assert one.store.commit_together([first, second, second, first]) == 2
    assert one.store.gate(one.account_id).in_use == 1


def test_what_has_no_room_is_not_tried_in_vain(local: LocalAws) -> None:
    one, _ = in_both(local.dynamodb, local.table_name, an_account(cap=4), [a_claim()] * 10)
    assert one.together("nothing") == (4, Committed.GATE_FULL, 2), "the fifth by itself, to learn why"


def test_a_call_that_another_took_holds_up_nobody_before_it(local: LocalAws) -> None:
    one, _ = in_both(
        local.dynamodb, local.table_name, an_account(), [*[a_claim()] * 5, a_claim(was_changed=True), a_claim()]
    )
    assert one.together("nothing") == (5, Committed.STALE, 4)
    assert one.store.gate(one.account_id).in_use == 5


@pytest.mark.parametrize("meets", [1, 3])
def test_a_transaction_that_meets_another_is_tried_again_as_it_is(local: LocalAws, meets: int) -> None:
    one, _ = in_both(local.dynamodb, local.table_name, an_account(), [a_claim()] * 10)
    assert with_conflicts(one, meets, lambda: one.store.commit_together(one.changes)) == 10


def with_conflicts(side: Side, meets: int, act: Callable[[], object]) -> object:
    asked, left = side.dynamodb.transact_write_items, meets

    def meet(**transaction: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            return asked(**transaction)
        reasons = [{"Code": "TransactionConflict"}, *[{"Code": "None"}] * (len(transaction["TransactItems"]) - 1)]
        answer = {"Error": {"Code": "TransactionCanceledException", "Message": ""}, "CancellationReasons": reasons}
        raise side.dynamodb.exceptions.TransactionCanceledException(answer, "TransactWriteItems")

    with mock.patch.object(side.dynamodb, "transact_write_items", meet):
        return act()


def test_where_the_table_stays_contended_nothing_is_written(local: LocalAws) -> None:
    one, other = in_both(local.dynamodb, local.table_name, an_account(), [a_claim()] * 3)
    with pytest.raises(TableContended):
        with_conflicts(one, 100, lambda: one.store.commit_together(one.changes))
    assert one.rows() == other.rows()
