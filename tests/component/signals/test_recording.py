"""A call's recording: started once when the call becomes active, followed to its file, shown with a link to it."""

import base64
import hashlib
import json
import time
import urllib.parse
from collections.abc import Iterator
from copy import replace
from types import ModuleType
from typing import Any

import jwt
import pytest
from livekit.protocol import egress
from unpod.models.call import Call as SdkCall

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import Call, Recording, State
from ringline.calls.model.reasons import EndReason
from ringline.calls.progress import start_recordings
from ringline.calls.tables.recordings import recording_url
from ringline.calls.tables.records import call_to_item
from ringline.calls.tables.store import CallStore
from ringline.calls.views.payload import CallDrafts
from ringline.calls.views.relay import Relay
from ringline.runtime import aws
from ringline.runtime.clock import now_ms
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.tables.endpoints import EndpointStore
from tests.builders import NOW, a_call
from tests.component.one_table import RECORDS_BUCKET, LocalAws, load_handler, log_of
from tests.component.signals.egress_server import EgressServer, listening
from tests.fakes import CONTEXT
from tests.sample_events import event_of

ACCOUNT = "acct_demo"
CALL = "call_01JD5Z0000000000000000000A"
ROOM = f"{ACCOUNT}.{CALL}.1"
KEY = f"{ACCOUNT}/recordings/{CALL}-1.ogg"
LIVEKIT = {"LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "a-secret-of-more-than-32-characters"}
NOWHERE = "http://127.0.0.1:9"

DIALING = a_call(State.DIALING, account_id=ACCOUNT, recording=True)
ANSWERED_AT = now_ms() - 60_000
ACTIVE = a_call(
    State.ACTIVE,
    account_id=ACCOUNT,
    recording=True,
    dialed_at=ANSWERED_AT - 5000,
    answered_at=ANSWERED_AT,
    max_call_duration_s=24 * 3600,
    active_at=ANSWERED_AT,
)


@pytest.fixture
def livekit() -> Iterator[EgressServer]:
    with listening(EgressServer()) as server:
        yield server


@pytest.fixture
def store(local: LocalAws) -> CallStore:
    accounts = AccountStore(local.dynamodb, local.table_name)
    accounts.create_account(Account(ACCOUNT, "Acme", "acme", 2))
    store = CallStore(local.dynamodb, local.table_name)
    store.create(ACTIVE)
    local.dynamodb.update_item(
        TableName=local.table_name,
        Key={"pk": {"S": f"A#{ACCOUNT}#GATE"}, "sk": {"S": "GATE"}},
        UpdateExpression="SET in_use = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    return store


def relay(local: LocalAws, livekit_url: str, **environment: str) -> ModuleType:
    queues = {"DOORBELL_QUEUE_URL": local.queue_url, "DELIVERY_QUEUE_URL": local.queue_url}
    known = {**LIVEKIT, **queues, "LIVEKIT_URL": livekit_url, "AWS_REGION": "eu-central-1"}
    return load_handler("relay_call_changes", known | environment)


def stream(*changes: tuple[Call | None, Call]) -> dict[str, Any]:
    records = []
    for number, (before, after) in enumerate(changes, start=1):
        images = {"NewImage": call_to_item(after)} | ({} if before is None else {"OldImage": call_to_item(before)})
        records.append({"eventID": str(number), "dynamodb": {"SequenceNumber": str(number), **images}})
    return {"Records": records}


BECAME_ACTIVE = stream((DIALING, ACTIVE))
RELAYED: dict[str, Any] = {"batchItemFailures": []}


def call_in(store: CallStore) -> Call:
    call = store.get(ACCOUNT, CALL)
    assert call is not None
    return call


# --- the start -------------------------------------------------------------------------------------------------------


def test_the_audio_of_an_active_call_is_recorded_to_the_bucket(
    store: CallStore, local: LocalAws, livekit: EgressServer
) -> None:
    handler = relay(local, livekit.url, RECORDING_ACCESS_KEY_ID="AK", RECORDING_SECRET_ACCESS_KEY="SK")
    assert handler.lambda_handler(BECAME_ACTIVE, CONTEXT) == RELAYED
    (request,) = livekit.started
    assert (request.room_name, request.audio_only) == (ROOM, True)
    (file,) = request.file_outputs
    assert (file.file_type, file.filepath, file.disable_manifest) == (egress.EncodedFileType.OGG, KEY, True)
    assert (file.s3.bucket, file.s3.region) == (RECORDS_BUCKET, "eu-central-1")
    assert (file.s3.access_key, file.s3.secret) == ("AK", "SK")
    assert (file.s3.endpoint, file.s3.force_path_style) == ("", False)


def test_beside_an_emulator_livekit_is_told_where_its_s3_is(
    store: CallStore, local: LocalAws, livekit: EgressServer
) -> None:
    handler = relay(local, livekit.url, AWS_ENDPOINT_URL="http://127.0.0.1:4566")
    handler.lambda_handler(BECAME_ACTIVE, CONTEXT)
    upload = livekit.started[0].file_outputs[0].s3
    assert (upload.endpoint, upload.force_path_style) == ("http://127.0.0.1:4566", True)
    assert (upload.access_key, upload.secret) == ("", ""), "without a key of ours the egress service uses its own role"


def test_a_change_that_is_delivered_again_starts_no_second_recording(
    store: CallStore, local: LocalAws, livekit: EgressServer
) -> None:
    handler = relay(local, livekit.url)
    for _ in range(3):
        assert handler.lambda_handler(BECAME_ACTIVE, CONTEXT) == RELAYED
    assert livekit.rooms == [ROOM]
    assert call_in(store) == ACTIVE, "the start itself is told by LiveKit's own event"


def composite(key: str, status: egress.EgressStatus) -> egress.EgressInfo:
    """A recording of a room as a whole, as LiveKit lists it."""
    request = egress.RoomCompositeEgressRequest(room_name=ROOM, file_outputs=[egress.EncodedFileOutput(filepath=key)])
    return egress.EgressInfo(egress_id="EG_before", room_name=ROOM, status=status, room_composite=request)


@pytest.mark.parametrize(
    "before",
    [
        composite(f"{ACCOUNT}/recordings/call_former-1.ogg", egress.EgressStatus.EGRESS_COMPLETE),
        composite(f"{ACCOUNT}/recordings/call_former-1.ogg", egress.EgressStatus.EGRESS_ENDING),
        composite("notes/of-the-agent.ogg", egress.EgressStatus.EGRESS_ACTIVE),
        egress.EgressInfo(egress_id="EG_web", room_name=ROOM, status=egress.EgressStatus.EGRESS_ACTIVE),
    ],
    ids=["over", "being saved", "the agent's own", "another kind"],
)
def test_a_room_that_was_recorded_for_somebody_else_is_recorded_for_its_next_call(
    store: CallStore, local: LocalAws, livekit: EgressServer, before: egress.EgressInfo
) -> None:
    """A dispatch rule may give one caller after another the same room."""
    livekit.before = [before]
    handler = relay(local, livekit.url)
    for _ in range(2):
        handler.lambda_handler(BECAME_ACTIVE, CONTEXT)
    assert [request.file_outputs[0].filepath for request in livekit.started] == [KEY], "once"


@pytest.mark.parametrize("is_over", [False, True])
def test_a_recording_of_the_calls_own_is_found_on_whatever_page_of_livekits_list(
    store: CallStore, local: LocalAws, livekit: EgressServer, is_over: bool
) -> None:
    status = egress.EgressStatus.EGRESS_COMPLETE if is_over else egress.EgressStatus.EGRESS_ACTIVE
    others = [composite(f"{ACCOUNT}/recordings/call_{number}-1.ogg", status) for number in range(5)]
    livekit.before, livekit.page = [*others, composite(KEY, status)], 2
    relay(local, livekit.url).lambda_handler(BECAME_ACTIVE, CONTEXT)
    assert livekit.started == []


def test_calls_of_one_batch_are_recorded_each(store: CallStore, local: LocalAws, livekit: EgressServer) -> None:
    ids = ["call_1", "call_2", "call_3"]
    changes = [(replace(DIALING, call_id=call_id), replace(ACTIVE, call_id=call_id)) for call_id in ids]
    relay(local, livekit.url).lambda_handler(stream(*changes), CONTEXT)
    assert sorted(livekit.rooms) == [f"{ACCOUNT}.{call_id}.1" for call_id in ids]


def test_a_call_that_nobody_wants_recorded_costs_livekit_no_request(
    store: CallStore, local: LocalAws, livekit: EgressServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    unrecorded = (replace(DIALING, recording=False), replace(ACTIVE, recording=False))
    handler = relay(local, livekit.url)
    monkeypatch.setattr(handler, "record", pytest.fail)
    assert handler.lambda_handler(stream(unrecorded), CONTEXT) == RELAYED


def add_endpoint(local: LocalAws) -> None:
    endpoint = Endpoint(
        endpoint_id="ep_1",
        url="https://example.com/hook",
        secrets=("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
        created_at=NOW,
        event_types=(EventType.CALL_ACTIVE,),
    )
    EndpointStore(local.dynamodb, local.table_name).add(ACCOUNT, endpoint)


@pytest.mark.parametrize("trouble", ["refused", "unreachable", "too slow", "not a word of protobuf", "no bucket"])
def test_a_recording_that_cannot_be_started_is_told_on_its_call_and_harms_nothing_else(
    store: CallStore, local: LocalAws, livekit: EgressServer, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    add_endpoint(local)
    environment = {"RECORDS_BUCKET": ""} if trouble == "no bucket" else {}
    handler = relay(local, NOWHERE if trouble == "unreachable" else livekit.url, **environment)
    if trouble == "refused":
        livekit.refuses = "not_found"
    elif trouble == "too slow":
        livekit.slow = True
        monkeypatch.setattr(start_recordings, "LIVEKIT_REQUEST_S", 0.3)
    elif trouble == "not a word of protobuf":
        monkeypatch.setattr(livekit, "answer", lambda *_: (200, b"\xff\xff<html>"))
    began = time.monotonic()
    with log_of("relay_call_changes") as lines:
        assert handler.lambda_handler(BECAME_ACTIVE, CONTEXT) == RELAYED
    assert time.monotonic() - began < 4
    assert "recording not started" in lines.getvalue()
    told = [json.loads(message["Body"]) for message in local.messages()]
    assert [each["endpoint_id"] for each in told if "endpoint_id" in each], "its webhooks are under way"
    call = call_in(store)
    assert call.recorded is not None
    assert (call.recorded.status, call.recorded.egress_id) == ("failed", "")
    why = {"refused": "not_found: ", "too slow": "TimeoutError", "no bucket": "no bucket"}.get(trouble, "")
    assert call.recorded.error is not None and call.recorded.error.startswith(why)
    assert replace(call, recorded=None, version=3) == ACTIVE, "the conversation goes on"


def test_webhooks_and_doorbells_are_on_their_way_before_livekit_is_asked_to_record(
    store: CallStore, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = relay(local, NOWHERE)
    done: list[str] = []

    def record(calls: list[Call]) -> int:
        done.append("recorded")
        return len(calls)

    monkeypatch.setattr(Relay, "announce", lambda *_: done.append("announced"))
    monkeypatch.setattr(Relay, "ring_again", lambda *_: done.append("rung"))
    monkeypatch.setattr(handler, "close", lambda _: done.append("closed"))
    monkeypatch.setattr(handler, "record", record)
    other = a_call(State.ENDED, account_id=ACCOUNT, call_id="call_other")
    ended = (replace(other, state=State.ACTIVE, ended_at=None), other)
    handler.lambda_handler(stream((DIALING, ACTIVE), ended), CONTEXT)
    assert done == ["announced", "announced", "closed", "rung", "recorded"]


def test_a_failed_recording_that_cannot_even_be_told_fails_nothing(
    store: CallStore, local: LocalAws, livekit: EgressServer
) -> None:
    livekit.refuses = "not_found"
    handler = relay(local, livekit.url)
    local.dynamodb.delete_table(TableName=local.table_name)
    with log_of("relay_call_changes") as lines:
        assert handler.record([ACTIVE]) == 0
    assert "failed recording not told" in lines.getvalue()


def test_a_redelivered_change_tries_again_what_failed(store: CallStore, local: LocalAws, livekit: EgressServer) -> None:
    livekit.refuses = "unavailable"
    handler = relay(local, livekit.url)
    handler.lambda_handler(BECAME_ACTIVE, CONTEXT)
    livekit.refuses = None
    handler.lambda_handler(BECAME_ACTIVE, CONTEXT)
    assert livekit.rooms == [ROOM]


# --- LiveKit's reports -----------------------------------------------------------------------------------------------


@pytest.fixture
def hook(local: LocalAws) -> ModuleType:
    queues = {"DOORBELL_QUEUE_URL": local.queue_url, "LOOK_QUEUE_URL": local.queue_url}
    environment = {**LIVEKIT, **queues, "LIVEKIT_URL": NOWHERE, "AGENT_NAME": "ringline-agent"}
    return load_handler("receive_livekit_event", environment)


def report(event: str, status: str, room: str = ROOM, key: str = KEY, **fields: Any) -> dict[str, Any]:
    file = {"filename": key, "location": f"https://records.example/{key}", "duration": "2500000000", "size": "4711"}
    info = {"egressId": "EG_1", "roomId": "RM_1", "roomName": room, "status": status, "fileResults": [file]}
    return {
        "event": event,
        "id": "EV_1",
        "createdAt": str(int(time.time())),
        "room": {"sid": "RM_1", "name": room},
        "egressInfo": info | fields,
    }


STARTED = report("egress_started", "EGRESS_ACTIVE")
ENDING = report("egress_updated", "EGRESS_ENDING")
ENDED = report("egress_ended", "EGRESS_COMPLETE")
FAILED = report("egress_ended", "EGRESS_FAILED", error="upload failed: AccessDenied")
LEG_LEFT = {
    "event": "participant_left",
    "room": {"sid": "RM_1", "name": ROOM},
    "participant": {"sid": "PA_leg", "kind": "SIP", "disconnectReason": "CLIENT_INITIATED"},
}


def tell(hook: ModuleType, document: dict[str, Any]) -> str:
    body = json.dumps(document).encode()
    now = int(time.time())
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    claims = {"iss": "devkey", "nbf": now, "exp": now + 300, "sha256": digest}
    token = jwt.encode(claims, LIVEKIT["LIVEKIT_API_SECRET"], algorithm="HS256")
    event = event_of("receive_livekit_event", "forged")
    event |= {"headers": {"authorization": token}, "body": body.decode(), "isBase64Encoded": False}
    answer = hook.lambda_handler(event, CONTEXT)
    assert answer["statusCode"] == 200
    return str(json.loads(answer["body"])["outcome"])


FINISHED = Recording("EG_1", "ended", KEY, 2.5)


@pytest.mark.parametrize(
    "order", [(STARTED, ENDING, ENDED), (ENDED, STARTED), (ENDED, STARTED, ENDING, ENDED), (STARTED, ENDED, FAILED)]
)
def test_a_recording_is_followed_to_its_file_in_whatever_order_it_is_told(
    hook: ModuleType, store: CallStore, order: tuple[dict[str, Any], ...]
) -> None:
    for document in order:
        tell(hook, document)
    call = call_in(store)
    assert call.recorded == FINISHED
    assert (call.state, call.end_reason) == (State.ACTIVE, None)


def test_a_failed_recording_is_told_and_ends_no_call(hook: ModuleType, store: CallStore) -> None:
    assert [tell(hook, STARTED), tell(hook, FAILED)] == ["applied", "applied"]
    assert tell(hook, STARTED) == "recording_further_on", "what is over does not begin again"
    assert call_in(store).recorded == Recording("EG_1", "failed", error="upload failed: AccessDenied")
    assert call_in(store).state is State.ACTIVE
    tell(hook, LEG_LEFT)
    assert call_in(store).end_reason is EndReason.USER_HUNG_UP_IN_CALL


@pytest.mark.parametrize(
    ("document", "outcome"),
    [
        (report("egress_ended", "EGRESS_COMPLETE", room="somebody-elses"), "not_our_room"),
        (
            report("egress_ended", "EGRESS_COMPLETE", f"{ACCOUNT}.call_x.1", f"{ACCOUNT}/recordings/call_x-1.ogg"),
            "unknown_call",
        ),
        (report("egress_ended", "EGRESS_COMPLETE", f"{ACCOUNT}.{CALL}.2", KEY.replace("-1", "-2")), "stale_attempt"),
        (report("egress_ended", "EGRESS_COMPLETE", key=KEY.replace("-1", "-2")), "another_recording"),
        (report("egress_ended", "EGRESS_COMPLETE", key=f"acct_2/recordings/{CALL}-1.ogg"), "another_recording"),
        (report("egress_ended", "EGRESS_COMPLETE", key="notes/of-the-agent.ogg"), "another_recording"),
        (report("egress_started", "EGRESS_STARTING", fileResults=[]), "another_recording"),
        ({"event": "egress_ended", "room": {"name": ROOM}}, "not_of_interest"),
        (
            {
                "event": "participant_joined",
                "room": {"name": ROOM},
                "participant": {"sid": "PA_egress", "kind": "EGRESS"},
            },
            "not_of_interest",
        ),
    ],
)
def test_an_egress_event_that_changes_nothing_is_acknowledged_and_named(
    hook: ModuleType, store: CallStore, document: dict[str, Any], outcome: str
) -> None:
    assert tell(hook, document) == outcome
    assert call_in(store) == ACTIVE


def asked_for(key: str) -> dict[str, Any]:
    """How LiveKit shows what it was asked to record, from the beginning."""
    return {"roomComposite": {"roomName": ROOM, "audioOnly": True, "fileOutputs": [{"filepath": key}]}}


def test_an_egress_that_has_no_file_yet_is_known_by_the_one_it_was_asked_for(
    hook: ModuleType, store: CallStore
) -> None:
    early = report("egress_started", "EGRESS_STARTING", fileResults=[])
    early["egressInfo"] |= asked_for(KEY)
    assert tell(hook, early) == "applied"
    assert call_in(store).recorded == Recording("EG_1", "started")
    aborted = report("egress_ended", "EGRESS_ABORTED", fileResults=[], error="Start signal not received")
    aborted["egressInfo"] |= asked_for(f"{ACCOUNT}/recordings/call_former-1.ogg")
    assert tell(hook, aborted) == "another_recording"
    assert call_in(store).recorded == Recording("EG_1", "started")


# --- the link --------------------------------------------------------------------------------------------------------


def shown(local: LocalAws, case: str) -> Any:
    queues = {"DOORBELL_QUEUE_URL": local.queue_url}
    handler = load_handler("manage", {**LIVEKIT, **queues, "LIVEKIT_URL": NOWHERE})
    answer = handler.lambda_handler(event_of("manage", case) | {"queryStringParameters": {}}, CONTEXT)
    assert answer["statusCode"] == 200
    body = json.loads(answer["body"])
    return body["data"][0] if case == "list_calls" else body


@pytest.mark.parametrize("case", ["get_call", "list_calls"])
def test_a_recording_that_is_finished_after_the_call_is_over_is_shown_with_a_link(
    hook: ModuleType, store: CallStore, local: LocalAws, case: str
) -> None:
    tell(hook, STARTED)
    assert (shown(local, case)["recording_status"], shown(local, case)["recording_url"]) == ("started", None)
    tell(hook, LEG_LEFT)
    before = call_in(store)
    assert before.state is State.ENDED
    assert tell(hook, ENDED) == "applied"
    assert replace(call_in(store), recorded=before.recorded, version=before.version) == before
    row = shown(local, case)
    assert (row["status"], row["recording_status"]) == ("completed", "ended")
    call = SdkCall.model_validate(row)
    assert call.recording_url is not None
    link = urllib.parse.urlsplit(call.recording_url)
    assert link.path == f"/{KEY}"
    assert link.netloc.startswith(f"{RECORDS_BUCKET}.s3.")
    signed = urllib.parse.parse_qs(link.query)
    assert signed["X-Amz-Expires"] == ["900"]
    assert signed["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]


def test_a_link_names_the_region_of_its_bucket(
    hook: ModuleType, store: CallStore, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bucket is not known elsewhere for hours after it was made, and a signed link cannot be sent on."""
    tell(hook, ENDED)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    aws._session.cache_clear()
    url = recording_url(call_in(store), RECORDS_BUCKET)
    assert url is not None
    assert urllib.parse.urlsplit(url).netloc == f"{RECORDS_BUCKET}.s3.eu-central-1.amazonaws.com"


def test_webhooks_tell_that_there_is_a_recording_and_never_link_to_it(
    hook: ModuleType, store: CallStore, local: LocalAws
) -> None:
    tell(hook, ENDED)
    tell(hook, LEG_LEFT)
    draft = CallDrafts(local.dynamodb, local.table_name).draft(ACCOUNT, CALL, EventType.CALL_ENDED, 1)
    assert draft is not None
    assert draft.data["recording_status"] == "ended"
    assert "recording_url" not in draft.data
    assert "X-Amz-Signature" not in json.dumps(draft.data)


def test_a_link_is_signed_without_a_request(hook: ModuleType, store: CallStore, local: LocalAws) -> None:
    tell(hook, ENDED)
    requests: list[str] = []
    aws.s3().meta.events.register("before-send.s3", lambda request, **_: requests.append(request.url))
    assert shown(local, "get_call")["recording_url"] is not None
    assert requests == [], "a list of a hundred calls must not ask S3 a hundred times"
