"""The recording of a conversation is paused and goes on: the API over the one table, against the phone network in this
process."""

import asyncio
from functools import partial
from typing import Any

import pytest
from livekit.protocol.models import ParticipantInfo
from livekit.protocol.room import ListParticipantsRequest

from ringline.calls.model.call import Call, State
from ringline.calls.model.recorder import RecordingTarget, RecordsBucket
from ringline.calls.tables.recordings import recording_key
from ringline.calls.views.relay import Change, calls_to_record
from ringline.routing.records import Pipe
from ringline.runtime.vault.livekit_keys import LivekitKey
from ringline.telephony.livekit import connected
from ringline.telephony.livekit_settings import LivekitSettings
from tests.component.one_table import LocalAws
from tests.component.signals.test_inbound import House, in_a_house
from tests.component.signals.test_web_callers import Api, a_token, visits
from tests.contract.phones.phone_network import API_KEY, API_SECRET


def settings_of(house: House) -> LivekitSettings:
    return LivekitSettings(url=house.lab.network.url, keys=(LivekitKey(API_KEY, API_SECRET),), token_secret=API_SECRET)


async def begins(house: House, call: Call) -> None:
    """As the relay has it recorded."""
    async with connected(settings_of(house)) as telephony:
        target = RecordingTarget(RecordsBucket("", ""), recording_key(call))
        await telephony.start_recording(call.room_name or "", target)


async def a_recorded_call(house: House) -> Call:
    made = await a_token(house)
    await visits(house, made["token"])
    active = await house.until(lambda call: call.state is State.ACTIVE)
    await begins(house, active)
    await recorder_is_there(house, active)
    return await house.until(lambda call: call.recorded is not None and call.recorded.status == "started")


async def recorder_is_there(house: House, call: Call) -> None:
    """One that is stopped before leaves no file."""
    async with asyncio.timeout(10):
        while True:
            room = ListParticipantsRequest(room=call.room_name or "")
            there = (await house.lab.livekit.room.list_participants(room)).participants
            if any(each.kind == ParticipantInfo.EGRESS for each in there):
                return
            await asyncio.sleep(0.02)


async def posts(house: House, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    return await asyncio.to_thread(Api(house).post, path, body)


@pytest.fixture
def recorded(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    """A house whose pipe has its calls recorded."""
    monkeypatch.setattr("tests.component.signals.test_inbound.Pipe", partial(Pipe, recording=True))
    return local


def test_a_pause_ends_the_recording_and_what_goes_on_is_its_next_segment(recorded: LocalAws) -> None:
    async def story(house: House) -> None:
        first = await a_recorded_call(house)
        status, paused = await posts(house, f"/v1/calls/{first.call_id}/recording/pause", {"reason": "card number"})
        assert (status, paused["result"], paused["recording_status"]) == (200, "paused", "paused")
        again, _ = await posts(house, f"/v1/calls/{first.call_id}/recording/pause")
        assert again == 200
        stopped = await house.until(lambda call: call.recorded is not None and call.recorded.status == "ended")
        assert stopped.recording_paused_at is not None
        assert calls_to_record([Change("1", first, stopped)]) == []

        status, resumed = await posts(house, f"/v1/calls/{first.call_id}/recording/resume")
        assert (status, resumed["result"]) == (200, "resumed")
        goes_on = await house.until(lambda call: call.recording_segment == 2)
        assert calls_to_record([Change("2", stopped, goes_on)]) == [goes_on]
        await begins(house, goes_on)
        second = await house.until(lambda call: call.recorded is not None and call.recorded.status == "started")
        assert [each.segment for each in (*second.former_recordings, second.recorded) if each] == [1, 2]
        assert second.former_recordings[0].status == "ended"

    in_a_house(recorded, story)


def test_what_begins_to_be_recorded_while_the_recording_is_paused_is_looked_at_at_once(recorded: LocalAws) -> None:
    async def story(house: House) -> None:
        made = await a_token(house)
        await visits(house, made["token"])
        active = await house.until(lambda call: call.state is State.ACTIVE)
        status, _ = await posts(house, f"/v1/calls/{active.call_id}/recording/pause")
        assert status == 200
        house.local.messages()
        await begins(house, active)
        await house.until(lambda call: call.recorded is not None and call.recorded.status == "started")
        async with asyncio.timeout(5):
            while True:
                looks = [each["Body"] for each in house.local.messages()]
                if any(active.call_id in look for look in looks):
                    return
                await asyncio.sleep(0.1)

    in_a_house(recorded, story)


def test_a_pause_that_livekit_was_not_there_for_is_refused_and_stands(recorded: LocalAws) -> None:
    async def story(house: House) -> None:
        first = await a_recorded_call(house)
        await house.lab.control("POST", "faults", json={"kind": "fail_api", "names": ["ListEgress"], "times": 1})
        status, refused = await posts(house, f"/v1/calls/{first.call_id}/recording/pause")
        assert (status, refused["code"]) == (503, "livekit_unavailable")
        paused = await house.until(lambda call: call.recording_paused_at is not None)
        assert paused.recorded is not None and paused.recorded.status == "started"
        status, _ = await posts(house, f"/v1/calls/{first.call_id}/recording/pause")
        assert status == 200
        await house.until(lambda call: call.recorded is not None and call.recorded.status == "ended")

    in_a_house(recorded, story)


def test_a_call_that_is_not_recorded_has_no_recording_to_pause(local: LocalAws) -> None:
    async def story(house: House) -> None:
        made = await a_token(house)
        await visits(house, made["token"])
        active = await house.until(lambda call: call.state is State.ACTIVE)
        for deed in ("pause", "resume"):
            status, refused = await posts(house, f"/v1/calls/{active.call_id}/recording/{deed}")
            assert (status, refused["code"]) == (409, "call_not_recorded")

    in_a_house(local, story)
