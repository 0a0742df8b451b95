"""LiveKit's webhooks: proven, read, applied, and answered so that LiveKit does the right thing next."""

import base64
import hashlib
import json
import time
from copy import replace
from types import ModuleType
from typing import Any, Never

import jwt
import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.store import CallStore
from ringline.routing.records import Number, Pipe
from ringline.routing.store import RoutingStore
from ringline.runtime.clock import now_ms
from tests.builders import ACCOUNT, a_call
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of

KEY, SECRET = "devkey", "a-secret-of-more-than-32-characters"
CALL = "call_01JD5Z0000000000000000000A"


def load_hook(local: LocalAws, **settings: str) -> ModuleType:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    environment = {
        "LIVEKIT_URL": "http://127.0.0.1:9",
        "LIVEKIT_API_KEY": KEY,
        "LIVEKIT_API_SECRET": SECRET,
        "AGENT_NAME": "ringline-agent",
    }
    return load_handler(
        "receive_livekit_event",
        {"DOORBELL_QUEUE_URL": local.queue_url, "LOOK_QUEUE_URL": local.queue_url, **environment, **settings},
    )


@pytest.fixture
def hook(local: LocalAws) -> ModuleType:
    return load_hook(local)


@pytest.fixture
def store(local: LocalAws) -> CallStore:
    store = CallStore(local.dynamodb, local.table_name)
    answered_at = now_ms() - 60_000
    dialed_at = answered_at - 5_000
    store.create(a_call(State.ACTIVE, dialed_at=dialed_at, answered_at=answered_at, active_at=answered_at))
    local.dynamodb.update_item(
        TableName=local.table_name,
        Key={"pk": {"S": f"A#{ACCOUNT}#GATE"}, "sk": {"S": "GATE"}},
        UpdateExpression="SET in_use = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    return store


def leg_left(sid: str = "PA_leg", attempt: int = 1, identity: str | None = None) -> dict[str, Any]:
    return {
        "event": "participant_left",
        "id": "EV_1",
        "createdAt": str(int(time.time())),
        "room": {"sid": "RM_1", "name": f"{ACCOUNT}.{CALL}.{attempt}"},
        "participant": {
            "sid": sid,
            "identity": identity or f"sip-{CALL}-{attempt}",
            "kind": "SIP",
            "disconnectReason": "CLIENT_INITIATED",
            "attributes": {"sip.callStatus": "hangup"},
        },
    }


def signed(body: bytes, **claims: Any) -> str:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    now = int(time.time())
    return jwt.encode({"iss": KEY, "nbf": now, "exp": now + 300, "sha256": digest} | claims, SECRET, algorithm="HS256")


def post(hook: ModuleType, body: bytes, token: str | None, *, base64_encoded: bool = False) -> tuple[int, Any]:
    event = event_of("receive_livekit_event", "forged")
    event["headers"] = {"content-type": "application/webhook+json"} | ({"authorization": token} if token else {})
    event["body"] = base64.b64encode(body).decode() if base64_encoded else body.decode()
    event["isBase64Encoded"] = base64_encoded
    answer = hook.lambda_handler(event, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.parametrize("base64_encoded", [False, True])
def test_the_end_of_a_conversation_is_applied(hook: ModuleType, store: CallStore, base64_encoded: bool) -> None:
    body = json.dumps(leg_left()).encode()
    assert post(hook, body, signed(body), base64_encoded=base64_encoded) == (200, {"outcome": "applied"})
    call = store.get(ACCOUNT, CALL)
    assert call is not None
    assert (call.state, call.end_reason) == (State.ENDED, EndReason.USER_HUNG_UP_IN_CALL)
    assert store.gate(ACCOUNT).in_use == 0
    assert post(hook, body, signed(body)) == (200, {"outcome": "call_is_over"}), "sent again, it changes nothing"
    assert store.gate(ACCOUNT).in_use == 0


def test_a_phone_that_the_agent_called_into_the_room_ends_nothing_when_it_leaves(
    hook: ModuleType, store: CallStore
) -> None:
    before = store.get(ACCOUNT, CALL)
    for event in ("participant_joined", "participant_left"):
        body = json.dumps(leg_left("PA_colleague", identity="colleague") | {"event": event}).encode()
        assert post(hook, body, signed(body)) == (200, {"outcome": "leg_of_another"})
    assert store.get(ACCOUNT, CALL) == before


@pytest.mark.parametrize(("country", "to_number"), [("US", "+15550100900"), ("", None)])
def test_a_number_without_its_country_is_one_of_the_deployments(
    local: LocalAws, country: str, to_number: str | None
) -> None:
    hook = load_hook(local, DEFAULT_COUNTRY=country)
    routing = RoutingStore(local.dynamodb, local.table_name)
    routing.put_pipe(ACCOUNT, Pipe(pipe_id="pipe_1", name="Front desk", agent_id="front-desk"))
    routing.put_number(ACCOUNT, Number(number="+15550100900", number_id="num_1", pipe_id="pipe_1"))
    left = leg_left(identity="sip_1")
    left["room"]["name"] = "in_1"
    left["participant"]["attributes"] |= {"sip.ruleID": "SDR_1", "sip.trunkPhoneNumber": "5550100900"}
    body = json.dumps(left).encode()
    told = "arrived" if to_number else "number_not_ours"
    assert post(hook, body, signed(body)) == (200, {"outcome": told})
    calls = CallPages(local.dynamodb, local.table_name).newest(ACCOUNT, limit=10, cursor=None).calls
    assert [call.to_number for call in calls] == ([to_number] if to_number else [])


@pytest.mark.parametrize(
    "forgery",
    [
        "no token",
        "garbage",
        "other secret",
        "other issuer",
        "expired",
        "no expiry",
        "other body",
        "no hash",
        "alg none",
    ],
)
def test_what_is_not_proven_to_be_livekits_changes_nothing(hook: ModuleType, store: CallStore, forgery: str) -> None:
    body = json.dumps(leg_left()).encode()
    good = signed(body)
    claims = jwt.decode(good, options={"verify_signature": False})
    tokens = {
        "no token": None,
        "garbage": "not.a.token",
        "other secret": jwt.encode(claims, "another-secret-of-more-than-32-characters", algorithm="HS256"),
        "other issuer": signed(body, iss="someone"),
        "expired": signed(body, exp=int(time.time()) - 61),
        "no expiry": jwt.encode({k: v for k, v in claims.items() if k != "exp"}, SECRET, algorithm="HS256"),
        "other body": signed(body + b" "),
        "no hash": jwt.encode({k: v for k, v in claims.items() if k != "sha256"}, SECRET, algorithm="HS256"),
        "alg none": jwt.encode(claims, "", algorithm="none"),
    }
    before = store.get(ACCOUNT, CALL)
    status, problem = post(hook, body, tokens[forgery])
    assert (status, problem["code"]) == (401, "not_livekit")
    assert store.get(ACCOUNT, CALL) == before


@pytest.mark.parametrize("text", ["", "[]", "7", "{}", '{"event": "participant_left", "participant": 7}'])
def test_a_body_that_is_no_event_is_told_so(hook: ModuleType, text: str) -> None:
    body = text.encode()
    status, problem = post(hook, body, signed(body))
    assert (status, problem["code"]) == (400, "unreadable_event")


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        ({"event": "room_started", "room": {"name": f"{ACCOUNT}.{CALL}.1"}}, "not_of_interest"),
        ({"event": "egress_of_the_future", "room": {"name": f"{ACCOUNT}.{CALL}.1"}}, "not_of_interest"),
        ({"event": "room_finished", "room": {"name": "somebody-elses"}}, "not_our_room"),
        ({"event": "room_finished", "room": {"name": f"{ACCOUNT}.call_unknown.1"}}, "unknown_call"),
        (leg_left(sid="PA_old"), "stale_leg"),
        (leg_left(attempt=2), "stale_attempt"),
    ],
)
def test_an_event_that_changes_nothing_is_acknowledged_and_named(
    hook: ModuleType, store: CallStore, event: dict[str, Any], outcome: str
) -> None:
    before = store.get(ACCOUNT, CALL)
    body = json.dumps(event).encode()
    assert post(hook, body, signed(body)) == (200, {"outcome": outcome})
    assert store.get(ACCOUNT, CALL) == before


