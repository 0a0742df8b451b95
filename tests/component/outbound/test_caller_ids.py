"""A pipe may have a pool of numbers, and each of its calls goes out on one that has room when it takes its line."""

from collections import Counter

import pytest

from ringline.calls.capacity.counters import Counter as Limits
from ringline.calls.capacity.counters import Kind, counter_name
from ringline.calls.capacity.pools import CallerIdPolicy, choices
from ringline.calls.model.call import Call, Refusal
from ringline.calls.model.events import DialRefused, FoundOver
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.retries import RetryPolicy
from ringline.calls.model.timing import CALLER_ID_RESTS_S
from ringline.calls.outbound.admit import Paced
from ringline.calls.views.queue_place import BlockedBy
from ringline.calls.views.timeline import timeline
from ringline.routing.records import Number, Pipe
from ringline.runtime.items import to_item
from ringline.runtime.table import queue_pk, queue_sk
from tests.builders import ACCOUNT
from tests.component.one_table import LocalAws
from tests.component.outbound.test_caps import Room

POOL = ("+15550100001", "+15550100002", "+15550100003")


class PoolRoom(Room):
    def __init__(self, local: LocalAws) -> None:
        super().__init__(local)
        for number in POOL:
            self.calls.routing.put_number(ACCOUNT, Number(number=number, number_id=number, trunk_id=f"ST_{number[-1]}"))
        self.sets(CallerIdPolicy.FIXED)

    def sets(self, policy: str, pool: tuple[str, ...] = POOL) -> None:
        pipe = Pipe(pipe_id="PIPE_1", name="Pool", agent_id="AGENT_1", caller_ids=pool, caller_id_policy=policy)
        self.calls.routing.put_pipe(ACCOUNT, pipe)

    def queued(self, call_id: str, **fields: object) -> Call:
        return self.calls.queued(call_id, from_pool=True, from_number=POOL[0], **fields)

    def forget_callees(self) -> None:
        """As the release before writes entries."""
        for entry in self.calls.store.eligible(ACCOUNT, self.calls.clock(), 100):
            key = {"pk": queue_pk(ACCOUNT), "sk": queue_sk(entry.eligible_at, entry.call_id)}
            self.local.dynamodb.update_item(
                TableName=self.local.table_name, Key=to_item(key), UpdateExpression="REMOVE callee"
            )

    def refused(self, call: Call, sip_code: int, refusal: Refusal | None = None) -> Call:
        refused = DialRefused(self.calls.clock(), call.attempt, sip_code, "no", None, None, refusal)
        self.calls.progress.apply(ACCOUNT, call.call_id, refused)
        return self.calls.call(call.call_id)

    def rests_until(self, number: str) -> int:
        return self.calls.counters.look(ACCOUNT, counter_name(Kind.NUMBER, number)).rests_until


@pytest.fixture
def room(local: LocalAws) -> PoolRoom:
    return PoolRoom(local)


def test_a_fixed_pool_uses_its_first_number_through_that_numbers_trunk(room: PoolRoom) -> None:
    room.queued("call_1")
    room.queued("call_2")
    claimed = [room.claimed(), room.claimed()]
    assert [(each.from_number, each.trunk_id) for each in claimed] == [(POOL[0], "ST_1")] * 2


def test_a_fixed_pool_goes_on_where_its_first_number_is_full_and_waits_where_all_are(room: PoolRoom) -> None:
    for number in POOL:
        room.cap(Kind.NUMBER, number, 1)
    for place in range(4):
        room.queued(f"call_{place}")
    assert [room.claimed().from_number for _ in POOL] == list(POOL)
    assert isinstance(room.admitted(), Paced)
    assert room.blocked_by("call_3") is BlockedBy.CALLER_ID


def test_calls_of_others_pass_one_whose_pool_is_full(room: PoolRoom) -> None:
    for number in POOL:
        room.cap(Kind.NUMBER, number, 1)
    for place in range(4):
        room.queued(f"call_{place}")
    room.calls.queued("call_9", pipe_id="PIPE_9")
    assert [room.claimed().call_id for _ in range(4)][-1] == "call_9"


