"""What was asked of a call at length has a row of its own: written once, read by whoever needs it, gone with the
call."""

from types import SimpleNamespace
from typing import Any

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.events import Claimed, ContentErased, FoundOver
from ringline.calls.tables.asked.rows import MOST_IN_THE_ROW_BYTES, MOST_TAGS_BYTES, AskedIsGone, to_be_apart
from ringline.calls.tables.inbound_rooms import InboundRooms, Opened
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.records import call_to_item
from ringline.calls.tables.store import CallStore, InTheWay, Once
from ringline.calls.tables.wanted import MetadataIs, Wanted
from ringline.calls.views.call_view import call_view
from ringline.calls.views.payload import draft_of
from ringline.calls.views.relay import Change, Relay
from ringline.runtime.items import from_item
from ringline.webhooks.model.event import EventDraft
from ringline.webhooks.model.event_type import EventType
from tests.builders import ACCOUNT, a_call, at, moved
from tests.component.one_table import LocalAws
from tests.fakes import CountingAnnouncer

LONG: dict[str, Any] = {
    "instructions": "Be kind, and é. " * 500,
    "data": {"history": ["a", 1, None]},
    "metadata": {"batch": 7},
}
INBOUND: dict[str, Any] = {"direction": Direction.INBOUND}
TAGGED: dict[str, Any] = {"metadata": {"batch": 7, "note": "x" * MOST_TAGS_BYTES}}


@pytest.fixture
def store(local: LocalAws) -> CallStore:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    return CallStore(local.dynamodb, local.table_name, pause=lambda _: None, asked_apart=True)


def asked_rows(local: LocalAws) -> list[str]:
    return [item["sk"] for item in local.items() if item["pk"] == f"A#{ACCOUNT}#ASKED"]


def call_row(local: LocalAws, call_id: str = "call_1") -> dict[str, Any]:
    (row,) = [item for item in local.items() if item["sk"] == call_id and item["pk"].endswith("#CALLS")]
    return row


def created(store: CallStore, call_id: str = "call_1", **fields: Any) -> Call:
    """The call as whoever reads its row knows it."""
    assert store.create(a_call(State.QUEUED, call_id=call_id, **fields)) is None
    read = store.get(ACCOUNT, call_id)
    assert read is not None
    return read


@pytest.mark.parametrize(
    ("fields", "is_apart", "metadata_is"),
    [
        ({}, False, False),
        ({"instructions": "x" * MOST_IN_THE_ROW_BYTES}, False, False),
        ({"instructions": "é" * MOST_IN_THE_ROW_BYTES}, True, False),
        ({"instructions": "x" * MOST_IN_THE_ROW_BYTES, "data": {"a": 1}}, True, False),
        ({"metadata": {"a": "x" * (MOST_TAGS_BYTES - 10)}}, False, False),
        ({"metadata": {"a": "x" * MOST_TAGS_BYTES}}, True, True),
    ],
)
def test_what_is_short_stays_with_the_call(fields: dict[str, Any], is_apart: bool, metadata_is: bool) -> None:
    apart = to_be_apart(a_call(State.QUEUED, **fields))
    assert (apart.asked_key is not None, apart.metadata_apart) == (is_apart, metadata_is)
    assert call_view(apart) == call_view(a_call(State.QUEUED, **fields))
    row = from_item(call_to_item(apart))
    assert ("instructions" in row, "data" in row) == (False, False) or not is_apart
    assert ("metadata" in row) == ("metadata" in fields and not metadata_is)


def test_what_is_long_is_written_once_and_the_calls_row_stays_small(store: CallStore, local: LocalAws) -> None:
    call = created(store, **LONG)
    (before,) = [item for item in local.items() if item["pk"].endswith("#ASKED")]
    for event in (Claimed(at(1)), FoundOver(at(9), 1)):
        after = moved(call, event)
        store.commit(call, after)
        row = call_row(local)
        assert {"instructions", "data"}.isdisjoint(row)
        assert row["metadata"] == '{"batch":7}'
        assert len(str(row)) < 2_000
        call = after
    assert [item for item in local.items() if item["pk"].endswith("#ASKED")] == [before]
    assert len(before["told"]) < len(LONG["instructions"]) / 4


