"""The log of an account's events: numbered without a gap, one row for one event, and counting on after a long sleep."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from copy import replace
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringline.runtime.items import to_item
from ringline.webhooks.model.event import EventDraft
from ringline.webhooks.model.event_type import EVENTS_KEPT_S
from ringline.webhooks.tables.event_counts import EventCounts
from ringline.webhooks.tables.event_turns import LASTS_MS, EventTurns
from ringline.webhooks.tables.events import MANY, MOST_AT_ONCE, EventStore
from tests.builders import NOW
from tests.component.one_table import LocalAws, local_aws
from tests.fakes import HandClock
from tests.unit.webhooks.webhook_fakes import a_draft

KEPT_DAYS = EVENTS_KEPT_S // 86_400


@dataclass
class Log:
    """The table, the clock, and what the table's TTL does to it."""

    aws: LocalAws
    clock: HandClock = field(default_factory=HandClock)
    kept_s: int = EVENTS_KEPT_S

    def store(self) -> EventStore:
        """As each invocation makes one."""
        return EventStore(self.aws.dynamodb, self.aws.table_name, self.clock, kept_s=self.kept_s)

    def append(self, number: int) -> int:
        return self.store().append(of_call(number)).sequence

    def numbers(self) -> list[int]:
        return [event.sequence for event in self.store().page("acct_1", 0, 100)]

    def days_pass(self, days: int) -> None:
        """Every other day the sweep looks at what is due, and what has expired is taken away."""
        for _ in range(-(-days // 2)):
            self.hours_pass(48)

    def hours_pass(self, hours: int) -> None:
        self.clock.move(hours * 3600)
        counts = EventCounts(self.aws.dynamodb, self.aws.table_name, self.clock)
        for item in self.aws.items():
            if item.get("due_at", 2**60) <= self.clock():
                assert counts.look(item["pk"], item["due_at"])
            if item.get("ttl_at_s", 2**40) <= self.clock() // 1000:
                self.remove(item["pk"], item["sk"])

    def remove(self, pk: str, sk: str) -> None:
        self.aws.dynamodb.delete_item(TableName=self.aws.table_name, Key=to_item({"pk": pk, "sk": sk}))


def of_call(number: int) -> EventDraft:
    return a_draft(call_id=f"call_{number}")


def of_calls(first: int, count: int) -> list[EventDraft]:
    return [of_call(number) for number in range(first, first + count)]


@pytest.fixture
def log() -> Iterator[Log]:
    with local_aws() as aws:
        yield Log(aws)


def test_events_are_numbered_from_one_and_read_back_whole(log: Log) -> None:
    first, second = log.store().append(of_call(1)), log.store().append(of_call(2))
    assert (first.sequence, second.sequence) == (1, 2)
    assert log.store().at("acct_1", 1) == log.store().event("acct_1", first.event_id) == first
    assert log.store().event("acct_1", "evt_of_nobody") is None
    assert log.store().at("acct_2", 1) is None
    told = log.store().at("acct_1", 2)
    assert told is not None and told.body_as("call_end") == second.body_as("call_end")
    assert told.body == {
        "type": "call.ended",
        "id": second.event_id,
        "timestamp": "2026-11-21T01:34:31.000Z",
        "sequence": 2,
        "data": {"call_id": "call_1", "status": "completed", "sequence": 5},
    }


def test_an_event_that_is_appended_again_is_the_one_that_was_written(log: Log) -> None:
    first = log.store().append(of_call(1))
    log.append(2)
    again = log.store().append(replace(of_call(1), occurred_at=NOW + 60_000, data={"status": "changed since"}))
    assert again == first
    assert log.numbers() == [1, 2]
    assert log.append(3) == 3


def test_one_store_appends_without_reading_again(log: Log) -> None:
    store = log.store()
    assert [store.append(of_call(number)).sequence for number in range(5)] == [1, 2, 3, 4, 5]
    assert log.append(9) == 6
    assert store.append(of_call(10)).sequence == 7, "another one has written meanwhile"


def test_several_are_written_together_in_their_order(log: Log) -> None:
    """More than one transaction takes, and one of them twice."""
    drafts = [of_call(number) for number in (*range(MOST_AT_ONCE + 5), 3)]
    events = log.store().append_all(drafts)
    assert [event.sequence for event in events] == [*range(1, MOST_AT_ONCE + 6), 4]
    assert [event.call_id for event in events] == [draft.call_id for draft in drafts]
    assert log.store().at("acct_1", 17) == events[16]


def test_of_several_those_that_are_written_keep_their_places(log: Log) -> None:
    log.append(1)
    log.append(3)
    events = log.store().append_all([of_call(number) for number in range(5)])
    assert [event.sequence for event in events] == [3, 1, 4, 2, 5]
    assert log.numbers() == [1, 2, 3, 4, 5]


def test_those_that_are_too_large_for_one_transaction_take_two(log: Log) -> None:
    large = [replace(of_call(number), data={"text": "x" * 1_500_000}) for number in range(2)]
    assert [event.sequence for event in log.store().append_all(large)] == [1, 2]


def test_ten_who_append_many_at_once_leave_no_gap_and_no_double(log: Log) -> None:
    def append(first: int) -> list[int]:
        return [event.sequence for event in log.store().append_all([of_call(first + each) for each in range(5)])]

    with ThreadPoolExecutor(10) as pool:
        taken = list(pool.map(append, [*range(0, 50, 5), *range(0, 50, 5)]))
    assert sorted({sequence for each in taken for sequence in each}) == list(range(1, 51)) == log.numbers()
    assert all(each == sorted(each) for each in taken)
    assert taken[:10] == taken[10:], "who appends again gets what was written"


def refused(aws: LocalAws) -> list[str]:
    """The transactions that are refused from now on, by their status."""
    seen: list[str] = []

    def note(http_response: Any, **_: Any) -> None:
        if http_response.status_code != 200:
            seen.append("refused")

    aws.dynamodb.meta.events.register("after-call.dynamodb.TransactWriteItems", note)
    return seen


def test_of_those_who_append_many_at_once_nobody_loses_a_place(log: Log) -> None:
    lost = refused(log.aws)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda first: log.store().append_all(of_calls(first, MANY)), range(0, 8 * MANY, MANY)))
    assert sorted(event.sequence for each in taken for event in each) == log.numbers() == list(range(1, 8 * MANY + 1))
    assert lost == []


