"""The official SDK reads sessions, transcripts and recordings from the handlers, through the template's own routes."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from copy import replace
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import pytest
from aiohttp import web
from livekit.api import TokenVerifier
from unpod import AsyncClient, BearerAuth

from local.aws.template import events_of, read_template
from local.tools.places import TEMPLATE
from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import Call, Direction, Recording, State
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.transcripts import Transcript, Transcripts, Turn
from ringline.routing.records import Pipe
from ringline.routing.store import RoutingStore
from ringline.runtime import aws
from ringline.runtime.clock import now_ms
from tests.builders import a_call
from tests.component.one_table import RECORDS_BUCKET, LocalAws, load_handler, local_aws
from tests.fakes import CONTEXT

pytestmark = pytest.mark.anyio

ACCOUNT = "acct_demo"
FUNCTIONS = {"ManageFunction": "manage"}
NOWHERE = {
    "LIVEKIT_URL": "http://127.0.0.1:9",
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": "a-secret-of-more-than-32-characters",
}
TOLD = Transcript(
    (Turn("agent", "Hello?", "2026-11-21T02:09:00.123Z"), Turn("user", "Yes, who is it?")),
    "They talked.",
    {"llm_prompt_tokens": 412},
)


@dataclass(frozen=True, slots=True)
class Api:
    """The handlers behind the template's routes, and what they read from."""

    local: LocalAws
    functions: dict[str, Any]

    @property
    def store(self) -> CallStore:
        return CallStore(self.local.dynamodb, self.local.table_name)

    def a_call_that_talked(self, call_id: str, told: Transcript = TOLD, **fields: Any) -> Call:
        transcripts = Transcripts(self.local.dynamodb, self.local.table_name, aws.s3, RECORDS_BUCKET)
        call = a_call(State.ENDED, account_id=ACCOUNT, call_id=call_id, **fields)
        kept = transcripts.keep(call, told)
        call = replace(call, transcript_kept=kept.place, transcript_turns=kept.turns)
        self.store.create(call)
        return call

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        event = {
            "version": "2.0",
            "rawPath": request.path,
            "rawQueryString": request.query_string,
            "queryStringParameters": dict(request.query) or None,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "requestContext": {
                "http": {"method": request.method, "path": request.path},
                "authorizer": {"lambda": {"account_id": ACCOUNT}},
                "stage": "$default",
            },
            "body": base64.b64encode(await request.read()).decode(),
            "isBase64Encoded": True,
        }
        handler = self.functions[function_of(request.method, request.path)]
        answer = await asyncio.to_thread(handler.lambda_handler, event, CONTEXT)
        many = answer.get("multiValueHeaders") or {}
        headers = answer.get("headers") or {name: ",".join(each) for name, each in many.items()}
        return web.Response(status=answer["statusCode"], headers=headers, body=(answer.get("body") or "").encode())


def function_of(method: str, path: str) -> str:
    """As API Gateway chooses: the whole path, else the longest greedy one, else the catch-all."""
    routes = {
        properties.get("Path", "$default"): function
        for function, properties in events_of(read_template(TEMPLATE), "HttpApi")
        if properties.get("Method", "ANY") in {"ANY", method}
    }
    greedy = [route for route in routes if "{proxy+}" in route and path.startswith(route.removesuffix("{proxy+}"))]
    return routes[path] if path in routes else routes[max(greedy, key=len, default="$default")]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def behind() -> Iterator[Api]:
    with local_aws() as local:
        aws.s3().create_bucket(Bucket=RECORDS_BUCKET)
        AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
        settings = {"DOORBELL_QUEUE_URL": local.queue_url, **NOWHERE}
        yield Api(local, {name: load_handler(folder, settings) for name, folder in FUNCTIONS.items()})


@asynccontextmanager
async def sdk(api: Api) -> AsyncIterator[AsyncClient]:
    runner = web.ServerRunner(web.Server(api.answer))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        async with AsyncClient(auth=BearerAuth("sk_test"), base_url=f"http://{host}:{port}/platform") as client:
            yield client
    finally:
        await runner.cleanup()


async def test_a_transcript_is_read_by_session_and_by_call(behind: Api) -> None:
    call = behind.a_call_that_talked("call_1")
    async with sdk(behind) as client:
        read = [await client.transcripts.get(str(call.room_name)), await client.sessions.get("call_1")]
        of_call = await client.calls.get("call_1")
    for session in read:
        assert (session.session_id, session.call_id, session.status) == (call.room_name, "call_1", "completed")
        assert [(turn.role, turn.content) for turn in session.transcript] == [
            ("agent", "Hello?"),
            ("user", "Yes, who is it?"),
        ]
        assert session.transcript[0].timestamp is not None
        assert (session.summary, session.usage, session.duration_s) == ("They talked.", {"llm_prompt_tokens": 412}, 54)
    assert of_call.transcript is not None
    assert [turn["content"] for turn in of_call.transcript] == ["Hello?", "Yes, who is it?"]
    beyond_the_sdks_model = of_call.model_extra or {}
    assert beyond_the_sdks_model["usage"] == {"llm_prompt_tokens": 412}
    assert (of_call.transcript_turns, beyond_the_sdks_model["summary"]) == (2, "They talked.")


