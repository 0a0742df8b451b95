"""The table as calls use it: what is written together, what is refused, in what order callers wait."""

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import Call, State
from ringline.calls.model.events import Claimed, DialNotSent, EndAsked, Event, FoundOver, SeenWaiting, TranscriptKept
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Moved
from ringline.calls.model.timing import WAITING_MARK_KEPT_S
from ringline.calls.rules.lifecycle import apply
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.store import CallStore, Committed, Gate, TableContended
from ringline.calls.tables.wanted import Wanted
from ringline.calls.tables.watchlist import Watchlist
from tests.builders import ACCOUNT, NOW, a_call, at
from tests.component.one_table import LocalAws

TALKING = Wanted(states=frozenset({State.ACTIVE}))


def store_of(local: LocalAws, cap: int = 2) -> CallStore:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", cap))
    return CallStore(local.dynamodb, local.table_name, pause=lambda _: None)


def pages_of(local: LocalAws) -> CallPages:
    return CallPages(local.dynamodb, local.table_name)


def queued(store: CallStore, call_id: str, **fields: object) -> Call:
    call = a_call(State.QUEUED, call_id=call_id, **fields)
    store.create(call)
    return call


def claim(store: CallStore, call: Call) -> Committed:
    return store.commit(call, claimed(call))


def claimed(call: Call) -> Call:
    moved = apply(call, Claimed(at(1)))
    assert isinstance(moved, Moved)
    return moved.call


def after(call: Call, event: Event) -> Call:
    moved = apply(call, event)
    assert isinstance(moved, Moved)
    return moved.call


def waiting(store: CallStore, now: int = NOW) -> list[str]:
    return [entry.call_id for entry in store.eligible(ACCOUNT, now, 10)]


def test_a_created_call_waits_in_the_queue(local: LocalAws) -> None:
    store = store_of(local)
    call = queued(store, "call_1")
    assert store.get(ACCOUNT, "call_1") == call
    assert waiting(store) == ["call_1"]
    assert store.gate(ACCOUNT) == Gate(in_use=0, cap=2)


def test_a_claim_takes_a_line_and_leaves_the_queue_in_one_step(local: LocalAws) -> None:
    store = store_of(local)
    assert claim(store, queued(store, "call_1")) is Committed.DONE
    assert waiting(store) == []
    assert store.gate(ACCOUNT).in_use == 1


def test_a_full_gate_leaves_the_call_in_its_place(local: LocalAws) -> None:
    store = store_of(local, cap=1)
    first, second = queued(store, "call_1"), queued(store, "call_2")
    assert claim(store, first) is Committed.DONE
    assert claim(store, second) is Committed.GATE_FULL
    assert waiting(store) == ["call_2"]
    assert store.get(ACCOUNT, "call_2") == second
    assert store.gate(ACCOUNT).in_use == 1


def test_an_account_without_a_gate_dials_nothing(local: LocalAws) -> None:
    store = CallStore(local.dynamodb, local.table_name)
    assert claim(store, queued(store, "call_1")) is Committed.GATE_FULL
    assert not store.gate(ACCOUNT).has_free_line


def test_two_dialers_cannot_claim_the_same_call(local: LocalAws) -> None:
    store = store_of(local)
    call = queued(store, "call_1")
    assert claim(store, call) is Committed.DONE
    assert claim(store, call) is Committed.STALE
    assert store.gate(ACCOUNT).in_use == 1


def test_the_end_of_a_call_gives_its_line_back_once(local: LocalAws) -> None:
    store = store_of(local)
    dialing = claimed(queued(store, "call_1"))
    store.commit(a_call(State.QUEUED, call_id="call_1"), dialing)
    over = after(dialing, FoundOver(at(60), 1))
    assert store.commit(dialing, over) is Committed.DONE
    assert store.commit(dialing, over) is Committed.STALE
    assert store.gate(ACCOUNT).in_use == 0


def test_a_canceled_call_leaves_the_queue(local: LocalAws) -> None:
    store = store_of(local)
    call = queued(store, "call_1")
    assert store.commit(call, after(call, EndAsked(at(1), EndReason.API_HUNG_UP))) is Committed.DONE
    assert waiting(store) == []
    assert store.gate(ACCOUNT).in_use == 0


def test_a_dial_that_never_rang_returns_to_the_queue_and_gives_its_line_back(local: LocalAws) -> None:
    store = store_of(local)
    call = queued(store, "call_1")
    dialing = claimed(call)
    store.commit(call, dialing)
    again = after(dialing, DialNotSent(at(2), 1, "no response from servers", "unavailable", 5))
    assert store.commit(dialing, again) is Committed.DONE
    assert store.gate(ACCOUNT).in_use == 0
    assert waiting(store, at(6)) == []
    assert waiting(store, at(7)) == ["call_1"]


