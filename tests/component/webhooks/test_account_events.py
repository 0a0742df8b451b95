"""The log of events through the API: a receiver proves that it has no gap, and fills one by itself."""

from typing import Any

import pytest

from ringline.resources.webhooks import events as events_resource
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.tables.events import EventStore, event_key
from tests.builders import ACCOUNT, NOW
from tests.component.cli.terminal import Terminal, a_terminal
from tests.component.one_table import LocalAws
from tests.unit.webhooks.webhook_fakes import a_draft


@pytest.fixture
def terminal(local: LocalAws, tmp_path: Any) -> Terminal:
    made = a_terminal(local, tmp_path)
    events = EventStore(local.dynamodb, local.table_name)
    for number in range(1, 8):
        event_type = EventType.CALL_RINGING if number % 2 else EventType.CALL_ENDED
        events.append(
            a_draft(account_id=ACCOUNT, event_type=event_type, call_id=f"call_{number % 3}", occurrence=number)
        )
    return made


def numbers(terminal: Terminal, *words: str) -> list[int]:
    return [each["sequence"] for each in terminal.document("webhook", "events", *words)["data"]]


def test_all_events_are_paged_through_in_order_and_without_a_gap(terminal: Terminal) -> None:
    first = terminal.document("webhook", "events", "--limit", "4")
    assert [each["sequence"] for each in first["data"]] == [1, 2, 3, 4]
    assert first["next_cursor"] == "4"
    rest = terminal.document("webhook", "events", "--limit", "4", "--after", first["next_cursor"])
    assert [each["sequence"] for each in rest["data"]] == [5, 6, 7]
    assert rest["next_cursor"] is None


def test_events_are_chosen_by_type_under_either_name_and_by_call(terminal: Terminal) -> None:
    assert numbers(terminal, "--type", "call.ended") == numbers(terminal, "--type", "call_end") == [2, 4, 6]
    assert numbers(terminal, "--type", "call.*") == list(range(1, 8))
    assert numbers(terminal, "--call", "call_1") == [1, 4, 7]
    assert numbers(terminal, "--call", "call_1", "--type", "call_end") == [4]


def test_a_page_without_any_that_is_wanted_says_where_to_go_on(terminal: Terminal) -> None:
    page = terminal.document("webhook", "events", "--limit", "1", "--type", "call.ended")
    assert (page["data"], page["next_cursor"]) == ([], "1")


def test_an_event_is_shown_as_it_was_told(terminal: Terminal, local: LocalAws) -> None:
    (event,) = EventStore(local.dynamodb, local.table_name).page(ACCOUNT, 2, 1)
    assert terminal.document("webhook", "event", event.event_id) == event.body
    assert "no such event" in terminal.refused("webhook", "event", "evt_none")


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=1e3", "limit=0", "type=rain", "colour=red"])
def test_what_cannot_be_asked_is_refused_by_its_name(terminal: Terminal, query: str) -> None:
    import httpx

    assert terminal.running is not None
    headers = {"Authorization": f"Bearer {terminal.running.api_key}"}
    with httpx.Client(transport=terminal.api, base_url="https://api.example.com") as client:
        answer = client.get(f"/v1/events?{query}", headers=headers)
    assert answer.status_code in {400, 422}
    assert [each["field"] for each in answer.json()["errors"]] == [query.partition("=")[0]]


def test_who_listens_from_now_on_hears_what_happens_next(terminal: Terminal, local: LocalAws) -> None:
    events = EventStore(local.dynamodb, local.table_name)

    def happen(_seconds: float) -> None:
        events.append(a_draft(account_id=ACCOUNT, occurrence=f"later {terminal.waits}", occurred_at=NOW))

    terminal.while_waiting = happen
    told = terminal.document("webhook", "listen", "--count", "2")
    assert [each["event"]["sequence"] for each in told["data"]] == [8, 9]


def test_a_client_that_pages_past_a_number_that_is_being_written_misses_nothing(
    terminal: Terminal, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A query may see the later rows of a transaction before the earlier ones. The page ends before the gap, and the
    client goes on behind the last number that it has."""
    key = event_key(ACCOUNT, 4)
    (row,) = (local.dynamodb.get_item(TableName=local.table_name, Key=key)["Item"],)
    local.dynamodb.delete_item(TableName=local.table_name, Key=key)
    monkeypatch.setattr(events_resource, "now_ms", lambda: int(row["written_at"]["N"]) + 9_000)
    seen = terminal.document("webhook", "events", "--limit", "2")["data"]
    page = terminal.document("webhook", "events", "--limit", "5", "--after", str(seen[-1]["sequence"]))
    assert [each["sequence"] for each in page["data"]] == [3]
    assert page["next_cursor"] is None, "there is nothing more for now"
    assert numbers(terminal, "--after", "3") == []
    assert numbers(terminal, "--after", "2", "--type", "call.ended") == []
    local.dynamodb.put_item(TableName=local.table_name, Item=row)
    assert numbers(terminal, "--after", "3") == [4, 5, 6, 7]


def test_what_has_expired_holds_nobody_up_for_longer_than_that(
    terminal: Terminal, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        local.dynamodb.delete_item(TableName=local.table_name, Key=event_key(ACCOUNT, number))
    assert numbers(terminal, "--after", "3") == [4, 5, 6, 7], "who has heard all of before sees no gap"
    written_at = EventStore(local.dynamodb, local.table_name).page(ACCOUNT, 6, 1)[0].written_at
    monkeypatch.setattr(events_resource, "now_ms", lambda: written_at + 10_001)
    assert numbers(terminal) == [4, 5, 6, 7]
