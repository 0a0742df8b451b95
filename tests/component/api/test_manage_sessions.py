"""Sessions, transcripts and recordings through the API."""

import json
from copy import replace
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import Attempt, Direction, Recording, State
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.inbound_rooms import InboundRooms
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.transcripts import Transcript, Transcripts, Turn
from ringline.runtime import aws
from tests.builders import a_call, at
from tests.component.one_table import RECORDS_BUCKET, LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of

ACCOUNT = "acct_demo"
CALL = "call_01JD5Z0000000000000000000A"
ROOM = f"{ACCOUNT}.{CALL}.1"
NOWHERE = {
    "LIVEKIT_URL": "http://127.0.0.1:9",
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": "a-secret-of-more-than-32-characters",
}
MOST_OF_LAMBDA = 6_291_556
TOLD = Transcript((Turn("agent", "Hello?", "2026-11-21T02:09:00.123Z"), Turn("user", "Yes")), "Short.", {"tokens": 3})
TALKED = Attempt(1, at(1), at(30), EndReason.AGENT_FAILED, answered_at=at(3))


@pytest.fixture
def store(local: LocalAws) -> CallStore:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    return CallStore(local.dynamodb, local.table_name)


@pytest.fixture
def transcripts(local: LocalAws) -> Transcripts:
    return Transcripts(local.dynamodb, local.table_name, aws.s3, RECORDS_BUCKET)


@pytest.fixture
def manage(local: LocalAws) -> ModuleType:
    return load_handler("manage", {"DOORBELL_QUEUE_URL": local.queue_url, **NOWHERE})


