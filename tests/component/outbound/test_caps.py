"""An agent, a pipe or a number may have a cap of its own, and the call that it stops waits in its place."""

from collections.abc import Iterator
from unittest import mock

import pytest

from ringline.calls.capacity.counters import Kind, counter_name
from ringline.calls.model.call import Call, State
from ringline.calls.model.events import Claimed, DialNotSent, EndAsked, FoundOver
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import CAP_LOOK_S
from ringline.calls.outbound.admit import NoneAdmitted, Paced
from ringline.calls.outbound.queue_head import ExpiredAhead
from ringline.calls.progress.progress import Applied, CapReached, Outdated
from ringline.calls.progress.set_cap import SetCap
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.store import TableContended
from ringline.calls.views.queue_place import BlockedBy, queue_place
from ringline.runtime.table import caps_pk
from tests.builders import ACCOUNT
from tests.component.calls_room import LOG, calls_room
from tests.component.one_table import LocalAws

OUR_NUMBER = "+15550100000"


class Room:
    def __init__(self, local: LocalAws) -> None:
        self.local = local
        self.calls = calls_room(local, cap=20)
        self.set_cap = SetCap(
            counters=self.calls.counters,
            pages=CallPages(local.dynamodb, local.table_name),
            progress=self.calls.progress,
            doorbell=self.calls.doorbell,
            clock=self.calls.clock,
            log=LOG,
        )

    def cap(self, kind: Kind, of: str, max_calls: int | None, calls_per_day: int | None = None) -> None:
        self.set_cap.run(ACCOUNT, kind, of, max_calls, calls_per_day)

    def admitted(self) -> Call | NoneAdmitted | Paced | ExpiredAhead:
        return self.calls.next_call(ACCOUNT)

    def claimed(self) -> Call:
        call = self.admitted()
        assert isinstance(call, Call)
        return call

    def ends(self, call: Call) -> Call:
        self.calls.progress.apply(ACCOUNT, call.call_id, FoundOver(self.calls.clock(), call.attempt))
        return self.calls.call(call.call_id)

    def in_use(self, kind: Kind, of: str) -> int:
        return self.calls.counters.look(ACCOUNT, counter_name(kind, of)).in_use

    def blocked_by(self, call_id: str) -> BlockedBy:
        calls = self.calls
        place = queue_place(calls.store, calls.paces, calls.places, calls.capacity, calls.call(call_id), calls.clock())
        assert place is not None
        return place.blocked_by


@pytest.fixture
def room(local: LocalAws) -> Room:
    return Room(local)


CAPPED = [
    pytest.param(Kind.AGENT, "AGENT_1", "agent_id", BlockedBy.AGENT_CAP, id="agent"),
    pytest.param(Kind.PIPE, "PIPE_1", "pipe_id", BlockedBy.PIPE_CAP, id="pipe"),
    pytest.param(Kind.NUMBER, OUR_NUMBER, "from_number", BlockedBy.NUMBER_CAP, id="number"),
]


@pytest.mark.parametrize(("kind", "of", "field", "word"), CAPPED)
def test_a_call_beyond_the_cap_waits_and_says_for_what(
    room: Room, kind: Kind, of: str, field: str, word: BlockedBy
) -> None:
    room.cap(kind, of, 1)
    first, second = room.calls.queued("call_1"), room.calls.queued("call_2")
    assert room.claimed().call_id == first.call_id
    waits = room.admitted()
    assert waits == Paced(room.calls.clock() + CAP_LOOK_S * 1000)
    assert room.blocked_by(second.call_id) is word
    assert room.in_use(kind, of) == 1
    assert room.calls.in_use == 1


@pytest.mark.parametrize(("kind", "of", "field", "word"), CAPPED)
def test_calls_of_others_pass_the_one_that_waits(room: Room, kind: Kind, of: str, field: str, word: BlockedBy) -> None:
    room.cap(kind, of, 1)
    for call_id in ("call_1", "call_2"):
        room.calls.queued(call_id)
    room.calls.queued("call_3", **{field: "+15550100001" if field == "from_number" else "another"})
    assert [room.claimed().call_id, room.claimed().call_id] == ["call_1", "call_3"]


@pytest.mark.parametrize(("kind", "of", "field", "word"), CAPPED)
def test_a_call_that_ends_gives_its_place_back_and_rings(
    room: Room, kind: Kind, of: str, field: str, word: BlockedBy
) -> None:
    room.cap(kind, of, 1)
    room.calls.queued("call_1")
    room.calls.queued("call_2")
    first = room.claimed()
    rung = len(room.calls.doorbell.rings)
    room.ends(first)
    assert len(room.calls.doorbell.rings) > rung
    assert room.in_use(kind, of) == 0
    assert room.claimed().call_id == "call_2"