def test_callers_wait_in_the_order_they_came_and_a_scheduled_one_blocks_nobody(local: LocalAws) -> None:
    store = store_of(local)
    queued(store, "call_c", created_at=at(3), eligible_at=at(3))
    queued(store, "call_later", created_at=at(0), eligible_at=at(600), scheduled_at=at(600))
    queued(store, "call_a", created_at=at(1), eligible_at=at(1))
    queued(store, "call_b", created_at=at(2), eligible_at=at(2))
    assert waiting(store, at(10)) == ["call_a", "call_b", "call_c"]
    assert waiting(store, at(0.9)) == ["call_a"], "a clock that is a little behind does not miss a call"
    assert waiting(store, at(600)) == ["call_a", "call_b", "call_c", "call_later"]


def test_a_line_freed_by_a_lowered_cap_is_not_taken_again(local: LocalAws) -> None:
    store = store_of(local, cap=2)
    first, second, third = (queued(store, f"call_{n}") for n in range(3))
    assert claim(store, first) is claim(store, second) is Committed.DONE
    AccountStore(local.dynamodb, local.table_name).set_cap(ACCOUNT, 1)
    gate = store.gate(ACCOUNT)
    assert (gate.in_use, gate.cap) == (2, 1)
    dialing = claimed(first)
    store.commit(dialing, after(dialing, FoundOver(at(9), 1)))
    assert claim(store, third) is Committed.GATE_FULL


def test_calls_are_listed_newest_first_in_pages(local: LocalAws) -> None:
    store = store_of(local)
    for n in range(5):
        queued(store, f"call_{n}", pipe_id="PIPE_odd" if n % 2 else "PIPE_even")
    first = pages_of(local).newest(ACCOUNT, limit=2, cursor=None)
    assert [call.call_id for call in first.calls] == ["call_4", "call_3"]
    rest = pages_of(local).newest(ACCOUNT, limit=9, cursor=first.next_cursor)
    assert [call.call_id for call in rest.calls] == ["call_2", "call_1", "call_0"]
    assert rest.next_cursor is None
    wanted = Wanted(states=frozenset({State.QUEUED}), pipe_id="PIPE_odd")
    odd = pages_of(local).newest(ACCOUNT, limit=9, cursor=None, wanted=wanted)
    assert [call.call_id for call in odd.calls] == ["call_3", "call_1"]
    assert pages_of(local).newest(ACCOUNT, limit=9, cursor=None, wanted=TALKING).calls == ()
    with pytest.raises(ValueError, match="cursor"):
        pages_of(local).newest(ACCOUNT, limit=9, cursor="nonsense")


def test_an_account_sees_nothing_of_another(local: LocalAws) -> None:
    store = store_of(local)
    queued(store, "call_1")
    assert store.get("acc_2", "call_1") is None
    assert store.eligible("acc_2", NOW, 10) == []
    assert pages_of(local).newest("acc_2", limit=9, cursor=None).calls == ()


def test_due_calls_are_found_and_calls_that_are_over_until_their_end_is_told(local: LocalAws) -> None:
    store, watchlist = store_of(local), Watchlist(local.dynamodb, local.table_name)
    call = queued(store, "call_1")
    dialing = claimed(call)
    store.commit(call, dialing)
    assert watchlist.due(at(20), 10) == []
    assert [key.sk for key in watchlist.due(at(21), 10)] == ["call_1"]
    ended = after(dialing, FoundOver(at(9), 1))
    store.commit(dialing, ended)
    assert [key.sk for key in watchlist.due(at(999), 10)] == ["call_1"]
    assert store.end_is_told(ended)
    assert watchlist.due(at(999), 10) == []
    assert not store.end_is_told(ended), "it was told before"


def test_a_call_that_is_over_expires_where_calls_do_whatever_is_written_to_it_later(local: LocalAws) -> None:
    store_of(local)
    store = CallStore(local.dynamodb, local.table_name, kept_days=30)
    call = queued(store, "call_1")
    dialing = claimed(call)
    store.commit(call, dialing)
    ended = after(dialing, FoundOver(at(9), 1))
    store.commit(dialing, ended)
    assert store.end_is_told(ended)
    told = store.get(ACCOUNT, "call_1")
    assert told is not None
    store.commit(told, after(told, TranscriptKept(at(20), 1, 3, "table")))
    (row,) = [item for item in local.items() if item["sk"] == "call_1"]
    assert row["ttl_at_s"] == at(9) // 1000 + 30 * 24 * 3600


