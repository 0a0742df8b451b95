"""Lists of calls: which calls a filter shows, where calls on a line are found, and how much is read for it."""

from collections.abc import Callable
from typing import Any

import pytest

from ringline.calls.model.call import Call, Direction, Recording, State
from ringline.calls.model.events import Claimed
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import CLOCK_SKEW_MS, FIRST_LOOK_S
from ringline.calls.tables.pages import DUE_WITHIN_MS, CallPages, Page
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.wanted import EVERY_CALL, Having, Wanted
from tests.builders import ACCOUNT, NOW, a_call, at, moved
from tests.component.one_table import LocalAws

TALKING = Wanted(states=frozenset({State.ACTIVE}))
ON_A_LINE = Wanted(states=frozenset({State.DIALING, State.RINGING, State.ACTIVE}))

CALLS = [
    a_call(State.QUEUED, call_id="call_1", pipe_id="PIPE_2"),
    a_call(State.DIALING, call_id="call_2", agent_id="AGENT_2"),
    a_call(State.ACTIVE, call_id="call_3", direction=Direction.INBOUND, pipe_id=None),
    a_call(
        State.ACTIVE,
        call_id="call_4",
        transcript_turns=2,
        created_at=at(1),
        former_recordings=(Recording("EG_1", "ended"),),
    ),
    a_call(State.ENDED, call_id="call_5", end_reason=EndReason.AGENT_HUNG_UP, recorded=Recording("EG_1", "ended")),
    a_call(State.NOT_CONNECTED, call_id="call_6", end_reason=EndReason.USER_BUSY, created_at=at(2)),
]

FILTERS = [
    (EVERY_CALL, "123456"),
    (TALKING, "34"),
    (ON_A_LINE, "234"),
    (Wanted(pipe_id="PIPE_2"), "1"),
    (Wanted(agent_id="AGENT_2"), "2"),
    (Wanted(direction=Direction.INBOUND), "3"),
    (Wanted(direction=Direction.OUTBOUND, states=TALKING.states), "4"),
    (Wanted(end_reasons=frozenset({EndReason.USER_BUSY})), "6"),
    (Wanted(end_reasons=frozenset({EndReason.USER_BUSY, EndReason.AGENT_HUNG_UP})), "56"),
    (Wanted(having=Having.DIAL), "23456"),
    (Wanted(having=Having.TRANSCRIPT), "4"),
    (Wanted(having=Having.RECORDING), "45"),
    (Wanted(pipe_id="PIPE_nobody"), ""),
]


@pytest.fixture
def store(local: LocalAws) -> CallStore:
    return CallStore(local.dynamodb, local.table_name)


@pytest.fixture
def pages(local: LocalAws) -> CallPages:
    return CallPages(local.dynamodb, local.table_name)


