"""Our reading of LiveKit's webhooks beside LiveKit's own."""

import base64
import hashlib
import json
import re
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml
from google.protobuf.json_format import MessageToJson
from livekit.api import TokenVerifier, WebhookReceiver
from livekit.protocol import egress, models, webhook

from local.phones.model.post import EVENTS
from local.tools.places import ROOT
from ringline.calls.model.livekit_event import EgressReport, Kind, What
from ringline.runtime.vault.livekit_keys import LivekitKey
from ringline.telephony.hook import HookRefused, KeyUnknown, read, verify

KEY, SECRET = "devkey", "a-secret-of-more-than-32-characters"
KEYS = (LivekitKey(KEY, SECRET),)
RECEIVER = WebhookReceiver(TokenVerifier(KEY, SECRET))
TRACES = sorted((Path(__file__).parent / "traces").glob("*.json"))


def recorded() -> list[dict[str, Any]]:
    events = [event for path in TRACES for event in json.loads(path.read_text())["events"]]
    return [event["body"] for event in events if event["kind"] == "webhook"]


def token(body: bytes, secret: str = SECRET, **claims: Any) -> str:
    now = int(time.time())
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return jwt.encode({"iss": KEY, "nbf": now, "exp": now + 300, "sha256": digest} | claims, secret, algorithm="HS256")


def test_every_recorded_webhook_is_read_as_livekit_reads_it() -> None:
    bodies = recorded()
    assert len(bodies) > 200
    for document in bodies:
        body = json.dumps(document).encode()
        signature = token(body)
        verify(body, signature, KEYS)
        theirs = RECEIVER.receive(body.decode(), signature)
        ours = read(body)
        assert ours.room_name == theirs.room.name
        assert ours.created_at == theirs.created_at * 1000
        if ours.what in {What.JOINED, What.LEFT}:
            assert ours.sid == theirs.participant.sid
            assert ours.call_status == (theirs.participant.attributes.get("sip.callStatus") or None)
            assert ours.kind is not Kind.OTHER


def test_what_a_server_of_ones_own_is_told_to_leave_out_is_what_no_rule_reads() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    (block,) = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "filter_params" in block]
    configuration = yaml.safe_load(block)["webhook"]["filter_params"]
    assert configuration == {"exclude_events": [name for name in EVENTS if name not in set(What)]}
    bodies = [body for body in recorded() if body["event"] in configuration["exclude_events"]]
    assert {body["event"] for body in bodies} == {"room_started", "track_published", "track_unpublished"}
    assert all(read(json.dumps(body).encode()).means_nothing for body in bodies)
    assert {body["event"] for body in recorded()} <= set(EVENTS)


def an_egress(**info: Any) -> bytes:
    """An egress event as LiveKit puts it into JSON: names of enums, 64-bit numbers as text, zeros left out."""
    known = egress.EgressInfo(egress_id="EG_1", room_id="RM_1", room_name="acc.call.1")
    known.MergeFrom(egress.EgressInfo(**info))
    event = webhook.WebhookEvent(event="egress_ended", id="EV_1", created_at=1_795_224_871, egress_info=known)
    event.room.MergeFrom(models.Room(sid="RM_1", name="acc.call.1"))
    return MessageToJson(event).encode()


@pytest.mark.parametrize("status", egress.EgressStatus.keys())
def test_an_egress_event_is_read_as_livekit_reads_it(status: str) -> None:
    files = [
        egress.FileInfo(filename="acc/recordings/call-1.ogg", duration=2_500_000_000, size=4711, location="https://x")
    ]
    body = an_egress(status=egress.EgressStatus.Value(status), error="so it goes", file_results=files)
    signature = token(body)
    verify(body, signature, KEYS)
    theirs = RECEIVER.receive(body.decode(), signature)
    ours = read(body)
    assert (ours.what, ours.room_name) == (What.EGRESS_ENDED, theirs.egress_info.room_name)
    assert ours.created_at == theirs.created_at * 1000
    assert ours.egress == EgressReport(
        egress_id=theirs.egress_info.egress_id,
        status=egress.EgressStatus.Name(theirs.egress_info.status),
        file_key=theirs.egress_info.file_results[0].filename,
        duration_s=2.5,
        error=theirs.egress_info.error,
    )


def test_an_egress_event_without_a_file_or_an_error_says_so() -> None:
    assert read(an_egress()).egress == EgressReport("EG_1", "EGRESS_STARTING")


def test_older_servers_tell_of_the_file_by_another_name() -> None:
    file = egress.FileInfo(filename="acc/recordings/call-1.ogg", duration=1_000_000_000)
    report = read(an_egress(file=file, status=egress.EGRESS_COMPLETE)).egress
    assert report is not None
    assert (report.file_key, report.duration_s) == ("acc/recordings/call-1.ogg", 1.0)


def test_an_egress_event_names_its_room_even_where_the_room_is_gone() -> None:
    document = json.loads(an_egress())
    del document["room"]
    assert read(json.dumps(document).encode()).room_name == "acc.call.1"


@pytest.mark.parametrize(
    "case",
    [
        "good",
        "other body",
        "other secret",
        "other issuer",
        "expired",
        "expired within the leeway",
        "no hash",
        "no expiry",
    ],
)
def test_we_believe_and_refuse_what_livekits_own_receiver_does(case: str) -> None:
    body = json.dumps({"event": "room_finished", "id": "EV_1", "room": {"name": "r"}}).encode()
    now = int(time.time())
    signature = {
        "good": token(body),
        "other body": token(body + b" "),
        "other secret": token(body, secret="another-secret-of-more-than-32-chars"),
        "other issuer": token(body, iss="someone"),
        "expired": token(body, exp=now - 90),
        "expired within the leeway": token(body, exp=now - 30),
        "no hash": token(body, sha256=""),
        "no expiry": jwt.encode({"iss": KEY, "sha256": ""}, SECRET, algorithm="HS256"),
    }[case]
    assert _ours(body, signature) == _theirs(body, signature) == (case in {"good", "expired within the leeway"})


def _ours(body: bytes, signature: str) -> bool:
    try:
        verify(body, signature, KEYS)
    except HookRefused:
        return False
    return True


def _theirs(body: bytes, signature: str) -> bool:
    try:
        RECEIVER.receive(body.decode(), signature)
    except Exception:
        return False
    return True


def test_a_webhook_signed_with_either_of_two_keys_is_livekits() -> None:
    body, now = b"{}", int(time.time())
    keys = (LivekitKey("latest", "l" * 40), *KEYS)
    verify(body, token(body), keys)
    verify(body, token(body, "l" * 40, iss="latest", exp=now + 60), keys)
    with pytest.raises(KeyUnknown):
        verify(body, token(body, "l" * 40), keys)
    with pytest.raises(KeyUnknown):
        verify(body, token(body, iss="gone"), keys)


@pytest.mark.parametrize(("attributes", "stack"), [({}, None), ({"ringline.stack": "ringline/0a1b"}, "ringline/0a1b")])
def test_a_dispatch_rule_says_which_deployment_lets_a_caller_in(attributes: dict[str, str], stack: str | None) -> None:
    event = webhook.WebhookEvent(event="participant_joined", id="EV_1", created_at=1_795_224_871)
    event.room.MergeFrom(models.Room(sid="RM_1", name="in_1"))
    caller = models.ParticipantInfo(sid="PA_1", identity="sip_1", kind=models.ParticipantInfo.SIP)
    caller.attributes.update({"sip.ruleID": "SDR_1"} | attributes)
    event.participant.MergeFrom(caller)
    assert read(MessageToJson(event).encode()).stack == stack
