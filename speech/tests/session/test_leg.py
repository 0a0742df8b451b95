"""When the other side of a call can hear, and when it has gone."""

import asyncio
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from livekit import rtc

from speech.worker.calls import leg as leg_module
from speech.worker.calls.dispatch import Dispatch
from speech.worker.calls.leg import Leg

pytestmark = pytest.mark.anyio


class Room:
    """What a leg sees of a room."""

    name = "room"

    def __init__(self) -> None:
        self.remote_participants: dict[str, Any] = {}
        self._heard: dict[str, list[Callable[..., None]]] = {}

    def on(self, event: str, callback: Callable[..., None]) -> None:
        self._heard.setdefault(event, []).append(callback)

    def emit(self, event: str, *told: Any) -> None:
        for callback in self._heard.get(event, []):
            callback(*told)


def a_leg(room: Room, **told: Any) -> Leg:
    metadata = {"call_id": "SCL_1", "token": "t", "direction": "outbound", "leg_identity": "leg", "dispatch": 1} | told
    ctx: Any = SimpleNamespace(room=room, is_fake_job=lambda: False)
    leg = Leg(ctx, Dispatch.read(json.dumps(metadata), room_id="RM_1", ringline_url="https://api"))
    leg.watch()
    return leg


def a_participant(identity: str = "leg", status: str = "ringing", *, with_audio: bool = False, reason: int = 0) -> Any:
    audio = {"TR_1": SimpleNamespace(kind=rtc.TrackKind.KIND_AUDIO)} if with_audio else {}
    return SimpleNamespace(
        identity=identity,
        kind=rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
        attributes={"sip.callStatus": status},
        track_publications=audio,
        disconnect_reason=reason,
    )


async def test_whoever_else_is_in_the_room_is_company_and_a_recorder_is_nobody() -> None:
    room = Room()
    leg = a_leg(room)
    room.remote_participants["PA_1"] = a_participant(status="active")
    recorder = room.remote_participants["PA_2"] = a_participant("recorder")
    recorder.kind = rtc.ParticipantKind.PARTICIPANT_KIND_EGRESS
    assert not leg.has_company
    room.remote_participants["PA_3"] = a_participant("sip-call_1-t1", status="dialing")
    assert leg.has_company, "a phone to which the call is handed over, and that rings"
    assert not leg.is_with_person, "not seen yet"
    target = room.remote_participants["PA_3"]
    room.emit("participant_connected", target)
    assert leg.is_with_person
    room.emit("participant_disconnected", room.remote_participants.pop("PA_3"))
    assert leg.is_with_person, "without a reason it is this worker that has lost its connection"
    target.disconnect_reason = rtc.DisconnectReason.CLIENT_INITIATED
    room.emit("participant_disconnected", target)
    assert not leg.is_with_person


async def test_an_outbound_phone_hears_when_it_has_picked_up() -> None:
    room = Room()
    leg = a_leg(room)
    phone = room.remote_participants["PA_1"] = a_participant(with_audio=True)
    room.emit("participant_connected", phone)
    assert not leg.answered.is_set()
    phone.attributes["sip.callStatus"] = "active"
    room.emit("participant_attributes_changed", {"sip.callStatus": "active"}, phone)
    assert leg.answered.is_set()


async def test_a_caller_is_answered_by_the_agent_and_not_waited_for() -> None:
    assert a_leg(Room(), direction="inbound").answered.is_set()


async def test_an_agent_that_joins_late_takes_the_other_sides_audio_for_an_answer() -> None:
    room = Room()
    room.remote_participants["PA_1"] = a_participant(status="dialing", with_audio=True)
    assert a_leg(room, dispatch=2, answered=True).answered.is_set()
    assert not a_leg(room, dispatch=1, answered=False).answered.is_set()


async def test_a_phone_that_rings_yet_is_not_taken_for_answered_by_a_second_agent() -> None:
    room = Room()
    phone = room.remote_participants["PA_1"] = a_participant(with_audio=True)
    leg = a_leg(room, dispatch=2, answered=False)
    assert not leg.answered.is_set()
    phone.attributes["sip.callStatus"] = "active"
    room.emit("participant_attributes_changed", {"sip.callStatus": "active"}, phone)
    assert leg.answered.is_set()


