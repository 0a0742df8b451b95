"""An account's day: so many calls, minutes and new numbers, held where the line is taken."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ringline.accounts.tables.allowances import Allowances
from ringline.calls.capacity.days import MS_A_MINUTE, Use, cap_attribute, next_day_at, own_cap_attribute
from ringline.calls.model.call import Call
from ringline.calls.model.events import AgentAwaited, AgentCame, Answered, Claimed, DialNotSent, FoundOver
from ringline.calls.outbound.admit import NoneAdmitted, Paced
from ringline.calls.outbound.queue_head import ExpiredAhead
from ringline.calls.progress.progress import Outdated
from ringline.calls.views.queue_place import BlockedBy, queue_place
from tests.builders import ACCOUNT
from tests.component.calls_room import calls_room
from tests.component.one_table import LocalAws


class Room:
    def __init__(self, local: LocalAws) -> None:
        self.calls = calls_room(local, cap=20)
        self.allowances = Allowances(local.dynamodb, local.table_name)

    def may(self, use: Use, cap: int, own: int | None = None) -> None:
        self.allowances.set(ACCOUNT, {cap_attribute(use): cap, own_cap_attribute(use): own})

    def admitted(self) -> Call | NoneAdmitted | Paced | ExpiredAhead:
        return self.calls.next_call(ACCOUNT)

    def claimed(self) -> Call:
        call = self.admitted()
        assert isinstance(call, Call)
        return call

    def used(self, use: Use) -> int:
        return self.calls.store.gate(ACCOUNT).daily.used(use, self.calls.clock())

    def blocked_by(self, call_id: str) -> BlockedBy:
        calls = self.calls
        place = queue_place(calls.store, calls.paces, calls.places, calls.capacity, calls.call(call_id), calls.clock())
        assert place is not None
        return place.blocked_by

    def next_day(self) -> None:
        self.calls.clock.now = next_day_at(self.calls.clock())


@pytest.fixture
def room(local: LocalAws) -> Room:
    return Room(local)


def test_a_call_beyond_the_days_calls_waits_until_the_next_day(room: Room) -> None:
    room.may(Use.CALLS, 1)
    room.calls.queued("call_1")
    room.calls.queued("call_2")
    room.claimed()
    assert room.admitted() is NoneAdmitted.DAY_SPENT
    assert room.blocked_by("call_2") is BlockedBy.DAILY_CAP
    assert room.calls.sweep().rung == 0, "nobody rings for an account that may not dial"
    room.next_day()
    assert room.claimed().call_id == "call_2"


@pytest.mark.parametrize(("cap", "own"), [(2, 5), (5, 2), (2, None)])
def test_the_lower_cap_of_operator_and_account_holds(room: Room, cap: int, own: int | None) -> None:
    room.may(Use.CALLS, cap, own)
    for number in range(4):
        room.calls.queued(f"call_{number}")
    assert [room.claimed().call_id, room.claimed().call_id] == ["call_0", "call_1"]
    assert room.admitted() is NoneAdmitted.DAY_SPENT


def test_a_cap_of_none_lets_nobody_ring_from_the_first_claim_on(room: Room) -> None:
    call = room.calls.queued("call_1")
    room.may(Use.CALLS, 0)
    assert room.admitted() is NoneAdmitted.DAY_SPENT
    claimed = room.calls.progress.apply_to(call, Claimed(room.calls.clock()))
    assert isinstance(claimed, Outdated), "the table holds it, too, where somebody looked before the cap was set"


def test_a_dial_that_rang_nobody_is_given_back(room: Room) -> None:
    room.calls.queued("call_1")
    call = room.claimed()
    assert room.used(Use.CALLS) == 1
    room.calls.progress.apply(
        ACCOUNT, call.call_id, DialNotSent(room.calls.clock(), call.attempt, "away", "unavailable", 1)
    )
    assert room.used(Use.CALLS) == 0


def test_a_dial_whose_agent_came_after_midnight_is_given_back_to_its_own_day(room: Room) -> None:
    room.calls.clock.now = next_day_at(room.calls.clock()) - 1_000
    evening = room.calls.clock()
    room.calls.queued("call_1", agent_first=True)
    call = room.claimed()
    apply, clock = room.calls.progress.apply, room.calls.clock
    apply(ACCOUNT, call.call_id, AgentAwaited(clock(), call.attempt))
    room.next_day()
    room.calls.clock.now += 1_000
    apply(ACCOUNT, call.call_id, AgentCame(clock(), call.attempt))
    apply(ACCOUNT, call.call_id, DialNotSent(clock(), call.attempt, "away", "unavailable", 1))
    daily = room.calls.store.gate(ACCOUNT).daily
    assert [daily.used(Use.CALLS, at) for at in (evening, clock())] == [0, 0]


def test_minutes_are_those_that_were_talked_and_the_next_call_waits(room: Room) -> None:
    room.may(Use.TALK_MS, MS_A_MINUTE)
    room.calls.queued("call_1")
    room.calls.queued("call_2")
    call = room.claimed()
    apply = room.calls.progress.apply
    apply(ACCOUNT, call.call_id, Answered(room.calls.clock(), call.attempt, "PA_leg", "SCL_1", None))
    room.calls.clock.now += MS_A_MINUTE
    apply(ACCOUNT, call.call_id, FoundOver(room.calls.clock(), call.attempt))
    assert room.used(Use.TALK_MS) == MS_A_MINUTE
    assert room.admitted() is NoneAdmitted.DAY_SPENT


def test_a_number_that_was_never_called_waits_and_calls_to_others_pass_it(room: Room) -> None:
    room.may(Use.NEW_NUMBERS, 1)
    room.calls.queued("call_1", to_number="+15550100201")
    room.claimed()
    room.calls.queued("call_2", to_number="+15550100202")
    room.calls.queued("call_3", to_number="+15550100201")
    assert room.claimed().call_id == "call_3"
    assert isinstance(room.admitted(), Paced)
    assert room.blocked_by("call_2") is BlockedBy.DAILY_CAP
    assert room.used(Use.NEW_NUMBERS) == 1
    room.next_day()
    assert room.claimed().call_id == "call_2"


@pytest.mark.parametrize("behind", [0, 120])
def test_the_second_call_to_a_new_number_does_not_wait_for_the_next_day(room: Room, behind: int) -> None:
    room.may(Use.NEW_NUMBERS, 1)
    room.calls.queued_to_new_number("call_1", "+15550100201")
    for number in range(behind):
        room.calls.queued_to_new_number(f"call_2_{number:03}", f"+15550101{number:03}")
    room.calls.queued_to_new_number("call_3", "+15550100201")
    assert [room.claimed().call_id, room.claimed().call_id] == ["call_1", "call_3"]
    assert room.used(Use.NEW_NUMBERS) == 1
    assert not isinstance(room.admitted(), Call)


def test_numbers_are_remembered_only_where_there_is_a_cap_on_new_ones(room: Room) -> None:
    call = room.calls.queued("call_1")
    room.claimed()
    assert not room.calls.store.was_called(ACCOUNT, call.to_number or "")


def test_claims_at_once_never_pass_the_cap(room: Room) -> None:
    room.may(Use.CALLS, 3)
    for number in range(8):
        room.calls.queued(f"call_{number}")
    with ThreadPoolExecutor(8) as threads:
        came = list(threads.map(lambda _: room.admitted(), range(8)))
    assert sum(isinstance(each, Call) for each in came) == 3 == room.used(Use.CALLS)


def test_counts_of_days_before_yesterday_are_removed_with_a_claim(room: Room) -> None:
    for day in range(5):
        room.calls.queued(f"call_{day}")
        room.claimed()
        room.next_day()
    kept = [name for name in room.calls.store.gate(ACCOUNT).daily.kept if name.endswith("_calls") and name[0] == "d"]
    assert len(kept) == 2