async def test_three_thousand_turns_come_whole_to_the_sdk(behind: Api) -> None:
    told = Transcript(tuple(Turn("user", f"{n} " + "words " * 30) for n in range(3000)))
    behind.a_call_that_talked("call_1", told)
    async with sdk(behind) as client:
        session, call = await client.transcripts.get("call_1"), await client.calls.get("call_1")
    assert [turn.content for turn in session.transcript] == [turn.content for turn in told.turns]
    assert call.transcript == [{"role": "user", "content": turn.content, "timestamp": None} for turn in told.turns]


async def test_a_call_is_read_without_a_bucket_unless_its_transcript_lies_there(behind: Api) -> None:
    behind.a_call_that_talked("call_1")
    behind.a_call_that_talked("call_2", Transcript(tuple(Turn("user", "words " * 30) for _ in range(100))))
    clients = []
    async with sdk(behind) as client:
        for call_id in ("call_1", "call_2"):
            aws.s3.cache_clear()
            await client.calls.get(call_id)
            clients.append(aws.s3.cache_info().currsize)
    assert clients == [0, 1], "a client of S3 costs as much as a whole request"


async def test_a_call_without_a_transcript_says_so(behind: Api) -> None:
    behind.store.create(a_call(State.ENDED, account_id=ACCOUNT, call_id="call_1"))
    behind.store.create(a_call(State.ACTIVE, account_id=ACCOUNT, call_id="call_2"))
    behind.store.create(a_call(State.NOT_CONNECTED, account_id=ACCOUNT, call_id="call_3"))
    async with sdk(behind) as client:
        for call_id in ("call_1", "call_2", "call_3"):
            call, session = await client.calls.get(call_id), await client.sessions.get(call_id)
            assert (call.transcript, call.transcript_turns) == ([], 0), "None is for turns that were not loaded"
            assert (session.transcript, session.usage) == ([], {})


async def test_the_list_of_transcripts_carries_their_words_and_other_lists_carry_none(behind: Api) -> None:
    behind.a_call_that_talked("call_1")
    behind.store.create(a_call(State.ACTIVE, account_id=ACCOUNT, call_id="call_2"))
    behind.store.create(a_call(State.QUEUED, account_id=ACCOUNT, call_id="call_3"))
    async with sdk(behind) as client:
        sessions, transcripts = await client.sessions.list(), await client.transcripts.list()
        calls = await client.calls.list()
    assert [(each.call_id, each.status) for each in sessions] == [("call_2", "active"), ("call_1", "completed")]
    assert [each.call_id for each in transcripts] == ["call_1"]
    assert [[turn.content for turn in each.transcript] for each in transcripts] == [["Hello?", "Yes, who is it?"]]
    assert [each.transcript for each in sessions] == [[], []]
    assert [(each.call_id, each.transcript, each.transcript_turns) for each in calls] == [
        ("call_3", None, 0),
        ("call_2", None, 0),
        ("call_1", None, 2),
    ]