def test_a_callee_of_a_sticky_pool_sees_one_number_and_callees_share_the_pool(room: PoolRoom) -> None:
    room.sets(CallerIdPolicy.STICKY)
    seen: dict[str, set[str | None]] = {}
    for place in range(18):
        callee = f"+1555010100{place % 9}"
        call = room.queued(f"call_{place:02}", to_number=callee)
        claimed = room.claimed()
        assert claimed.call_id == call.call_id
        seen.setdefault(callee, set()).add(claimed.from_number)
        room.ends(claimed)
    assert all(len(numbers) == 1 for numbers in seen.values())
    assert len(set.union(*seen.values())) > 1


def test_a_number_that_leaves_a_sticky_pool_moves_only_its_own_callees(room: PoolRoom) -> None:
    room.sets(CallerIdPolicy.STICKY)
    callees = [f"+1555010200{place}" for place in range(9)]
    before = _dialed(room, callees, "a")
    room.sets(CallerIdPolicy.STICKY, POOL[:2])
    after = _dialed(room, callees, "b")
    assert [(was, now) for was, now in zip(before, after, strict=True) if was != now and was != POOL[2]] == []


def test_least_used_deals_the_days_calls_evenly(room: PoolRoom) -> None:
    room.sets(CallerIdPolicy.LEAST_USED)
    dialed = _dialed(room, ["+15550102000"] * 6, "a")
    assert Counter(dialed) == Counter([*POOL, *POOL])


@pytest.mark.parametrize(
    ("sip_code", "refusal", "rests"),
    [(607, None, True), (608, None, True), (603, Refusal.FRAUD, True), (603, None, False), (403, None, False)],
)
def test_a_number_that_carriers_call_unwanted_rests_and_the_call_tells_so(
    room: PoolRoom, sip_code: int, refusal: Refusal | None, rests: bool
) -> None:
    room.queued("call_1")
    refused = room.refused(room.claimed(), sip_code, refusal)
    until = room.calls.clock() + CALLER_ID_RESTS_S * 1000 if rests else 0
    assert room.rests_until(POOL[0]) == until
    assert any(each["what"] == "caller_id_rests" for each in timeline(refused)) == rests
    room.queued("call_2")
    assert room.claimed().from_number == (POOL[1] if rests else POOL[0])


def test_a_number_that_rests_is_back_when_its_rest_is_over(room: PoolRoom) -> None:
    room.queued("call_1")
    room.refused(room.claimed(), 607)
    room.calls.clock.move(CALLER_ID_RESTS_S + 1)
    room.queued("call_2")
    assert room.claimed().from_number == POOL[0]


def test_a_number_that_is_counted_gives_its_place_back_and_rests_in_one_write(room: PoolRoom) -> None:
    room.cap(Kind.NUMBER, POOL[0], 2)
    room.queued("call_1")
    room.refused(room.claimed(), 607)
    assert room.in_use(Kind.NUMBER, POOL[0]) == 0
    assert room.rests_until(POOL[0]) > 0


def test_each_attempt_shows_the_number_it_went_out_on(room: PoolRoom) -> None:
    room.queued("call_1", retry=RetryPolicy(2, ("SIP_FAILED_NUMBER_BLOCKED",), (0,)))
    room.refused(room.claimed(), 607)
    again = room.claimed()
    assert again.attempts[0].from_number == POOL[0]
    assert again.from_number == POOL[1]


def test_a_number_that_the_account_gave_up_is_passed_over(room: PoolRoom) -> None:
    room.calls.routing.delete_number(ACCOUNT, POOL[0])
    room.queued("call_1")
    assert room.claimed().from_number == POOL[1]