def test_a_waiting_mark_stays_until_it_is_old_and_unrenewed(local: LocalAws) -> None:
    watchlist = Watchlist(local.dynamodb, local.table_name)
    watchlist.mark_waiting(ACCOUNT, NOW)
    (mark,) = watchlist.waiting_accounts()
    watchlist.clear_waiting(mark, at(WAITING_MARK_KEPT_S - 1))
    assert watchlist.waiting_accounts() == [mark]
    watchlist.mark_waiting(ACCOUNT, at(10))
    watchlist.clear_waiting(mark, at(WAITING_MARK_KEPT_S))
    (renewed,) = watchlist.waiting_accounts()
    watchlist.clear_waiting(renewed, at(10 + WAITING_MARK_KEPT_S))
    assert watchlist.waiting_accounts() == []


def test_a_table_that_stays_contended_is_told_and_nothing_is_written(local: LocalAws) -> None:
    store = store_of(local)

    def conflict(**_: object) -> tuple[object, dict[str, object]]:
        class Response:
            status_code = 400

        reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
        return Response(), {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}

    local.dynamodb.meta.events.register("before-call.dynamodb.TransactWriteItems", conflict)
    with pytest.raises(TableContended):
        queued(store, "call_1")
    local.dynamodb.meta.events.unregister("before-call.dynamodb.TransactWriteItems", conflict)
    assert store.get(ACCOUNT, "call_1") is None


def test_a_write_that_meets_a_transaction_is_tried_again(local: LocalAws) -> None:
    store = store_of(local)
    call = queued(store, "call_1")
    dialing = claimed(call)
    store.commit(call, dialing)
    met: list[int] = []

    def conflict_once(**_: object) -> tuple[object, dict[str, object]] | None:
        class Response:
            status_code = 400

        met.append(1)
        return (Response(), {"Error": {"Code": "TransactionConflictException"}}) if len(met) == 1 else None

    local.dynamodb.meta.events.register("before-call.dynamodb.PutItem", conflict_once)
    noted = after(dialing, EndAsked(at(2), EndReason.API_HUNG_UP))
    assert store.commit(dialing, noted) is Committed.DONE
    local.dynamodb.meta.events.unregister("before-call.dynamodb.PutItem", conflict_once)
    assert len(met) == 2
    assert store.get(ACCOUNT, "call_1") == noted


def test_a_filter_that_fits_few_calls_pages_on_instead_of_reading_everything(
    local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(local)
    for n in range(12):
        queued(store, f"call_{n:02}", pipe_id="PIPE_wanted" if n == 0 else "PIPE_other")
    monkeypatch.setattr("ringline.calls.tables.pages._QUERIES_FOR_A_FIRST_CALL", 2)
    query = local.dynamodb.query
    monkeypatch.setattr(local.dynamodb, "query", lambda **asked: query(**asked, Limit=3))
    pages, cursor = [], None
    while True:
        page = pages_of(local).newest(ACCOUNT, limit=5, cursor=cursor, wanted=Wanted(pipe_id="PIPE_wanted"))
        pages.append([call.call_id for call in page.calls])
        cursor = page.next_cursor
        if cursor is None:
            break
    # Twelve calls, three a query, two queries a page: the one that fits is the last of the second page.
    assert pages[0] == []
    assert [call_id for page in pages for call_id in page] == ["call_00"]
    assert len(pages) > 1


def test_the_gate_learns_how_long_calls_hold_their_lines(local: LocalAws) -> None:
    store = store_of(local)
    call = queued(store, "call_1")
    dialing = claimed(call)
    store.commit(call, dialing)
    assert store.gate(ACCOUNT).mean_line_ms is None
    store.commit(dialing, after(dialing, FoundOver(at(60), 1)))
    gate = store.gate(ACCOUNT)
    assert (gate.in_use, gate.line_ms, gate.line_ends) == (0, 59_000, 1)
    assert store.gate(ACCOUNT).mean_line_ms == 59_000


def test_a_call_that_stays_queued_keeps_its_place_when_its_record_changes(local: LocalAws) -> None:
    store = store_of(local)
    call = queued(store, "call_1", due_at=at(5))
    assert store.commit(call, after(call, SeenWaiting(at(6)))) is Committed.DONE
    assert waiting(store) == ["call_1"]