@pytest.mark.parametrize(("max_calls", "has_died"), [(2, False), (None, False), (2, True), (None, True)], ids=str)
def test_a_cap_that_is_raised_or_taken_off_rings_for_who_waited(
    room: Room, max_calls: int | None, has_died: bool
) -> None:
    room.cap(Kind.NUMBER, OUR_NUMBER, 1, 1)
    if has_died:
        # Whoever set it, before they could ring.
        room.set_cap.counters.set_cap(ACCOUNT, Kind.NUMBER, OUR_NUMBER, max_calls, None)
    room.calls.doorbell.rings.clear()
    room.cap(Kind.NUMBER, OUR_NUMBER, max_calls)
    assert room.calls.doorbell.accounts == [ACCOUNT]


def test_a_cap_that_is_raised_rings_also_where_those_under_way_could_not_be_counted(room: Room) -> None:
    room.cap(Kind.AGENT, "AGENT_1", 1)
    room.calls.doorbell.rings.clear()
    with mock.patch.object(SetCap, "_under_way", side_effect=TableContended), pytest.raises(TableContended):
        room.cap(Kind.AGENT, "AGENT_1", 2)
    assert room.calls.doorbell.accounts == [ACCOUNT]


def test_a_call_counts_in_all_its_caps_or_in_none(room: Room) -> None:
    room.cap(Kind.AGENT, "AGENT_1", 5)
    room.cap(Kind.PIPE, "PIPE_1", 5)
    room.cap(Kind.NUMBER, OUR_NUMBER, 1)
    room.calls.queued("call_1")
    room.calls.queued("call_2")
    assert room.claimed().counters == ("AGENT#AGENT_1", "PIPE#PIPE_1", f"NUMBER#{OUR_NUMBER}")
    assert isinstance(room.admitted(), Paced)
    assert [room.in_use(*each) for each in ((Kind.AGENT, "AGENT_1"), (Kind.PIPE, "PIPE_1"))] == [1, 1]


def test_a_call_that_is_capped_nowhere_writes_what_it_wrote_before(room: Room) -> None:
    room.calls.queued("call_1")
    with mock.patch.object(
        room.local.dynamodb, "transact_write_items", wraps=room.local.dynamodb.transact_write_items
    ) as written:
        claimed = room.claimed()
        room.ends(claimed)
    assert [len(each.kwargs["TransactItems"]) for each in written.call_args_list] == [3, 2]
    assert claimed.counters == ()


def test_a_cap_that_is_taken_off_lets_all_go_and_forgets_nobody(room: Room) -> None:
    room.cap(Kind.AGENT, "AGENT_1", 1)
    for call_id in ("call_1", "call_2", "call_3"):
        room.calls.queued(call_id)
    first = room.claimed()
    rung = len(room.calls.doorbell.rings)
    room.cap(Kind.AGENT, "AGENT_1", None)
    assert len(room.calls.doorbell.rings) > rung
    second = room.claimed()
    assert second.counters == ()
    room.ends(first)
    assert room.in_use(Kind.AGENT, "AGENT_1") == 0


def test_a_cap_that_is_lowered_drains(room: Room) -> None:
    room.cap(Kind.AGENT, "AGENT_1", 3)
    for call_id in ("call_1", "call_2", "call_3"):
        room.calls.queued(call_id)
    first, second = room.claimed(), room.claimed()
    room.cap(Kind.AGENT, "AGENT_1", 1)
    assert isinstance(room.admitted(), Paced)
    room.ends(first)
    assert isinstance(room.admitted(), Paced)
    room.ends(second)
    assert room.claimed().call_id == "call_3"


def test_calls_under_way_count_when_their_agent_gets_its_first_cap(room: Room) -> None:
    for call_id in ("call_1", "call_2", "call_3"):
        room.calls.queued(call_id)
    first, second = room.claimed(), room.claimed()
    room.cap(Kind.AGENT, "AGENT_1", 1)
    assert room.in_use(Kind.AGENT, "AGENT_1") == 2
    assert isinstance(room.admitted(), Paced)
    room.ends(first)
    room.ends(second)
    assert room.in_use(Kind.AGENT, "AGENT_1") == 0
    assert room.claimed().call_id == "call_3"


def test_a_cap_whose_setter_died_before_all_were_counted_counts_them_when_it_is_set_again(room: Room) -> None:
    room.calls.queued("call_000")
    claimed = room.claimed()
    room.set_cap.counters.set_cap(ACCOUNT, Kind.AGENT, claimed.agent_id or "", 1, None)
    assert room.in_use(Kind.AGENT, claimed.agent_id or "") == 0
    room.cap(Kind.AGENT, claimed.agent_id or "", 1)
    assert room.in_use(Kind.AGENT, claimed.agent_id or "") == 1