async def test_active_calls_are_listed_behind_any_number_of_queued_ones(
    behind: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK drops the cursor: an empty page is an empty list to its users."""
    for n in range(2):
        call = a_call(State.ACTIVE, account_id=ACCOUNT, call_id=f"call_0{n}", pipe_id=f"PIPE_{n}", due_at=now_ms())
        behind.store.create(call)
    for n in range(30):
        behind.store.create(a_call(State.QUEUED, account_id=ACCOUNT, call_id=f"call_1{n:02}"))
    query = behind.local.dynamodb.query
    monkeypatch.setattr(behind.local.dynamodb, "query", lambda **asked: query(**asked | {"Limit": 1}))
    async with sdk(behind) as client:
        every = await client.calls.list(status="active")
        one = await client.calls.list(status="active", pipe_id="PIPE_0")
        none = await client.calls.list(status="ringing")
    assert [[call.call_id for call in calls] for calls in (every, one, none)] == [
        ["call_01", "call_00"],
        ["call_00"],
        [],
    ]


async def test_a_call_that_rang_in_is_a_session_of_its_own_in_a_room_that_others_share(behind: Api) -> None:
    """For ever: what leads from the room to its call is removed after two days."""
    inbound: dict[str, Any] = {"direction": Direction.INBOUND, "inbound_room": "reception"}
    first = behind.a_call_that_talked("call_1", **inbound)
    behind.a_call_that_talked("call_2", Transcript((Turn("user", "Another caller"),)), **inbound)
    async with sdk(behind) as client:
        listed = [await client.sessions.get(each.session_id) for each in await client.sessions.list()]
        call = await client.calls.get("call_1")
        by_call = await client.transcripts.get(str(call.session_id))
    assert [(each.call_id, len(each.transcript), each.room_name) for each in listed] == [
        ("call_2", 1, "reception"),
        ("call_1", 2, "reception"),
    ]
    assert (by_call.call_id, call.room_name, first.room_name) == ("call_1", "reception", "reception")


async def test_recordings_are_sessions_with_a_link(behind: Api) -> None:
    for call_id in ("call_1", "call_2"):
        there = Recording("EG_1", "ended", f"{ACCOUNT}/recordings/{call_id}-1.ogg", 48.5)
        call = a_call(State.ENDED, account_id=ACCOUNT, call_id=call_id, recording=True, recorded=there)
        behind.store.create(call)
    behind.store.create(a_call(State.ENDED, account_id=ACCOUNT, call_id="call_3"))
    async with sdk(behind) as client:
        every, one, none = [await client.recordings.list(call_id=each) for each in (None, "call_1", "call_3")]
        session = await client.sessions.get("call_1")
    assert [each.call_id for each in every] == ["call_2", "call_1"]
    assert [each.call_id for each in one] == ["call_1"]
    assert none == []
    assert "recordings/call_1-1.ogg" in str(session.recording_url)


async def test_a_session_is_ended_at_the_orchestrators_door(behind: Api) -> None:
    behind.store.create(a_call(State.ACTIVE, account_id=ACCOUNT, call_id="call_1"))
    async with sdk(behind) as client:
        ended = await client.sessions.end(f"{ACCOUNT}.call_1.1")
    assert (ended.session_id, ended.state) == (f"{ACCOUNT}.call_1.1", "active")
    call = behind.store.get(ACCOUNT, "call_1")
    assert call is not None
    assert call.end_asked_at is not None


@pytest.mark.parametrize("session_id", ["call_nobody", "acct_other.call_1.1"])
async def test_a_session_of_nobody_or_of_others_is_not_found(behind: Api, session_id: str) -> None:
    behind.store.create(a_call(State.ACTIVE, account_id="acct_other", call_id="call_1"))
    async with sdk(behind) as client:
        for ask in (client.sessions.get, client.transcripts.get, client.sessions.end):
            with pytest.raises(httpx.HTTPStatusError) as refused:
                await ask(session_id)
            assert refused.value.response.status_code == 404
            assert refused.value.response.json()["code"] == "session_not_found"


async def test_a_session_is_transferred_and_the_sdk_reads_who_comes_and_who_goes(behind: Api) -> None:
    began = now_ms() - 60_000
    talking = {"created_at": began, "eligible_at": began, "dialed_at": began, "answered_at": began, "active_at": began}
    call = a_call(State.ACTIVE, account_id=ACCOUNT, call_id="call_1", agent_joined_at=began, **talking)
    behind.store.create(call)
    async with sdk(behind) as client:
        by_call = await client.sessions.transfer("call_1", "sip", {"number": "+15550100888"}, "warm", 4000)
        by_session = await client.sessions.transfer(
            str(call.room_name), "sip", {"number": "+15550100888"}, mode="warm", warm_handoff_ms=4000
        )
        with pytest.raises(httpx.HTTPStatusError, match="409"):
            await client.sessions.transfer("call_1", "agent", {"agent_id": "sales"})
        shown = await client.calls.get("call_1")
    assert by_call == by_session, "the same while it is under way"
    assert (by_call.session_id, by_call.mode) == (call.room_name, "warm")
    (transfer,) = (shown.model_extra or {})["transfers"]
    assert transfer["participant_id"] == by_call.added_participant_id
    assert by_call.removed_participant_id == call.agent_sid


async def test_a_token_is_made_for_a_browser_as_the_sdk_asks_for_it(behind: Api) -> None:
    RoutingStore(behind.local.dynamodb, behind.local.table_name).put_pipe(
        ACCOUNT, Pipe(pipe_id="pipe_web", name="p", agent_id="front-desk")
    )
    async with sdk(behind) as client:
        made = await client.sessions.create_token("pipe_web", metadata={"user": "u"})
    claims = TokenVerifier(NOWHERE["LIVEKIT_API_KEY"], NOWHERE["LIVEKIT_API_SECRET"]).verify(made.token)
    assert claims.video is not None
    # The SDK shows none of the extras: LiveKit's client finds room and identity in the token.
    call_id = claims.identity.removeprefix("web-")
    assert (claims.video.room_join, claims.video.room) == (True, f"{ACCOUNT}.{call_id}.1")
    assert (claims.video.can_publish, claims.video.can_subscribe, claims.video.hidden) == (True, True, None)
    assert behind.store.get(ACCOUNT, call_id) is None
    assert 0 < (datetime.fromisoformat(str(made.expires_at)).timestamp() * 1000 - now_ms()) / 1000 <= 60
    async with sdk(behind) as client:
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await client.sessions.create_token("pipe_of_nobody")
    assert refused.value.response.json()["code"] == "unknown_pipe"