def test_a_call_whose_pipe_is_gone_goes_out_on_the_number_it_was_accepted_with(room: PoolRoom) -> None:
    room.queued("call_1")
    room.calls.routing.delete_pipe(ACCOUNT, "PIPE_1")
    assert room.claimed().from_number == POOL[0]


def test_a_call_of_a_pool_that_has_no_number_left_goes_out_on_the_one_it_was_accepted_with(room: PoolRoom) -> None:
    room.queued("call_1")
    for number in POOL[1:]:
        room.calls.routing.delete_number(ACCOUNT, number)
    room.sets(CallerIdPolicy.FIXED, POOL[1:])
    assert room.claimed().from_number == POOL[0]


@pytest.mark.parametrize("policy", list(CallerIdPolicy))
def test_a_call_of_a_pool_whose_numbers_were_all_given_up_ends_and_holds_up_nobody(
    room: PoolRoom, policy: CallerIdPolicy
) -> None:
    room.sets(policy)
    room.queued("call_1")
    room.calls.queued("call_2", pipe_id="PIPE_9", from_number="+15550100009")
    for number in POOL:
        room.calls.routing.delete_number(ACCOUNT, number)
    assert room.claimed().call_id == "call_2"
    assert room.calls.call("call_1").end_reason is EndReason.SIP_FAILED_ACCOUNT


def _dialed(room: PoolRoom, callees: list[str], name: str) -> list[str]:
    dialed = []
    for place, callee in enumerate(callees):
        room.queued(f"call_{name}_{place}", to_number=callee)
        claimed = room.claimed()
        room.calls.progress.apply(ACCOUNT, claimed.call_id, FoundOver(room.calls.clock(), claimed.attempt))
        dialed.append(claimed.from_number or "")
    return dialed


# --- trunks of a pool's numbers --------------------------------------------------------------------------------------


def test_a_pool_whose_next_numbers_trunk_rests_waits_for_it_and_holds_up_nobody_else(room: PoolRoom) -> None:
    room.cap(Kind.NUMBER, POOL[0], 1)
    for place in range(3):
        room.queued(f"call_{place}", trunk_id="ST_1")
    room.calls.queued("call_9", pipe_id="PIPE_9", from_number="+15550100009", trunk_id="ST_9")
    assert room.claimed().from_number == POOL[0]
    until = room.calls.clock() + 2_000
    room.calls.paces.rest("ST_2", room.calls.clock(), until)
    assert room.claimed().call_id == "call_9"
    assert room.admitted() == Paced(until)
    room.calls.clock.move(2)
    claimed = room.claimed()
    assert (claimed.call_id, claimed.from_number, claimed.trunk_id) == ("call_1", POOL[1], "ST_2")


def test_a_pool_whose_numbers_call_through_trunks_of_their_own_keeps_the_pace_of_each(room: PoolRoom) -> None:
    room.sets(CallerIdPolicy.LEAST_USED, POOL[:2])
    room.calls.paces.set_rate("ST_2", 0.2)
    for place in range(6):
        room.queued(f"call_{place}", trunk_id="ST_1")
    claimed = Counter[str | None]()
    while len([*claimed.elements()]) < 6:
        admitted = room.admitted()
        if isinstance(admitted, Paced):
            assert admitted.until > room.calls.clock()
            room.calls.clock.move((admitted.until - room.calls.clock()) / 1000)
        else:
            assert isinstance(admitted, Call)
            claimed[admitted.trunk_id] += 1
    assert claimed == {"ST_1": 3, "ST_2": 3}


def test_a_resting_trunk_of_the_first_number_holds_up_no_other_number(room: PoolRoom) -> None:
    room.cap(Kind.NUMBER, POOL[0], 1)
    for place in range(2):
        room.queued(f"call_{place}", trunk_id="ST_1")
    assert room.claimed().from_number == POOL[0]
    room.calls.paces.rest("ST_1", room.calls.clock(), room.calls.clock() + 60_000)
    assert room.claimed().from_number == POOL[1]