@pytest.mark.parametrize("fields", [LONG, TAGGED, LONG | TAGGED, {"data": {"n": 10**40, "deep": [[[{}]]]}}])
def test_whoever_shows_a_call_reads_what_was_asked(store: CallStore, fields: dict[str, Any]) -> None:
    fields = {"instructions": "y" * 300} | fields
    call = created(store, **fields)
    assert not call.is_whole
    with pytest.raises(LookupError, match="has not been read"):
        call_view(call)
    shown = call_view(store.whole(call))
    assert {name: shown[name] for name in fields} == fields
    assert store.whole_or_raise(call) == store.whole(call)
    short = created(store, "call_2", metadata={"batch": 8})
    assert [each.is_whole for each in store.all_whole([short, call, short])] == [True, True, True]
    assert store.all_whole([short, call])[1].instructions == fields["instructions"]


def test_a_call_that_was_read_whole_is_written_without_it(store: CallStore, local: LocalAws) -> None:
    call = store.whole(created(store, **LONG))
    store.commit(call, moved(call, Claimed(at(1))))
    assert {"instructions", "data"}.isdisjoint(call_row(local))
    read = store.get(ACCOUNT, "call_1")
    assert read is not None
    assert store.whole(read).data == LONG["data"]


def test_where_new_calls_have_no_such_rows_those_that_have_one_are_read(store: CallStore, local: LocalAws) -> None:
    call = created(store, **LONG)
    before = CallStore(local.dynamodb, local.table_name)
    assert before.whole(call).instructions == LONG["instructions"]
    in_its_row = created(before, "call_2", **LONG)
    assert in_its_row.is_whole
    assert (in_its_row.instructions, len(asked_rows(local))) == (LONG["instructions"], 1)


def test_nobody_is_rung_without_what_was_asked(store: CallStore, local: LocalAws) -> None:
    call = created(store, **LONG)
    for sk in asked_rows(local):
        key = {"pk": {"S": f"A#{ACCOUNT}#ASKED"}, "sk": {"S": sk}}
        local.dynamodb.delete_item(TableName=local.table_name, Key=key)
    with pytest.raises(AskedIsGone):
        store.whole_or_raise(call)
    assert call_view(store.whole(call))["instructions"] is None


def test_a_call_that_is_refused_leaves_nothing(store: CallStore, local: LocalAws) -> None:
    once = Once("key", "body")
    assert store.create(a_call(State.QUEUED, call_id="call_1", unique_to="number", **LONG), once) is None
    rows = asked_rows(local)
    repeated = store.create(a_call(State.QUEUED, call_id="call_2", **LONG), once)
    assert getattr(repeated, "call_id", None) == "call_1"
    in_the_way = store.create(a_call(State.QUEUED, call_id="call_3", unique_to="number", **LONG))
    assert in_the_way == InTheWay("call_1")
    assert asked_rows(local) == rows


def test_a_row_of_a_refused_call_that_cannot_be_removed_is_told_of(
    store: CallStore, local: LocalAws, caplog: pytest.LogCaptureFixture
) -> None:
    once = Once("key", "body")
    assert store.create(a_call(State.QUEUED, call_id="call_1", **LONG), once) is None

    def throttled(**_: object) -> tuple[object, dict[str, Any]]:
        return SimpleNamespace(status_code=400), {"Error": {"Code": "ThrottlingException", "Message": "slower"}}

    local.dynamodb.meta.events.register("before-call.dynamodb.DeleteItem", throttled)
    repeated = store.create(a_call(State.QUEUED, call_id="call_2", **LONG), once)
    local.dynamodb.meta.events.unregister("before-call.dynamodb.DeleteItem", throttled)
    assert getattr(repeated, "call_id", None) == "call_1"
    (told,) = caplog.records
    assert vars(told)["call_id"] == "call_2" and "slower" in vars(told)["why"]
    assert len(asked_rows(local)) == 2


def test_a_call_that_was_accepted_keeps_its_row_if_it_is_asked_for_again(store: CallStore, local: LocalAws) -> None:
    """By whoever did not hear that it was accepted."""
    call = a_call(State.QUEUED, call_id="call_1", **LONG)
    assert store.create(call) is None
    rows = asked_rows(local)
    with pytest.raises(RuntimeError):
        store.create(call)
    assert asked_rows(local) == rows
    other = a_call(State.QUEUED, call_id="call_1", **LONG | {"instructions": "z" * 900})
    with pytest.raises(RuntimeError):
        store.create(other)
    read = store.get(ACCOUNT, "call_1")
    assert read is not None
    assert store.whole(read).instructions == LONG["instructions"]


def test_what_a_caller_is_told_at_length_is_apart_too(local: LocalAws, store: CallStore) -> None:
    rooms = InboundRooms(local.dynamodb, local.table_name, asked_apart=True)
    caller = a_call(State.RINGING, call_id="call_1", inbound_room="room", sip_call_id="SCL_1", **INBOUND | LONG)
    assert rooms.open(caller) is Opened.OPENED
    assert {"instructions", "data"}.isdisjoint(call_row(local))
    rows = asked_rows(local)
    again = a_call(State.RINGING, call_id="call_2", inbound_room="room", sip_call_id="SCL_1", **INBOUND | LONG)
    assert rooms.open(again) is Opened.KNOWN
    assert asked_rows(local) == rows