def ask(handler: ModuleType, case: str, **changes: Any) -> tuple[int, Any]:
    answer = handler.lambda_handler({**event_of("manage", case), **changes}, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


def ask_page(handler: ModuleType, case: str, query: dict[str, str] | None = None) -> tuple[list[Any], Any]:
    status, body = ask(handler, case, queryStringParameters=query)
    assert (status, body["status_code"]) == (200, 200)
    return body["data"], body["pagination"]["next_cursor"]


def ended(call_id: str = CALL, **fields: Any) -> Any:
    return a_call(State.ENDED, **{"account_id": ACCOUNT, "call_id": call_id} | fields)


def recorded(call_id: str, status: str = "ended") -> dict[str, Any]:
    key = f"{ACCOUNT}/recordings/{call_id}-1.ogg" if status == "ended" else None
    return {"recording": True, "recorded": Recording("EG_1", status, key)}


@pytest.mark.parametrize("case", ["get_session", "get_session_by_call"])
def test_a_session_is_found_by_its_room_and_by_its_call(
    manage: ModuleType, store: CallStore, transcripts: Transcripts, case: str
) -> None:
    call = ended(transcript_kept="table", transcript_turns=2)
    store.create(call)
    transcripts.keep(call, TOLD)
    status, body = ask(manage, case)
    assert (status, body["session_id"], body["call_id"]) == (200, ROOM, CALL)
    assert [turn["content"] for turn in body["transcript"]] == ["Hello?", "Yes"]
    assert (body["summary"], body["usage"], body["status"]) == ("Short.", {"tokens": 3}, "completed")


def test_callers_in_one_room_are_sessions_apart(manage: ModuleType, local: LocalAws) -> None:
    room, store = "reception", CallStore(local.dynamodb, local.table_name)
    for n, state in enumerate((State.ENDED, State.ACTIVE)):
        callers = {"direction": Direction.INBOUND, "inbound_room": room, "sip_call_id": f"SCL_{n}"}
        assert InboundRooms(local.dynamodb, local.table_name).open(
            a_call(state, account_id=ACCOUNT, call_id=f"call_{n}", **callers)
        )
    rows, _ = ask_page(manage, "list_sessions")
    assert [(row["call_id"], row["room_name"]) for row in rows] == [("call_1", room), ("call_0", room)]
    for row in rows:
        status, body = ask(manage, "get_session", rawPath=f"/v1/sessions/{row['session_id']}")
        assert (status, body["call_id"], body["status"]) == (200, row["call_id"], row["status"])
    assert ask(manage, "get_session", rawPath=f"/v1/sessions/{room}")[0] == 404, "whose it is would be a guess"
    ended = f"/orchestrator/v1/sessions/{ACCOUNT}.call_0.1/end"
    assert ask(manage, "end_session", rawPath=ended)[1]["state"] == "completed"
    present = store.get(ACCOUNT, "call_1")
    assert present is not None
    assert present.end_asked_at is None, "the caller who is there now talks on"


@pytest.mark.parametrize("case", ["get_session", "get_session_by_call", "end_session"])
def test_another_accounts_session_is_not_found(manage: ModuleType, store: CallStore, case: str) -> None:
    store.create(a_call(State.ACTIVE, account_id="acct_other"))
    for name in ({}, {"rawPath": event_of("manage", case)["rawPath"].replace(ACCOUNT, "acct_other")}):
        status, body = ask(manage, case, **name)
        assert (status, body["code"]) == (404, "session_not_found")
    other = store.get("acct_other", CALL)
    assert other is not None
    assert other.end_asked_at is None


@pytest.mark.parametrize("case", ["get_session_by_call", "end_session"])
def test_a_call_that_never_dialled_has_no_session(manage: ModuleType, store: CallStore, case: str) -> None:
    store.create(a_call(State.QUEUED, account_id=ACCOUNT))
    by_call = event_of("manage", case)["rawPath"].replace(ROOM, CALL)
    assert ask(manage, case, rawPath=by_call)[0] == 404
    call = store.get(ACCOUNT, CALL)
    assert call is not None
    assert call.state is State.QUEUED
    assert ask_page(manage, "list_sessions") == ([], None)


@pytest.mark.parametrize(
    "name", ["%00", "a b", "x" * 81, "..%2F", f"{ACCOUNT}.{CALL}.", f"{ACCOUNT}.{CALL}.2", "a.b.c"]
)
def test_a_name_of_no_session_is_not_found(manage: ModuleType, store: CallStore, name: str) -> None:
    store.create(ended())
    status, body = ask(manage, "get_session", rawPath=f"/v1/sessions/{name}")
    assert status == 404
    assert body["code"] in {"session_not_found", "no_such_route"}


@pytest.mark.parametrize("prefix", ["", "/platform", "/orchestrator", "/api/v2/platform/speech"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_front_door_leads_to_sessions(manage: ModuleType, store: CallStore, prefix: str, slash: str) -> None:
    store.create(ended())
    for path in ("sessions", "transcripts", "recordings", f"sessions/{ROOM}", f"sessions/{CALL}"):
        assert ask(manage, "list_sessions", rawPath=f"{prefix}/v1/{path}{slash}")[0] == 200
    assert ask(manage, "end_session", rawPath=f"{prefix}/v1/sessions/{ROOM}/end{slash}")[0] == 200


@pytest.mark.parametrize("case", ["list_sessions", "get_session", "list_transcripts", "list_recordings", "end_session"])
def test_nobody_without_a_key_is_answered(manage: ModuleType, case: str) -> None:
    context = event_of("manage", case)["requestContext"] | {"authorizer": {"lambda": {"refusal": "missing_key"}}}
    status, body = ask(manage, case, requestContext=context)
    assert (status, body["code"]) == (401, "missing_api_key")


def test_sessions_are_listed_newest_first_in_pages_and_without_their_words(
    manage: ModuleType, store: CallStore, transcripts: Transcripts
) -> None:
    for n in range(5):
        call = ended(f"call_{n}", transcript_kept="table", transcript_turns=2)
        store.create(call)
        transcripts.keep(call, TOLD)
        store.create(a_call(State.QUEUED, account_id=ACCOUNT, call_id=f"call_{n}_waits"))
    store.create(ended("call_9", account_id="acct_other"))
    seen, cursor = ask_page(manage, "list_sessions", {"limit": "2"})
    while cursor is not None:
        rows, cursor = ask_page(manage, "list_sessions", {"limit": "2", "cursor": cursor})
        seen += rows
    assert [row["call_id"] for row in seen] == [f"call_{n}" for n in reversed(range(5))]
    assert {(len(row["transcript"]), row["transcript_turns"], row["summary"]) for row in seen} == {(0, 2, None)}


@pytest.mark.parametrize(
    ("case", "query", "field"),
    [
        ("list_sessions", {"limit": "0"}, "limit"),
        ("list_sessions", {"cursor": "nonsense"}, "cursor"),
        ("list_sessions", {"end_reason": "BOREDOM"}, "end_reason"),
        ("list_sessions", {"agent": "AGENT_1"}, "agent"),
        ("list_transcripts", {"limit": "51"}, "limit"),
        ("list_transcripts", {"call_id": CALL}, "call_id"),
        ("list_recordings", {"call_id": CALL, "status": "active"}, "status"),
    ],
)
def test_a_wrong_filter_is_named(manage: ModuleType, case: str, query: dict[str, str], field: str) -> None:
    status, body = ask(manage, case, queryStringParameters=query)
    assert (status, [each["field"] for each in body["errors"]]) == (422, [field])


@pytest.mark.parametrize("case", ["list_sessions", "list_transcripts", "list_recordings"])
def test_lists_of_sessions_are_filtered_like_those_of_calls(
    manage: ModuleType, store: CallStore, transcripts: Transcripts, case: str
) -> None:
    for n, agent_id in enumerate(("AGENT_1", "AGENT_2")):
        call_id = f"call_{n}"
        call = ended(call_id, agent_id=agent_id, transcript_kept="table", transcript_turns=2, **recorded(call_id))
        store.create(call)
        transcripts.keep(call, TOLD)
    query = {"agent_id": "AGENT_2", "status": "completed", "direction": "outbound"}
    assert [row["call_id"] for row in ask_page(manage, case, query)[0]] == ["call_1"]
    assert ask_page(manage, case, {"direction": "inbound"}) == ([], None)


def test_only_sessions_with_turns_are_listed_as_transcripts(
    manage: ModuleType, store: CallStore, transcripts: Transcripts
) -> None:
    call = ended("call_talked", transcript_kept="table", transcript_turns=2)
    store.create(call)
    transcripts.keep(call, TOLD)
    store.create(ended("call_usage_only", transcript_kept="table"))
    store.create(ended("call_silent"))
    rows, _ = ask_page(manage, "list_transcripts")
    assert [(row["call_id"], row["transcript_turns"], row["summary"]) for row in rows] == [("call_talked", 2, "Short.")]
    assert [turn["content"] for turn in rows[0]["transcript"]] == ["Hello?", "Yes"]


def test_transcripts_come_in_pages_that_can_be_sent(
    manage: ModuleType, store: CallStore, transcripts: Transcripts
) -> None:
    aws.s3().create_bucket(Bucket=RECORDS_BUCKET)
    megabytes = (1, 1, 1, 4.9, 0, 2, 3)
    for n, size in enumerate(megabytes):
        call = ended(f"call_{n}", transcript_kept="bucket", transcript_turns=1)
        store.create(call)
        transcripts.keep(call, Transcript((Turn("user", "x" * int(size * 2**20)),)))
    pages, cursor = [], ""
    while cursor is not None:
        event = event_of("manage", "list_transcripts") | {"queryStringParameters": {"cursor": cursor}}
        answer = manage.lambda_handler(event, CONTEXT)
        assert len(json.dumps(answer, ensure_ascii=False).encode()) < MOST_OF_LAMBDA
        body = json.loads(answer["body"])
        pages.append([row["call_id"] for row in body["data"]])
        cursor = body["pagination"]["next_cursor"]
    assert pages == [["call_6"], ["call_5", "call_4"], ["call_3"], ["call_2", "call_1", "call_0"]]


def test_only_sessions_whose_file_is_there_are_listed_as_recordings(manage: ModuleType, store: CallStore) -> None:
    for status in ("started", "ended", "failed"):
        store.create(ended(f"call_{status}", **recorded(f"call_{status}", status)))
    store.create(ended("call_plain"))
    rows, _ = ask_page(manage, "list_recordings")
    assert [row["call_id"] for row in rows] == ["call_ended"]
    assert urlsplit(rows[0]["recording_url"]).path.endswith(f"{ACCOUNT}/recordings/call_ended-1.ogg")


def test_recordings_of_one_call_are_asked_for_by_its_id(manage: ModuleType, store: CallStore) -> None:
    store.create(ended(**recorded(CALL)))
    store.create(ended("call_other", **recorded("call_other")))
    store.create(ended("call_plain"))
    assert [row["call_id"] for row in ask_page(manage, "list_recordings", {"call_id": CALL})[0]] == [CALL]
    for call_id in ("call_plain", "call_nobody", "not an id"):
        assert ask_page(manage, "list_recordings", {"call_id": call_id}) == ([], None)


def test_a_session_is_ended_with_its_call_although_livekit_cannot_be_reached(
    manage: ModuleType, store: CallStore
) -> None:
    store.create(a_call(State.ACTIVE, account_id=ACCOUNT))
    assert ask(manage, "end_session") == (200, {"session_id": ROOM, "state": "active"}), "it is still up, and says so"
    call = store.get(ACCOUNT, CALL)
    assert call is not None
    assert call.end_asked_reason is EndReason.API_HUNG_UP


def test_ending_a_session_that_is_over_changes_nothing(manage: ModuleType, store: CallStore) -> None:
    store.create(ended(end_reason=EndReason.USER_HUNG_UP_IN_CALL))
    before = store.get(ACCOUNT, CALL)
    assert ask(manage, "end_session") == (200, {"session_id": ROOM, "state": "completed"})
    assert store.get(ACCOUNT, CALL) == before


def test_ending_a_past_attempts_session_leaves_the_present_one_alone(manage: ModuleType, store: CallStore) -> None:
    store.create(a_call(State.ACTIVE, account_id=ACCOUNT, attempt=2, attempts=(TALKED,)))
    assert ask(manage, "end_session") == (200, {"session_id": ROOM, "state": "completed"})
    call = store.get(ACCOUNT, CALL)
    assert call is not None
    assert call.end_asked_at is None


def test_ending_by_the_calls_id_between_two_attempts_cancels_the_next(manage: ModuleType, store: CallStore) -> None:
    store.create(a_call(State.QUEUED, account_id=ACCOUNT, attempt=1, attempts=(TALKED,)))
    status, body = ask(manage, "end_session", rawPath=f"/orchestrator/v1/sessions/{CALL}/end")
    assert (status, body) == (200, {"session_id": ROOM, "state": "failed"})
    call = store.get(ACCOUNT, CALL)
    assert call is not None
    assert call.state is State.CANCELED


def test_each_attempt_shows_its_own_transcript(manage: ModuleType, store: CallStore, transcripts: Transcripts) -> None:
    call = ended(attempt=2, attempts=(TALKED,), transcript_kept="table", transcript_turns=1)
    store.create(call)
    transcripts.keep(replace(call, attempt=1), TOLD)
    transcripts.keep(call, Transcript((Turn("agent", "Again me"),)))

    def words(dial: int) -> list[str]:
        _, body = ask(manage, "get_session", rawPath=f"/v1/sessions/{ACCOUNT}.{CALL}.{dial}")
        return [turn["content"] for turn in body["transcript"]]

    assert (words(1), words(2)) == (["Hello?", "Yes"], ["Again me"])