def test_a_claim_that_was_decided_on_before_the_cap_is_asked_anew(room: Room) -> None:
    call = room.calls.queued("call_1")
    version = room.calls.store.gate(ACCOUNT).caps_version
    room.cap(Kind.AGENT, "AGENT_1", 1)
    assert room.calls.progress.apply_to(call, Claimed(room.calls.clock()), version) == Outdated()
    assert room.calls.in_use == 0


def test_two_dialers_who_saw_the_last_place_do_not_both_take_it(room: Room) -> None:
    room.cap(Kind.PIPE, "PIPE_1", 1)
    first, second = room.calls.queued("call_1"), room.calls.queued("call_2")
    claim = Claimed(room.calls.clock(), counters=("PIPE#PIPE_1",))
    version = room.calls.store.gate(ACCOUNT).caps_version
    assert isinstance(room.calls.progress.apply_to(first, claim, version), Applied)
    assert room.calls.progress.apply_to(second, claim, version) == CapReached()
    assert room.calls.in_use == 1


def test_a_number_has_so_many_dials_a_day_and_more_the_next(room: Room) -> None:
    room.cap(Kind.NUMBER, OUR_NUMBER, None, calls_per_day=1)
    room.calls.queued("call_1")
    room.calls.queued("call_2")
    room.ends(room.claimed())
    assert isinstance(room.admitted(), Paced)
    assert room.blocked_by("call_2") is BlockedBy.NUMBER_CAP
    room.calls.clock.move(24 * 3600)
    assert room.claimed().call_id == "call_2"


def test_a_dial_that_rang_nobody_does_not_use_up_the_day(room: Room) -> None:
    room.cap(Kind.NUMBER, OUR_NUMBER, None, calls_per_day=1)
    room.calls.queued("call_1")
    claimed = room.claimed()
    not_sent = DialNotSent(room.calls.clock(), claimed.attempt, "away", "unavailable", 1)
    room.calls.progress.apply(ACCOUNT, claimed.call_id, not_sent)
    room.calls.clock.move(2)
    assert room.claimed().call_id == "call_1"
    assert room.calls.counters.look(ACCOUNT, f"NUMBER#{OUR_NUMBER}").today == 1


def test_a_call_that_was_queued_before_entries_named_their_counters_waits_all_the_same(room: Room) -> None:
    room.cap(Kind.AGENT, "AGENT_1", 1)
    for call_id in ("call_1", "call_2"):
        queued = room.calls.queued(call_id)
        _take_off(room, queued)
    room.calls.queued("call_3", agent_id="another")
    assert [room.claimed().call_id, room.claimed().call_id] == ["call_1", "call_3"]
    assert isinstance(room.admitted(), Paced)


def test_a_canceled_call_gives_back_nothing_it_never_took(room: Room) -> None:
    room.cap(Kind.AGENT, "AGENT_1", 1)
    room.calls.queued("call_1")
    room.calls.progress.apply(ACCOUNT, "call_1", EndAsked(room.calls.clock(), EndReason.API_HUNG_UP))
    assert room.calls.call("call_1").state is State.CANCELED
    assert room.in_use(Kind.AGENT, "AGENT_1") == 0


def test_a_cap_of_an_unknown_account_is_refused(room: Room) -> None:
    with pytest.raises(LookupError):
        room.set_cap.run("acc_2", Kind.AGENT, "AGENT_1", 1)
    assert list(_counters(room, "acc_2")) == []


def test_a_second_cap_of_the_same_size_changes_nothing(room: Room) -> None:
    room.cap(Kind.AGENT, "AGENT_1", 1)
    version = room.calls.store.gate(ACCOUNT).caps_version
    room.cap(Kind.AGENT, "AGENT_1", 1)
    assert room.calls.store.gate(ACCOUNT).caps_version == version


def _take_off(room: Room, call: Call) -> None:
    """The queue entry as the release before wrote it."""
    room.local.dynamodb.update_item(
        TableName=room.local.table_name,
        Key={"pk": {"S": f"A#{ACCOUNT}#QUEUE"}, "sk": {"S": f"{call.eligible_at:015d}#{call.call_id}"}},
        UpdateExpression="REMOVE counters",
    )


def _counters(room: Room, account_id: str) -> Iterator[object]:
    yield from room.local.dynamodb.query(
        TableName=room.local.table_name,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": caps_pk(account_id)}},
    )["Items"]
