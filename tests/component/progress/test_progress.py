"""How an event reaches a call: as it is now, or as its caller has just read it and only once."""

import pytest

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import CarrierForwarded, CarrierRang, Claimed, EndAsked, FoundOver
from ringline.calls.model.reasons import EndReason
from ringline.calls.progress.progress import Applied, GateFull, Outdated, Unapplied
from tests.builders import ACCOUNT, at
from tests.component.calls_room import CallsRoom, calls_room
from tests.component.one_table import LocalAws


@pytest.fixture
def room(local: LocalAws) -> CallsRoom:
    return calls_room(local, cap=1)


def test_a_claim_of_a_call_as_it_was_read_takes_a_line(room: CallsRoom) -> None:
    read_call = room.queued()
    claim = room.progress.apply_to(read_call, Claimed(at(1)))
    assert isinstance(claim, Applied)
    assert (claim.call, claim.call.state) == (room.call(), State.DIALING)
    assert room.in_use == 1
    assert room.doorbell.rings == [], "no line was given back"


def test_a_claim_at_a_full_gate_changes_nothing(room: CallsRoom) -> None:
    room.dialing("call_1")
    read_call = room.queued("call_2")
    assert room.progress.apply_to(read_call, Claimed(at(1))) == GateFull()
    assert room.call("call_2") == read_call
    assert room.in_use == 1


def test_a_claim_of_a_call_that_another_dialer_has_claimed_is_outdated(room: CallsRoom) -> None:
    read_call = room.queued()
    room.progress.apply_to(read_call, Claimed(at(1)))
    claimed_call = room.call()
    assert room.progress.apply_to(read_call, Claimed(at(2))) == Outdated()
    assert room.call() == claimed_call


def test_a_claim_of_a_call_that_does_not_wait_is_not_written(room: CallsRoom) -> None:
    dialed_call = room.dialing()
    claim = room.progress.apply_to(dialed_call, Claimed(at(2)))
    assert isinstance(claim, Unapplied)
    assert (claim.call, claim.why) == (dialed_call, "claimed_means_nothing_while_dialing")


def test_an_event_of_a_call_that_has_changed_meanwhile_is_applied_to_what_it_is_now(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    outdated_call = room.dialing()
    room.clock.move(5)
    room.progress.apply(ACCOUNT, "call_1", CarrierRang(at(3), 1))
    read_now = room.store.get
    reads = [outdated_call]

    def read_late(account_id: str, call_id: str) -> Call | None:
        return reads.pop() if reads else read_now(account_id, call_id)

    monkeypatch.setattr(room.store, "get", read_late)
    forwarded = room.progress.apply(ACCOUNT, "call_1", CarrierForwarded(at(4), 1, "+15550100999", False))
    assert isinstance(forwarded, Applied)
    assert reads == []
    assert (forwarded.call.carrier.rang_at, forwarded.call.carrier.forwarded_at) == (at(3), at(4))


def test_a_line_that_is_given_back_rings_for_the_next_caller(room: CallsRoom) -> None:
    waiting_call = room.queued("call_1")
    room.queued("call_2")
    claim = room.progress.apply_to(waiting_call, Claimed(at(1)))
    assert isinstance(claim, Applied)
    assert isinstance(room.progress.apply_to(claim.call, FoundOver(at(9), 1)), Applied)
    assert room.in_use == 0
    assert room.doorbell.accounts == [ACCOUNT]


def test_an_event_of_an_unknown_call_changes_nothing(room: CallsRoom) -> None:
    asked = room.progress.apply(ACCOUNT, "call_nobody", EndAsked(at(1), EndReason.API_HUNG_UP))
    assert asked == Unapplied(None, "unknown_call")
