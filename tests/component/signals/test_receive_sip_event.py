"""Carriers' hooks: proven, read, matched to their call, applied, and answered so that the carrier does the right thing
next."""

import base64
import json
import time
from copy import replace
from types import ModuleType
from typing import Any

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.store import CallStore
from ringline.runtime.clock import now_ms
from tests.builders import ACCOUNT, a_call
from tests.carrier_requests import HOST, OTHER_SECRETS, ROOM, SECRETS, TWILIO_TOKEN, sent, signed
from tests.component.one_table import LocalAws, load_handler, log_of
from tests.fakes import CONTEXT
from tests.sample_events import EVENTS, event_of

CALL = "call_01JD5Z0000000000000000000A"
LIVEKIT = {"LIVEKIT_URL": "http://127.0.0.1:9", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s" * 32}
SETTINGS = {"telnyx": "TELNYX_PUBLIC_KEY", "twilio": "TWILIO_AUTH_TOKEN", "generic": "SIP_HOOK_SECRET"}
FAILURES = ["telnyx_busy", "twilio_busy", "generic_failed"]


def hook_with(local: LocalAws, secrets: dict[str, str], **environment: str) -> ModuleType:
    queues = {"DOORBELL_QUEUE_URL": local.queue_url, "LOOK_QUEUE_URL": local.queue_url}
    named = {SETTINGS[provider]: secret for provider, secret in secrets.items()}
    return load_handler("receive_sip_event", {**queues, **LIVEKIT, **named, **environment})


@pytest.fixture
def hook(local: LocalAws) -> ModuleType:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    return hook_with(local, SECRETS)


@pytest.fixture
def store(local: LocalAws) -> CallStore:
    """A phone that is being dialled, since five seconds, on the account's one line in use."""
    store = CallStore(local.dynamodb, local.table_name)
    store.create(a_call(State.DIALING, dialed_at=now_ms() - 5000))
    local.dynamodb.update_item(
        TableName=local.table_name,
        Key={"pk": {"S": f"A#{ACCOUNT}#GATE"}, "sk": {"S": "GATE"}},
        UpdateExpression="SET in_use = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    return store


def now_s() -> int:
    return int(time.time())


def post(hook: ModuleType, event: dict[str, Any]) -> tuple[int, Any]:
    answer = hook.lambda_handler(event, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


def without_links(local: LocalAws) -> list[dict[str, Any]]:
    return [item for item in local.items() if not item["pk"].startswith("CARRIER#")]


def linked(hook: ModuleType) -> None:
    """The call's ids are known, as after its first event."""
    assert post(hook, sent("telnyx_initiated", now_s())) == (200, {"outcomes": ["not_of_interest"]})


@pytest.mark.parametrize("base64_encoded", [False, True])
@pytest.mark.parametrize("case", FAILURES)
def test_each_provider_is_heard_once_and_a_repeat_changes_nothing(
    hook: ModuleType, store: CallStore, local: LocalAws, case: str, base64_encoded: bool
) -> None:
    linked(hook)
    event = sent(case, now_s())
    if base64_encoded:
        event |= {"body": base64.b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}
    assert post(hook, event) == (200, {"outcomes": ["applied"]})
    call = store.get(ACCOUNT, CALL)
    assert call is not None
    assert (call.state, call.evidence.sip_code) == (State.DIALING, 486), "the dialer's own word decides"
    assert call.carrier.failed_at is not None
    before = local.items()
    assert post(hook, event) == (200, {"outcomes": ["failed_before"]})
    assert local.items() == before


@pytest.mark.parametrize("case", FAILURES)
@pytest.mark.parametrize("forgery", ["other secret", "other body", "stale", "future", "no signature"])
def test_what_is_not_proven_to_be_the_carriers_is_not_even_read(
    hook: ModuleType, store: CallStore, local: LocalAws, case: str, forgery: str
) -> None:
    at_s = now_s() + {"stale": -301, "future": 320}.get(forgery, 0)
    event = sent(case, at_s)
    if forgery == "other secret":
        hook = hook_with(local, OTHER_SECRETS)
    if forgery == "other body":
        event["body"] = event["body"].replace("486", "404")
    if forgery == "no signature":
        event["headers"] = {name: value for name, value in event["headers"].items() if "signature" not in name}
    before = local.items()
    status, problem = post(hook, event)
    assert (status, problem["code"]) == (401, "not_the_carrier")
    assert local.items() == before


def test_the_sample_of_a_forgery_is_one(hook: ModuleType) -> None:
    assert post(hook, event_of("receive_sip_event", "forged"))[0] == 401


def test_one_providers_secret_is_no_others(local: LocalAws) -> None:
    hook = hook_with(local, {"generic": SECRETS["generic"], "twilio": "", "telnyx": ""})
    for case, status, code in (
        ("generic_failed", 200, None),
        ("twilio_busy", 404, "hook_not_configured"),
        ("telnyx_busy", 404, "hook_not_configured"),
    ):
        seen, body = post(hook, sent(case, now_s()))
        assert (seen, body.get("code")) == (status, code)


def test_a_provider_nobody_knows_is_not_found(hook: ModuleType) -> None:
    event = event_of("receive_sip_event", "generic_failed") | {"pathParameters": {"provider": "acme"}}
    status, problem = post(hook, event)
    assert (status, problem["code"]) == (404, "unknown_provider")


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"type": "call.ended"}'])
def test_a_body_that_is_the_carriers_and_no_event_is_acknowledged_and_logged(hook: ModuleType, body: str) -> None:
    event = signed(event_of("receive_sip_event", "generic_failed") | {"body": body}, now_s())
    with log_of("receive_sip_event") as lines:
        assert post(hook, event) == (200, {"outcomes": ["unreadable"]})
    assert "hook unreadable" in lines.getvalue()


def test_a_body_larger_than_any_event_is_refused(hook: ModuleType) -> None:
    event = event_of("receive_sip_event", "generic_failed") | {"body": "x" * 70_000}
    assert post(hook, event)[0] == 413


@pytest.mark.parametrize(
    ("case", "room", "outcome"),
    [
        ("generic_failed", "somebody-elses", "not_our_call"),
        ("generic_failed", f"{ACCOUNT}.call_unknown.1", "unknown_call"),
        ("generic_failed", f"acc_2.{CALL}.1", "unknown_call"),
        ("generic_failed", f"{ACCOUNT}.{CALL}.2", "stale_attempt"),
        ("generic_failed", f"{'x' * 90}.{CALL}.1", "not_our_call"),
        ("generic_answered", f"{ACCOUNT}.{CALL}.2", "stale_attempt"),
        ("telnyx_initiated", f"{ACCOUNT}.{CALL}.2", "not_of_interest"),
    ],
)
def test_an_event_of_no_call_or_of_another_attempt_is_acknowledged_and_changes_nothing(
    hook: ModuleType, store: CallStore, local: LocalAws, case: str, room: str, outcome: str
) -> None:
    before = local.items()
    assert post(hook, sent(case, now_s(), room)) == (200, {"outcomes": [outcome]})
    assert local.items() == before, "no link either"


def test_an_event_of_the_future_is_acknowledged_and_changes_nothing(
    hook: ModuleType, store: CallStore, local: LocalAws
) -> None:
    event = sent("generic_ringing", now_s())
    event["body"] = event["body"].replace("call.ringing", "call.teleported")
    before = without_links(local)
    assert post(hook, signed(event, now_s())) == (200, {"outcomes": ["not_of_interest"]})
    assert without_links(local) == before


@pytest.mark.parametrize("case", ["generic_ringing", "generic_forwarded", "generic_ended", "twilio_machine"])
def test_an_event_of_a_call_that_is_over_is_acknowledged_and_changes_nothing(
    hook: ModuleType, local: LocalAws, case: str
) -> None:
    CallStore(local.dynamodb, local.table_name).create(a_call(State.ENDED, end_reason=EndReason.API_HUNG_UP))
    before = local.items()
    status, answer = post(hook, sent(case, now_s()))
    assert (status, answer["outcomes"][-1]) == (200, "call_is_over")
    assert local.items() == before


def test_an_event_that_names_no_room_finds_its_call_by_the_carriers_own_id(
    hook: ModuleType, store: CallStore, local: LocalAws
) -> None:
    assert post(hook, sent("telnyx_busy", now_s() - 60)) == (200, {"outcomes": ["not_our_call"]})
    linked(hook)
    elsewhere = hook_with(local, SECRETS)
    assert post(elsewhere, sent("telnyx_busy", now_s())) == (200, {"outcomes": ["applied"]})
    (link,) = [item for item in local.items() if item["pk"].startswith("CARRIER#")]
    assert link["pk"] == "CARRIER#telnyx#63dcc852-e29f-11ee-ab82-02420a0d0870", "the session, which all its legs share"
    assert link["room"] == ROOM
    assert 86_000 < link["ttl_at_s"] - now_s() <= 86_400


def test_a_hangup_that_overtakes_the_event_which_names_its_call_is_sent_again_and_counts(
    hook: ModuleType, store: CallStore, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telnyx shows our header with `call.initiated` alone, and keeps no order."""
    waits_s: list[float] = []

    async def pause(wait_s: float) -> None:
        waits_s.append(wait_s)

    monkeypatch.setattr(hook, "hear", replace(hook.hear, pause=pause))
    hangup, before = sent("telnyx_busy", now_s()), local.items()
    answer = hook.lambda_handler(hangup, CONTEXT)
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "1")
    assert json.loads(answer["body"])["code"] == "call_not_known_yet"
    assert sum(waits_s) == pytest.approx(1.0)
    assert local.items() == before
    linked(hook)
    assert post(hook, hangup) == (200, {"outcomes": ["applied"]})
    call = store.get(ACCOUNT, CALL)
    assert call is not None and call.evidence.sip_code == 486


def test_a_link_is_written_once_for_all_events_of_a_call(
    hook: ModuleType, store: CallStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Any] = []
    put_item = hook.hear.links._db.put_item

    def put_and_note(**item: Any) -> Any:
        written.append(item)
        return put_item(**item)

    monkeypatch.setattr(hook.hear.links._db, "put_item", put_and_note)
    for case in ("generic_ringing", "generic_forwarded", "generic_ringing"):
        post(hook, sent(case, now_s(), to_voicemail=False, forwarded_to="+15550100999"))
    assert len([put for put in written if put["Item"]["pk"]["S"].startswith("CARRIER#")]) == 1


def test_the_end_of_a_conversation_has_the_call_looked_at_soon(hook: ModuleType, local: LocalAws) -> None:
    began = now_ms() - 60_000
    store = CallStore(local.dynamodb, local.table_name)
    store.create(a_call(State.ACTIVE, dialed_at=began - 5000, answered_at=began, active_at=began))
    assert post(hook, sent("generic_ended", now_s())) == (200, {"outcomes": ["applied"]})
    call = store.get(ACCOUNT, CALL)
    assert call is not None and call.carrier.ended_at is not None
    assert post(hook, sent("generic_ended", now_s())) == (200, {"outcomes": ["ended_before"]})
    attributes = local.sqs.get_queue_attributes(QueueUrl=local.queue_url, AttributeNames=["All"])["Attributes"]
    assert int(attributes["ApproximateNumberOfMessagesDelayed"]) == 1


def test_a_look_that_cannot_be_asked_for_does_not_undo_what_is_written(
    hook: ModuleType, store: CallStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoQueue:
        def look_again(self, *_: object) -> None:
            raise RuntimeError("no queue")

    monkeypatch.setattr(hook, "hear", replace(hook.hear, looks=NoQueue()))
    assert post(hook, sent("generic_failed", now_s())) == (200, {"outcomes": ["applied"]})


def test_what_was_not_persisted_is_answered_so_that_the_carrier_sends_it_again(
    hook: ModuleType, store: CallStore, local: LocalAws
) -> None:
    local.dynamodb.delete_table(TableName=local.table_name)
    status, problem = post(hook, sent("generic_failed", now_s()))
    assert (status, problem["code"]) == (503, "not_persisted")


def test_an_answer_while_livekit_cannot_be_asked_is_left_to_the_dialer(hook: ModuleType, store: CallStore) -> None:
    before = store.get(ACCOUNT, CALL)
    assert post(hook, sent("generic_answered", now_s())) == (200, {"outcomes": ["livekit_not_reached"]})
    assert store.get(ACCOUNT, CALL) == before


def test_each_verdict_is_a_line_of_the_log_that_holds_no_phone_number(hook: ModuleType, store: CallStore) -> None:
    with log_of("receive_sip_event") as lines:
        post(hook, sent("twilio_busy", now_s()))
        post(hook, sent("generic_forwarded", now_s(), forwarded_to="sip:+15550100999@example.com"))
    text = lines.getvalue()
    heard = [json.loads(line) for line in text.splitlines() if "carrier heard" in line]
    assert [(line["provider"], line["event"], line["outcome"]) for line in heard] == [
        ("twilio", "failed", "applied"),
        ("generic", "forwarded", "applied"),
    ]
    assert all((line["account_id"], line["call_id"]) == (ACCOUNT, CALL) for line in heard)
    assert "+1555" not in text and "15550100" not in text


def test_behind_a_proxy_the_url_that_twilio_signed_is_a_setting(local: LocalAws) -> None:
    event = sent("twilio_busy", now_s())
    behind = event | {"headers": event["headers"] | {"host": "internal:8080", "x-forwarded-proto": "http"}}
    told = hook_with(local, {"twilio": TWILIO_TOKEN}, HOOKS_URL=f"https://{HOST}/")
    assert post(told, behind) == (200, {"outcomes": ["unknown_call"]})
    untold = hook_with(local, {"twilio": TWILIO_TOKEN})
    assert post(untold, behind)[0] == 401


def test_every_sample_event_is_acknowledged(hook: ModuleType, store: CallStore) -> None:
    linked(hook)
    for case in sorted(path.stem for path in (EVENTS / "receive_sip_event").glob("*.json")):
        if case != "forged":
            assert post(hook, sent(case, now_s()))[0] == 200, case