def callees(room: PoolRoom) -> dict[str, list[str]]:
    """Whom a sticky pool calls from each of its numbers."""
    room.sets(CallerIdPolicy.STICKY)
    some: dict[str, list[str]] = {number: [] for number in POOL}
    for place in range(30):
        callee = f"+155501030{place:02}"
        number = next(choices(POOL, CallerIdPolicy.STICKY, callee, lambda _: Limits(), 0))
        some[number].append(callee)
    assert all(len(each) > 2 for each in some.values())
    return some


def rests(room: PoolRoom, trunk_id: str) -> int:
    until = room.calls.clock() + 2_000
    room.calls.paces.rest(trunk_id, room.calls.clock(), until)
    return until


def test_a_sticky_number_whose_trunk_rests_holds_up_no_callee_of_another_number(room: PoolRoom) -> None:
    of = callees(room)
    waits = [room.queued(f"call_{place}", to_number=of[POOL[0]][place]) for place in range(3)]
    room.queued("call_5", to_number=of[POOL[1]][0])
    room.queued("call_6", to_number=of[POOL[2]][0])
    until = rests(room, "ST_1")
    assert [room.claimed().call_id, room.claimed().call_id] == ["call_5", "call_6"]
    assert room.admitted() == Paced(until)
    room.calls.clock.move(2)
    assert room.claimed().call_id == waits[0].call_id


def test_two_sticky_numbers_whose_trunks_rest_wait_for_the_first_of_them(room: PoolRoom) -> None:
    of = callees(room)
    room.queued("call_1", to_number=of[POOL[0]][0])
    room.queued("call_2", to_number=of[POOL[1]][0])
    until = rests(room, "ST_2")
    room.calls.paces.rest("ST_1", room.calls.clock(), until + 60_000)
    assert room.admitted() == Paced(until)
    room.calls.clock.move(2)
    assert room.claimed().call_id == "call_2"


def test_sticky_numbers_whose_trunks_all_rest_are_found_in_one_look_at_the_queue(room: PoolRoom) -> None:
    many = tuple(f"+155501002{place:02}" for place in range(60))
    room.sets(CallerIdPolicy.STICKY, many)
    until = room.calls.clock() + 2_000
    for place, number in enumerate(many):
        own = Number(number=number, number_id=f"num_{number}", trunk_id=f"ST_many_{place}")
        room.calls.routing.put_number(ACCOUNT, own)
        room.calls.paces.rest(f"ST_many_{place}", room.calls.clock(), until)
    called_from = set[str]()
    for place in range(300):
        callee = f"+15550103{place:03}"
        number = next(choices(many, CallerIdPolicy.STICKY, callee, lambda _: Limits(), 0))
        if number not in called_from:
            called_from.add(number)
            room.queued(f"call_{place}", to_number=callee)
    assert len(called_from) > 50
    assert room.admitted() == Paced(until)


def test_a_sticky_call_whose_entry_does_not_tell_its_callee_waits_with_its_whole_pool(room: PoolRoom) -> None:
    of = callees(room)
    for place, number in enumerate(POOL):
        room.queued(f"call_{place}", to_number=of[number][0])
    room.forget_callees()
    until = rests(room, "ST_1")
    assert room.admitted() == Paced(until)


def test_calls_behind_one_whose_number_of_a_pool_has_a_resting_trunk_go_out_by_the_same_bell(room: PoolRoom) -> None:
    of = callees(room)
    room.calls.queued("call_1", pipe_id="PIPE_9", from_number="+15550100009", trunk_id="ST_9")
    room.queued("call_2", to_number=of[POOL[0]][0])
    room.calls.queued("call_3", pipe_id="PIPE_9", from_number="+15550100009", trunk_id="ST_9")
    room.queued("call_4", to_number=of[POOL[1]][0])
    rests(room, "ST_1")
    room.calls.ring()
    assert {call.call_id for call in room.calls.telephony.dialed} == {"call_1", "call_3", "call_4"}