PASSED_OVER = (
    {"event": "room_started", "room": {"name": "whoevers"}},
    {"event": "track_published", "room": {"name": "whoevers"}, "participant": {"sid": "PA_1"}},
    {"event": "participant_joined", "room": {"name": "whoevers"}, "participant": {"sid": "PA_1", "kind": "EGRESS"}},
)


@pytest.mark.parametrize("event", PASSED_OVER, ids=lambda event: str(event["event"]))
def test_an_event_that_no_rule_reads_is_passed_over_before_anything_is_asked(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch, event: dict[str, Any]
) -> None:
    def nobody(_host: str) -> Never:
        raise AssertionError("it is known by what it says alone")

    monkeypatch.setattr(hook, "observer", nobody)
    body = json.dumps(event).encode()
    assert post(hook, body, signed(body)) == (200, {"outcome": "not_of_interest"})


def test_a_forged_event_that_no_rule_reads_is_refused_all_the_same(hook: ModuleType) -> None:
    body = json.dumps(PASSED_OVER[0]).encode()
    assert post(hook, body, signed(b"another body"))[0] == 401


def test_an_agent_that_is_back_under_another_sid_is_known_by_its_identity(hook: ModuleType, store: CallStore) -> None:
    for event, sid in (("left", "PA_agent"), ("joined", "PA_second"), ("joined", "PA_second_again")):
        told = leg_left(sid, identity="agent-AJ_2") | {"event": f"participant_{event}"}
        body = json.dumps(told | {"participant": told["participant"] | {"kind": "AGENT"}}).encode()
        assert post(hook, body, signed(body)) == (200, {"outcome": "applied"})
    call = store.get(ACCOUNT, CALL)
    assert call is not None and (call.agent_sid, call.agent_identity) == ("PA_second_again", "agent-AJ_2")


def test_what_was_not_persisted_is_answered_so_that_livekit_sends_it_again(
    hook: ModuleType, store: CallStore, local: LocalAws
) -> None:
    body = json.dumps(leg_left()).encode()
    local.dynamodb.delete_table(TableName=local.table_name)
    status, problem = post(hook, body, signed(body))
    assert (status, problem["code"]) == (503, "not_persisted")


def test_a_leg_that_joins_for_a_call_that_is_over_has_its_room_closed(
    hook: ModuleType, store: CallStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = json.dumps(leg_left()).encode()
    post(hook, ended, signed(ended))
    closed: list[str] = []
    observer = hook.observer
    monkeypatch.setattr(hook, "observer", lambda host: replace(observer(host), close_room=closed.append))
    joined = {**leg_left(), "event": "participant_joined"}
    body = json.dumps(joined).encode()
    assert post(hook, body, signed(body)) == (200, {"outcome": "call_is_over"})
    assert closed == [f"{ACCOUNT}.{CALL}.1"]