async def test_it_has_gone_when_its_own_leg_has_and_not_when_somebody_else_leaves() -> None:
    room = Room()
    leg = a_leg(room)
    room.emit("participant_disconnected", a_participant("somebody", reason=rtc.DisconnectReason.CLIENT_INITIATED))
    assert not leg.gone.done()
    room.emit("participant_disconnected", a_participant(reason=rtc.DisconnectReason.USER_REJECTED))
    room.emit("disconnected", rtc.DisconnectReason.ROOM_DELETED)
    assert leg.gone.result() == "USER_REJECTED"


async def test_a_leg_that_is_unseen_while_the_worker_itself_is_cut_off_has_not_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leg_module, "BACK_WITHIN_S", 0.01)
    room = Room()
    leg = a_leg(room)
    phone = room.remote_participants["PA_1"] = a_participant(status="active")
    room.emit("participant_connected", phone)
    room.emit("participant_disconnected", room.remote_participants.pop("PA_1"))
    assert not leg.gone.done()
    back = room.remote_participants["PA_2"] = a_participant(status="dialing")
    room.emit("participant_connected", back)
    await asyncio.sleep(0.05)
    assert not leg.gone.done() and leg.answered.is_set()


@pytest.mark.parametrize(
    "why", ["DUPLICATE_IDENTITY", "CONNECTION_TIMEOUT", "SIGNAL_CLOSE", "STATE_MISMATCH", "MIGRATION"]
)
async def test_a_leg_that_comes_back_under_another_sid_has_not_gone(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    monkeypatch.setattr(leg_module, "BACK_WITHIN_S", 0.01)
    room = Room()
    leg = a_leg(room)
    former = room.remote_participants["leg"] = a_participant(status="active")
    room.emit("participant_connected", former)
    room.remote_participants.pop("leg").disconnect_reason = rtc.DisconnectReason.Value(why)
    room.emit("participant_disconnected", former)
    assert not leg.gone.done()
    room.remote_participants["leg"] = a_participant(status="active")
    room.emit("participant_connected", room.remote_participants["leg"])
    await asyncio.sleep(0.05)
    assert not leg.gone.done()


async def test_only_a_worker_whose_own_connection_is_ended_is_put_out() -> None:
    room = Room()
    leg = a_leg(room)
    room.emit("participant_disconnected", a_participant(reason=rtc.DisconnectReason.PARTICIPANT_REMOVED))
    assert leg.gone.result() == "PARTICIPANT_REMOVED" and not leg.was_put_out, "somebody has removed the leg"
    for reason in (rtc.DisconnectReason.PARTICIPANT_REMOVED, rtc.DisconnectReason.DUPLICATE_IDENTITY):
        room = Room()
        leg = a_leg(room)
        room.emit("disconnected", reason)
        assert leg.gone.done() and leg.was_put_out
    room = Room()
    leg = a_leg(room)
    room.emit("disconnected", rtc.DisconnectReason.ROOM_DELETED)
    assert leg.gone.done() and not leg.was_put_out


async def test_a_leg_that_is_not_seen_again_has_lost_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leg_module, "BACK_WITHIN_S", 0.01)
    room = Room()
    leg = a_leg(room)
    room.emit("participant_disconnected", a_participant())
    assert await leg.gone == "CONNECTION_TIMEOUT"


async def test_a_room_that_is_closed_meanwhile_says_why() -> None:
    room = Room()
    leg = a_leg(room)
    room.emit("participant_disconnected", a_participant())
    room.emit("disconnected", rtc.DisconnectReason.ROOM_DELETED)
    assert leg.gone.result() == "ROOM_DELETED"


async def test_an_agent_that_leaves_its_call_to_another_one_closes_no_room() -> None:
    leg = a_leg(Room())
    leg.leave()
    assert leg.gone.result() == "PARTICIPANT_REMOVED" and leg.was_put_out