def test_who_died_with_the_turn_holds_up_others_until_it_lapses_and_nobody_for_longer(log: Log) -> None:
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        log.clock.move(1)

    turns = EventTurns(log.aws.dynamodb, log.aws.table_name, log.clock, pause)
    with ExitStack() as never_left:
        never_left.enter_context(turns.taken("acct_1"))
        store = EventStore(log.aws.dynamodb, log.aws.table_name, log.clock, pause=pause)
        assert [event.sequence for event in store.append_all(of_calls(0, MANY))] == list(range(1, MANY + 1))
        assert len(waits) == LASTS_MS // 1000
        store.append_all(of_calls(100, MANY))
        assert len(waits) == LASTS_MS // 1000, "it was given back"
    store.append_all(of_calls(200, MANY))
    assert len(waits) == LASTS_MS // 1000, "the dead one's was not its own to give back any more"


def test_who_waits_for_a_turn_that_never_comes_goes_ahead(log: Log) -> None:
    waits: list[float] = []
    turns = EventTurns(log.aws.dynamodb, log.aws.table_name, log.clock, waits.append)
    with turns.taken("acct_1"):
        store = EventStore(log.aws.dynamodb, log.aws.table_name, log.clock, pause=waits.append)
        assert [event.sequence for event in store.append_all(of_calls(0, MANY))] == list(range(1, MANY + 1))
    assert 0 < sum(waits) < 10


def test_few_events_wait_for_no_turn(log: Log) -> None:
    log.store().append_all(of_calls(0, MANY - 1))
    assert {item["sk"] for item in log.aws.items() if "EVENT_COUNT" in item["pk"]} == {"COUNT"}