@pytest.fixture
def queries(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is asked of the table, where each answer holds what three calls take."""
    asked: list[dict[str, Any]] = []
    query = local.dynamodb.query

    def small(**request: Any) -> Any:
        asked.append(request)
        return query(**request | {"Limit": min(3, request.get("Limit", 3))})

    monkeypatch.setattr(local.dynamodb, "query", small)
    return asked


def ids(page: Page | None) -> list[str]:
    assert page is not None
    return [call.call_id for call in page.calls]


def every_page(ask: Callable[[str | None], Page | None]) -> list[list[str]]:
    shown, cursor = [], None
    while True:
        page = ask(cursor)
        shown.append(ids(page))
        assert page is not None
        cursor = page.next_cursor
        if cursor is None:
            return shown


@pytest.mark.parametrize(("wanted", "which"), FILTERS)
def test_a_filter_shows_the_calls_that_fit_whichever_way_they_are_found(
    store: CallStore, pages: CallPages, wanted: Wanted, which: str
) -> None:
    for call in CALLS:
        store.create(call)
    fitting = [f"call_{n}" for n in reversed(which)]
    assert ids(pages.newest(ACCOUNT, limit=9, cursor=None, wanted=wanted)) == fitting
    assert [call.call_id for call in reversed(CALLS) if wanted.fits(call)] == fitting
    if wanted.is_in_flight:
        assert ids(pages.in_flight(ACCOUNT, limit=9, cursor=None, wanted=wanted, now=at(30))) == fitting


def an_old_call(hours: int) -> Call:
    """Of so many hours after NOW."""
    from ulid import ULID

    moment = NOW + hours * 3_600_000
    return a_call(State.ENDED, call_id=f"call_{ULID.from_timestamp(moment)}", created_at=moment)


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [
        (None, None, range(12)),
        (4, None, range(4, 12)),
        (None, 4, range(4)),
        (4, 8, range(4, 8)),
        (8, 4, []),
        (None, -(10**9), []),
        (10**9, None, []),
    ],
)
def test_calls_are_found_by_when_they_were_created(
    store: CallStore, pages: CallPages, since: int | None, until: int | None, hours: Any
) -> None:
    calls = [an_old_call(hour) for hour in range(12)]
    for call in calls:
        store.create(call)
    moments = [None if hour is None else NOW + hour * 3_600_000 for hour in (since, until)]
    wanted = Wanted(created_from=moments[0], created_before=moments[1])
    assert ids(pages.newest(ACCOUNT, limit=99, cursor=None, wanted=wanted)) == [
        calls[hour].call_id for hour in reversed(hours)
    ]


def test_a_list_of_the_past_does_not_read_what_came_after(
    store: CallStore, pages: CallPages, queries: list[dict[str, Any]]
) -> None:
    calls = [an_old_call(hour) for hour in range(30)]
    for call in calls:
        store.create(call)
    before = Wanted(created_before=NOW + 3_600_000)
    assert ids(pages.newest(ACCOUNT, limit=1, cursor=None, wanted=before)) == [calls[0].call_id]
    assert len(queries) <= 2, "thirty calls are ten answers"


def test_a_call_that_was_written_late_is_found_by_when_its_caller_arrived(store: CallStore, pages: CallPages) -> None:
    late = an_old_call(0)
    call = a_call(State.ENDED, call_id=late.call_id, created_at=NOW - 60_000)
    store.create(call)
    assert ids(pages.newest(ACCOUNT, limit=9, cursor=None, wanted=Wanted(created_before=NOW - 1))) == [call.call_id]


@pytest.mark.parametrize("place", [0, 5, 11])
def test_a_cursor_of_another_list_begins_where_it_says(store: CallStore, pages: CallPages, place: int) -> None:
    calls = [an_old_call(hour) for hour in range(12)]
    for call in calls:
        store.create(call)
    newer = 11 - place
    cursor = pages.newest(ACCOUNT, limit=newer, cursor=None).next_cursor if newer else None
    wanted = Wanted(created_from=NOW + 4 * 3_600_000, created_before=NOW + 8 * 3_600_000)
    rest = pages.newest(ACCOUNT, limit=99, cursor=cursor, wanted=wanted)
    assert ids(rest) == [call.call_id for call in reversed(calls[4 : min(8, place + 1)])]


def test_calls_on_a_line_are_found_behind_any_number_of_queued_ones(
    store: CallStore, pages: CallPages, queries: list[dict[str, Any]]
) -> None:
    for n in range(4):
        store.create(a_call(State.ACTIVE, call_id=f"call_0{n}"))
    for n in range(40):
        store.create(a_call(State.QUEUED, call_id=f"call_1{n:02}", due_at=at(9999), expires_at=at(9999)))
    found = pages.in_flight(ACCOUNT, limit=9, cursor=None, wanted=TALKING, now=at(30))
    assert found is not None
    assert (ids(found), found.next_cursor) == (["call_03", "call_02", "call_01", "call_00"], None)
    assert len(queries) <= 3, "the queued ones are not read"


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 9])
def test_calls_on_a_line_come_in_pages(
    store: CallStore, pages: CallPages, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringline.calls.tables.pages._ROWS_AT_ONCE", 2)
    for n in range(10):
        store.create(a_call(State.ACTIVE if n % 2 else State.DIALING, call_id=f"call_{n}"))
    found = every_page(lambda cursor: pages.in_flight(ACCOUNT, limit=limit, cursor=cursor, wanted=TALKING, now=at(30)))
    assert [each for page in found for each in page] == ["call_9", "call_7", "call_5", "call_3", "call_1"]
    assert max(len(page) for page in found) <= limit


def test_no_page_looks_at_more_calls_than_it_may(
    store: CallStore, pages: CallPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringline.calls.tables.pages._ROWS_AT_ONCE", 2)
    monkeypatch.setattr("ringline.calls.tables.pages._MOST_LOOKED_AT", 4)
    for n in range(9):
        store.create(a_call(State.DIALING if n else State.ACTIVE, call_id=f"call_{n}"))
    found = every_page(lambda cursor: pages.in_flight(ACCOUNT, limit=9, cursor=cursor, wanted=TALKING, now=at(30)))
    assert found == [[], [], ["call_0"]]


def test_what_is_due_of_others_or_over_is_no_call_on_a_line(store: CallStore, pages: CallPages) -> None:
    store.create(a_call(State.ACTIVE, account_id="acc_2", call_id="call_1"))
    store.create(a_call(State.QUEUED, call_id="call_2", due_at=at(1), attempt=1))
    assert ids(pages.in_flight(ACCOUNT, limit=9, cursor=None, wanted=ON_A_LINE, now=at(30))) == []


def test_an_index_too_long_to_read_leaves_the_search_to_the_calls_themselves(
    store: CallStore, pages: CallPages, queries: list[dict[str, Any]]
) -> None:
    for n in range(30):
        store.create(a_call(State.ACTIVE, account_id="acc_2", call_id=f"call_{n:02}", due_at=at(n)))
    store.create(a_call(State.ACTIVE, call_id="call_1", due_at=at(31)))
    assert pages.in_flight(ACCOUNT, limit=9, cursor=None, wanted=TALKING, now=at(99)) is None
    assert len(queries) == 8
    assert ids(pages.newest(ACCOUNT, limit=9, cursor=None, wanted=TALKING)) == ["call_1"]


def test_a_search_goes_on_while_nothing_was_found(
    store: CallStore, pages: CallPages, queries: list[dict[str, Any]]
) -> None:
    """Sixty queued calls are twenty answers, and the call that is over lies behind them."""
    store.create(a_call(State.ENDED, call_id="call_00"))
    for n in range(60):
        store.create(a_call(State.QUEUED, call_id=f"call_1{n:02}"))
    assert ids(pages.newest(ACCOUNT, limit=9, cursor=None, wanted=Wanted(having=Having.DIAL))) == ["call_00"]
    assert 8 < len(queries) <= 24


def test_a_call_on_a_line_is_always_due_soon_enough_to_be_found() -> None:
    claimed = moved(a_call(State.QUEUED), Claimed(NOW))
    assert claimed.due_at is not None
    assert claimed.due_at + CLOCK_SKEW_MS < NOW + DUE_WITHIN_MS
    assert FIRST_LOOK_S * 1000 + CLOCK_SKEW_MS < DUE_WITHIN_MS
