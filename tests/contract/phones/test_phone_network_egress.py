"""The network records rooms as LiveKit's egress does, into a bucket."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from livekit.api import AccessToken, LiveKitAPI, ServerError, VideoGrants
from livekit.protocol import egress
from livekit.protocol import room as room_messages
from livekit.protocol.egress import EgressStatus

from ringline.calls.model.recorder import RecordingTarget, RecordsBucket
from ringline.runtime.vault.livekit_keys import LivekitKey
from ringline.telephony.hook import read
from ringline.telephony.livekit import LivekitTelephony
from ringline.telephony.livekit_settings import LivekitSettings
from tests.contract.phones.phone_network import (
    ANSWERS,
    API_KEY,
    ROOM,
    STAYS_ON,
    Hook,
    Lab,
    Posted,
    dial,
    finished,
    in_a_lab,
    open_room,
)

KEY, SECRET = "AKIATEST", "the-secret-of-the-bucket"
FILE = "acc-1/recordings/c-1-1.ogg"
FAILS = "+15550100234"


def upload(lab: Lab) -> egress.S3Upload:
    return egress.S3Upload(
        bucket="records",
        region="eu-central-1",
        endpoint=lab.product.url,
        access_key=KEY,
        secret=SECRET,
        force_path_style=True,
    )


async def record(lab: Lab, room: str = ROOM) -> egress.EgressInfo:
    file = egress.EncodedFileOutput(file_type=egress.EncodedFileType.OGG, filepath=FILE, s3=upload(lab))
    request = egress.RoomCompositeEgressRequest(room_name=room, audio_only=True, file_outputs=[file])
    return await lab.livekit.egress.start_room_composite_egress(request)


async def listed(lab: Lab, **wanted: Any) -> list[egress.EgressInfo]:
    return list((await lab.livekit.egress.list_egress(egress.ListEgressRequest(**wanted))).items)


async def over(lab: Lab) -> Hook:
    await lab.recorder.until(lambda seen: "egress_ended" in seen.events(ROOM))
    return next(hook for hook in lab.recorder.hooks if hook.event == "egress_ended")


def told(lab: Lab) -> list[str]:
    """Event and status of each webhook about an egress, in order."""
    hooks = [hook.body for hook in lab.recorder.hooks if hook.event.startswith("egress_")]
    return [f"{body['event']} {body['egressInfo'].get('status', '-')}" for body in hooks]


def signature_of(posted: Posted) -> str:
    """What AWS would compute for a request so signed."""
    headers = {name: posted.headers[name] for name in ("Content-Type", "X-Amz-Date", "X-Amz-Content-SHA256")}
    request = AWSRequest(posted.method, posted.url, data=posted.body, headers=headers)
    request.context["timestamp"] = posted.headers["X-Amz-Date"]
    auth = S3SigV4Auth(Credentials(KEY, SECRET), "s3", "eu-central-1")
    return str(auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request))


@in_a_lab()
async def test_a_recording_is_followed_from_its_start_to_the_file(lab: Lab) -> None:
    await open_room(lab)
    await dial(lab, ANSWERS)
    started = await record(lab)
    assert (started.status, started.room_name) == (EgressStatus.EGRESS_STARTING, ROOM)
    ended = await over(lab)
    assert told(lab) == [
        "egress_started -",
        "egress_updated EGRESS_ACTIVE",
        "egress_updated EGRESS_ENDING",
        "egress_ended EGRESS_COMPLETE",
    ]
    assert set(ended.body["room"]) == {"sid", "name"}
    info = ended.body["egressInfo"]
    assert (info["egressId"], info["roomName"]) == (started.egress_id, ROOM)
    (file,) = info["fileResults"]
    assert (file["filename"], file["location"]) == (FILE, f"{lab.product.url}/records/{FILE}")
    assert int(file["duration"]) == int(info["fileResults"][0]["endedAt"]) - int(info["startedAt"]) > 0
    assert int(info["endedAt"]) > int(info["startedAt"]) > 10**18
    assert "error" not in info


@in_a_lab()
async def test_the_file_is_put_into_the_bucket_with_a_signature_that_holds(lab: Lab) -> None:
    await open_room(lab)
    await dial(lab, ANSWERS)
    await record(lab)
    ended = await over(lab)
    (put,) = lab.product.posted
    assert (put.method, put.path, put.headers["Content-Type"]) == ("PUT", f"/records/{FILE}", "audio/ogg")
    assert put.body.startswith(b"OggS")
    assert len(put.body) == int(ended.body["egressInfo"]["fileResults"][0]["size"])
    assert put.headers["Authorization"].endswith(f"Signature={signature_of(put)}")


@in_a_lab()
async def test_the_keys_of_the_bucket_are_never_shown(lab: Lab) -> None:
    await open_room(lab)
    started = await record(lab)
    await lab.recorder.until(lambda seen: "egress_updated" in seen.events(ROOM))
    shown = [str(started), *map(str, await listed(lab)), *(str(hook.body) for hook in lab.recorder.hooks)]
    assert not any(KEY in text or SECRET in text for text in shown)


@in_a_lab()
async def test_the_recorder_joins_and_leaves_and_keeps_no_room_open(lab: Lab) -> None:
    await open_room(lab)
    await dial(lab, ANSWERS)
    started = await record(lab)
    await finished(lab)
    recorder = [hook.event for hook in lab.recorder.hooks if hook.body.get("participant", {}).get("kind") == "EGRESS"]
    assert recorder == ["participant_joined", "participant_left"]
    joined = next(hook for hook in lab.recorder.hooks if hook.body.get("participant", {}).get("kind") == "EGRESS")
    assert joined.body["participant"]["identity"] == started.egress_id
    left = next(hook for hook in lab.recorder.hooks if hook.event == "participant_left")
    end = next(hook for hook in lab.recorder.hooks if hook.event == "room_finished")
    assert end.at_s - left.at_s == pytest.approx(2, abs=1.3), "the room's departure time-out, not the recorder's"


@in_a_lab()
async def test_a_recording_that_fails_leaves_the_call_alone(lab: Lab) -> None:
    await open_room(lab, metadata=f'{{"to": "{FAILS}"}}')
    await dial(lab, FAILS)
    await record(lab)
    ended = await over(lab)
    assert (ended.body["egressInfo"]["status"], bool(ended.body["egressInfo"]["error"])) == ("EGRESS_FAILED", True)
    await finished(lab)
    call = (await lab.calls())[0]
    assert call["ended_by"] == "callee"
    assert call["ended_at"] - call["answered_at"] == pytest.approx(0.6, abs=0.2)
    assert lab.product.posted == []


@in_a_lab()
async def test_a_file_that_cannot_be_stored_fails_the_recording(lab: Lab) -> None:
    lab.product.statuses += [403]
    await open_room(lab)
    await dial(lab, ANSWERS)
    await record(lab)
    info = (await over(lab)).body["egressInfo"]
    assert info["status"] == "EGRESS_FAILED"
    assert "uploaded" in info["error"]


@in_a_lab()
async def test_a_room_closed_before_the_recorder_is_there_aborts_the_recording(lab: Lab) -> None:
    await open_room(lab)
    await record(lab)
    await lab.livekit.room.delete_room(room_messages.DeleteRoomRequest(room=ROOM))
    await over(lab)
    assert told(lab) == ["egress_started -", "egress_ended EGRESS_ABORTED"]


@in_a_lab()
async def test_a_recording_can_be_stopped_once_and_the_call_goes_on(lab: Lab) -> None:
    await open_room(lab)
    await dial(lab, STAYS_ON)
    started = await record(lab)
    await lab.recorder.until(lambda seen: "egress_updated" in seen.events(ROOM))
    assert [each.egress_id for each in await listed(lab, room_name=ROOM, active=True)] == [started.egress_id]
    await lab.livekit.egress.stop_egress(egress.StopEgressRequest(egress_id=started.egress_id))
    await over(lab)
    assert "room_finished" not in lab.recorder.events(ROOM)
    assert await listed(lab, active=True) == []
    assert [each.status for each in await listed(lab, egress_id=started.egress_id)] == [EgressStatus.EGRESS_COMPLETE]
    with pytest.raises(ServerError, match="cannot be stopped"):
        await lab.livekit.egress.stop_egress(egress.StopEgressRequest(egress_id=started.egress_id))


@in_a_lab()
async def test_a_room_that_opens_again_under_its_name_is_recorded_again_for_its_next_call(lab: Lab) -> None:
    """As a dispatch rule does that gives each caller the same room: the list of its recordings has the former one."""
    secret = lab.network.config.api_secret
    settings = LivekitSettings(url=lab.network.url, keys=(LivekitKey(API_KEY, secret),), token_secret=secret)
    recorder = LivekitTelephony(lab.livekit, settings)
    bucket = RecordsBucket("records", "eu-central-1", lab.product.url, KEY, SECRET)
    begun = []
    for call in ("c-1", "c-2"):
        await open_room(lab)
        await dial(lab, ANSWERS)
        target = RecordingTarget(bucket, f"acc-1/recordings/{call}-1.ogg")
        begun.append(await recorder.start_recording(ROOM, target))
        assert await recorder.start_recording(ROOM, target) == begun[-1], "told of twice, it is recorded once"
        await lab.recorder.until(lambda seen: seen.events(ROOM).count("egress_ended") == len(begun))
        assert await recorder.start_recording(ROOM, target) == begun[-1], "nor again when it is over"
    assert [(each.egress_id, each.status) for each in await listed(lab, room_name=ROOM)] == [
        (egress_id, EgressStatus.EGRESS_COMPLETE) for egress_id in begun
    ]
    assert [each.path for each in lab.product.posted] == [
        f"/records/acc-1/recordings/{call}-1.ogg" for call in ("c-1", "c-2")
    ]
    reports = [read(json.dumps(hook.body).encode()) for hook in lab.recorder.hooks if hook.event.startswith("egress_")]
    keys = [report.egress.asked_key for report in reports if report.egress is not None]
    assert keys == ["acc-1/recordings/c-1-1.ogg"] * 4 + ["acc-1/recordings/c-2-1.ogg"] * 4, "each tells of its file"


@in_a_lab()
async def test_newer_clients_ask_in_other_words(lab: Lab) -> None:
    await open_room(lab)
    await dial(lab, ANSWERS)
    file = egress.FileOutput(file_type=egress.EncodedFileType.OGG, filepath=FILE)
    request = egress.StartEgressRequest(
        room_name=ROOM,
        template=egress.TemplateSource(audio_only=True),
        outputs=[egress.Output(file=file)],
        storage=egress.StorageConfig(s3=upload(lab)),
    )
    await lab.livekit.egress.start_egress(request)
    ended = await over(lab)
    assert ended.body["egressInfo"]["fileResults"][0]["filename"] == FILE
    assert SECRET not in str(ended.body)
    assert [each.path for each in lab.product.posted] == [f"/records/{FILE}"]


@in_a_lab()
async def test_a_recording_that_cannot_be_made_is_refused(lab: Lab) -> None:
    with pytest.raises(ServerError) as caught:
        await record(lab, "absent")
    assert caught.value.code == "not_found"
    await open_room(lab)
    with pytest.raises(ServerError) as caught:
        await lab.livekit.egress.start_room_composite_egress(egress.RoomCompositeEgressRequest(room_name=ROOM))
    assert caught.value.code == "invalid_argument"
    grants = VideoGrants(room_admin=True, room=ROOM)
    token = AccessToken(API_KEY, lab.network.config.api_secret).with_grants(grants).to_jwt()
    async with LiveKitAPI(lab.network.url, token=token, failover=False) as powerless:
        with pytest.raises(ServerError, match="permissions denied"):
            await powerless.egress.list_egress(egress.ListEgressRequest())
    assert await listed(lab) == []


@in_a_lab()
async def test_a_slow_webhook_of_the_room_does_not_hold_up_those_of_its_recording(lab: Lab) -> None:
    held = asyncio.Event()
    recorded = lab.recorder.receive

    async def receive(request: web.Request) -> web.Response:
        answer = await recorded(request)
        if lab.recorder.hooks[-1].event == "room_started":
            await held.wait()
        return answer

    lab.recorder.handler = receive
    await open_room(lab)
    await record(lab)
    await lab.recorder.until(lambda seen: "egress_updated" in seen.events(ROOM))
    assert lab.recorder.events(ROOM) == ["room_started", "egress_started", "egress_updated"]
    held.set()
    await lab.recorder.until(lambda seen: "participant_joined" in seen.events(ROOM))