def test_twenty_who_append_at_once_leave_no_gap_and_no_double(log: Log) -> None:
    with ThreadPoolExecutor(20) as pool:
        sequences = list(pool.map(log.append, range(20)))
    assert sorted(sequences) == list(range(1, 21)) == log.numbers()


def test_twenty_who_append_the_same_event_at_once_write_it_once(log: Log) -> None:
    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(lambda _: log.append(7), range(20))) == {1}
    assert log.numbers() == [1]


def test_a_receiver_that_pages_while_others_write_misses_nothing(log: Log) -> None:
    seen: list[int] = []
    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(log.append, number) for number in range(40)]
        while len(seen) < 40:
            page = log.store().page("acct_1", seen[-1] if seen else 0, 7)
            assert len(page) <= 7
            seen += [event.sequence for event in page]
        assert all(writer.result() for writer in writers)
    assert seen == list(range(1, 41))


def test_a_page_of_more_than_a_megabyte_is_not_taken_for_the_end_of_the_log(log: Log) -> None:
    long = {"text": random.Random(1).randbytes(190_000).hex()}
    log.store().append_all([replace(of_call(number), data=long) for number in range(8)])
    assert log.numbers() == list(range(1, 9))
    assert [event.sequence for event in log.store().page("acct_1", 1, 6)] == [2, 3, 4, 5, 6, 7]


def test_rows_expire_with_the_retention_that_is_set(log: Log) -> None:
    EventStore(log.aws.dynamodb, log.aws.table_name, log.clock, kept_s=86_400).append(of_call(1))
    kept = [item["ttl_at_s"] for item in log.aws.items() if "ttl_at_s" in item]
    assert kept == [NOW // 1000 + 86_400] * 2


@pytest.mark.parametrize("sleeps_days", [1, 8, 16, 31, 70])
def test_an_account_that_sleeps_goes_on_counting_where_it_was(log: Log, sleeps_days: int) -> None:
    for number in range(3):
        assert log.append(number) == number + 1
    log.days_pass(sleeps_days)
    assert log.append(10) == 4
    log.days_pass(sleeps_days)
    assert log.append(11) == 5
    log.days_pass(KEPT_DAYS * 3)
    assert log.append(12) == 6


def test_an_account_that_has_a_call_now_and_then_counts_on(log: Log) -> None:
    for number in range(1, 17):
        assert log.append(number) == number
        log.days_pass(7)
    log.days_pass(KEPT_DAYS * 2)
    assert log.append(99) == 17


def test_rows_that_expire_in_another_order_than_they_were_written_do_not_count_back(log: Log) -> None:
    log.append(1)
    log.append(2)
    log.days_pass(KEPT_DAYS - 1)
    log.clock.move(86_400 * 2)
    log.remove("A#acct_1#EVENTS", "000000000000002")
    assert log.append(3) == 3


def test_where_events_are_kept_for_a_shorter_time_from_now_on_numbers_do_not_start_again_lower(log: Log) -> None:
    log.append(1)
    log.hours_pass(1)
    log.kept_s = 86_400
    log.append(2)
    log.append(3)
    for _ in range(8):
        log.hours_pass(6)
    assert log.numbers() == [1], "what was written before is kept for longer"
    assert log.append(4) == 4


def test_an_account_that_rests_for_a_day_is_counted_again_afterwards(log: Log) -> None:
    for number in range(1, 4):
        assert log.append(number) == number
        log.hours_pass(13)
        log.hours_pass(13)
    log.days_pass(KEPT_DAYS * 2)
    assert log.append(99) == 4


def test_a_count_is_looked_at_only_while_events_come(log: Log) -> None:
    log.append(1)
    log.days_pass(KEPT_DAYS * 2)
    (count,) = log.aws.items()
    assert (count["item_kind"], count["counted"], count.get("due_at")) == ("event_count", 1, None)
    assert log.aws.dynamodb.scan(TableName=log.aws.table_name, IndexName="DueIndex")["Items"] == []