def test_lists_find_calls_by_metadata_that_is_apart(store: CallStore, local: LocalAws) -> None:
    created(store, "call_1", **TAGGED)
    created(store, "call_2", metadata={"batch": 7})
    created(store, "call_3", metadata={"batch": 8, "note": "x" * 600})
    found = CallPages(local.dynamodb, local.table_name).newest(
        ACCOUNT, limit=9, cursor=None, wanted=Wanted(metadata=(MetadataIs("batch", "7"),))
    )
    assert [call.call_id for call in found.calls] == ["call_2", "call_1"]
    assert found.next_cursor is None


def test_a_long_list_by_metadata_that_is_apart_is_read_in_parts(
    store: CallStore, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringline.calls.tables.pages._ROWS_AT_ONCE", 1)
    monkeypatch.setattr("ringline.calls.tables.pages._QUERIES_FOR_A_FIRST_CALL", 2)
    for number in range(1, 6):
        created(store, f"call_{number}", metadata={"batch": 7 if number == 1 else 8, "note": "x" * 600})
    pages, wanted = CallPages(local.dynamodb, local.table_name), Wanted(metadata=(MetadataIs("batch", "7"),))
    found, cursor, asked = [], None, 0
    while asked == 0 or cursor is not None:
        page = pages.newest(ACCOUNT, limit=9, cursor=cursor, wanted=wanted)
        found += [call.call_id for call in page.calls]
        cursor, asked = page.next_cursor, asked + 1
    assert found == ["call_1"]
    assert asked > 1


def test_it_expires_with_its_call_where_calls_do(local: LocalAws, store: CallStore) -> None:
    kept = CallStore(local.dynamodb, local.table_name, kept_days=30, asked_apart=True)
    call = created(kept, **LONG)
    dialing = moved(call, Claimed(at(1)))
    kept.commit(call, dialing)
    ended = moved(dialing, FoundOver(at(9), 1))
    kept.commit(dialing, ended)
    assert not any("ttl_at_s" in item for item in local.items() if item["pk"].endswith("#ASKED"))
    assert kept.end_is_told(ended)
    (row,) = [item for item in local.items() if item["pk"].endswith("#ASKED")]
    assert row["ttl_at_s"] == call_row(local)["ttl_at_s"] == at(9) // 1000 + 30 * 24 * 3600


def test_a_call_that_is_erased_names_none(store: CallStore) -> None:
    ended = to_be_apart(a_call(State.ENDED, **LONG | TAGGED))
    erased = moved(ended, ContentErased(at(60)))
    assert (erased.asked_key, erased.metadata_apart, erased.is_whole) == (None, False, True)
    assert (erased.instructions, erased.data, erased.metadata) == (None, {}, {})


def test_events_tell_what_was_asked_and_it_is_read_once_for_a_batch(
    local: LocalAws, store: CallStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KeepingAnnouncer(CountingAnnouncer):
        def __init__(self) -> None:
            super().__init__()
            self.drafts: list[EventDraft] = []

        def announce(self, draft: EventDraft) -> int:
            self.drafts.append(draft)
            return 1

        def may_write(self, *_: object) -> bool:
            return True

        def write_ahead(self, drafts: Any) -> None:
            self.drafts += drafts

    call = created(store, **LONG)
    dialing = moved(call, Claimed(at(1)))
    ended = moved(dialing, FoundOver(at(9), 1))
    reads: list[Call] = []
    whole = CallStore.whole

    def noted(store: CallStore, call: Call) -> Call:
        reads.append(call)
        return whole(store, call)

    monkeypatch.setattr(CallStore, "whole", noted)
    announcer = KeepingAnnouncer()
    relay = Relay(announcer, store, next_ring=None)  # type: ignore[arg-type]
    changes = [Change("1", None, call), Change("2", call, dialing), Change("3", dialing, ended)]
    relay.write_ahead(changes)
    for change in changes:
        relay.announce(change)
    assert {draft.event_type for draft in announcer.drafts} >= {EventType.CALL_ENDED}
    assert all(draft.data["instructions"] == LONG["instructions"] for draft in announcer.drafts)
    assert len([each for each in reads if not each.is_whole]) == 1
    with pytest.raises(LookupError):
        draft_of(EventType.CALL_ENDED, ended, 1)
