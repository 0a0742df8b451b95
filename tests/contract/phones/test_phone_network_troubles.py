"""What goes wrong in the phone network goes wrong as it does with the real servers."""

import asyncio
import itertools
import subprocess
import sys

import aiohttp
import pytest
from aiohttp import web
from livekit.api import ServerError, SipCallError
from livekit.protocol import room as room_messages
from livekit.protocol.models import ParticipantInfo

from tests.contract.phones.phone_network import (
    AGENT_NAME,
    ANSWERS,
    LEG,
    RINGS_OUT,
    ROOM,
    STAYS_ON,
    Lab,
    dial,
    finished,
    in_a_lab,
    leavers,
    open_room,
    the_leg,
)

_WHOLE_CALL = (
    "room_started",
    "participant_joined",
    "track_published",
    "track_unpublished",
    "participant_left",
    "room_finished",
)


async def gone(lab: Lab, room: str = ROOM) -> None:
    """Waits until the server no longer has the room: no webhook may tell of it."""
    async with asyncio.timeout(10):
        while (await lab.livekit.room.list_rooms(room_messages.ListRoomsRequest(names=[room]))).rooms:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def agent_present(lab: Lab) -> None:
    await lab.recorder.until(lambda seen: any(_kind(hook.body) == "AGENT" for hook in seen.of_room(ROOM)))


def _kind(body: dict[str, dict[str, str]]) -> str:
    return body.get("participant", {}).get("kind", "")


@in_a_lab(time_scale=0.05, hooks_status=500)
async def test_a_refused_webhook_comes_five_times_and_those_behind_it_grow_too_old(lab: Lab) -> None:
    await open_room(lab)
    await dial(lab, ANSWERS)
    await gone(lab)
    await lab.recorder.until(lambda seen: len(seen.hooks) == 15)
    tries = [hook.at_s for hook in lab.recorder.hooks if hook.event == "room_started"]
    waits_s = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert waits_s == pytest.approx([1, 2, 4, 8], abs=0.8)
    ids = [hook.body["id"] for hook in lab.recorder.hooks]
    assert [len(set(ids[start : start + 5])) for start in (0, 5, 10)] == [1, 1, 1]
    # Each event took 15 s, so the end of the call had waited over 30 s. A new room of that name follows in its queue.
    lab.recorder.status = 200
    await open_room(lab)
    await lab.recorder.until(lambda seen: seen.events(ROOM)[15:] == ["room_started"])
    assert not {"participant_left", "room_finished"} & set(lab.recorder.events(ROOM))


@in_a_lab()
async def test_events_that_the_configuration_leaves_out_are_not_posted_and_the_others_are(lab: Lab) -> None:
    left_out = ["room_started", "track_published", "track_unpublished"]
    await lab.control("PUT", "webhook", json={"exclude_events": left_out})
    await open_room(lab)
    await dial(lab, ANSWERS)
    await lab.recorder.until(lambda seen: "room_finished" in seen.events(ROOM))
    assert lab.recorder.events(ROOM) == ["participant_joined", "participant_left", "room_finished"]
    with pytest.raises(aiohttp.ClientResponseError):
        await lab.control("PUT", "webhook", json={"exclude_events": ["room_begun"]})


@in_a_lab()
async def test_a_webhook_refused_for_good_is_not_sent_again(lab: Lab) -> None:
    lab.recorder.status = 400
    await dial(lab, ANSWERS)
    await finished(lab)
    assert len({hook.body["id"] for hook in lab.recorder.hooks}) == len(lab.recorder.hooks)


@in_a_lab()
async def test_a_slow_endpoint_holds_up_its_own_room_only(lab: Lab) -> None:
    held = asyncio.Event()
    recorded = lab.recorder.receive

    async def receive(request: web.Request) -> web.Response:
        answer = await recorded(request)
        if lab.recorder.hooks[-1].room == "slow":
            await held.wait()
        return answer

    lab.recorder.handler = receive
    await open_room(lab, "slow")
    await dial(lab, ANSWERS, room="slow")
    await dial(lab, ANSWERS, room="quick")
    await finished(lab, "quick")
    assert lab.recorder.events("slow") == ["room_started"]
    held.set()
    await finished(lab, "slow")


@in_a_lab()
async def test_the_last_webhooks_of_a_call_can_be_lost(lab: Lab) -> None:
    await open_room(lab)
    await dial(lab, "+15550100300")
    await gone(lab)
    assert "participant_joined" in lab.recorder.events(ROOM)
    assert not {"participant_left", "room_finished"} & set(lab.recorder.events(ROOM))


@in_a_lab()
async def test_every_webhook_of_a_call_can_be_lost(lab: Lab) -> None:
    await open_room(lab, metadata='{"to": "+15550100301"}')
    await dial(lab, "+15550100301")
    await gone(lab)
    assert lab.recorder.hooks == []


@in_a_lab()
async def test_every_webhook_can_come_twice(lab: Lab) -> None:
    await open_room(lab, metadata='{"to": "+15550100302"}')
    await dial(lab, "+15550100302")
    await lab.recorder.until(lambda seen: seen.events(ROOM).count("room_finished") == 2)
    ids = [hook.body["id"] for hook in lab.recorder.hooks]
    assert ids[::2] == ids[1::2]


@in_a_lab()
async def test_webhooks_can_overtake_each_other(lab: Lab) -> None:
    await open_room(lab, metadata='{"to": "+15550100303"}')
    await dial(lab, "+15550100303")
    await lab.recorder.until(lambda seen: len(seen.events(ROOM)) == 6)
    assert lab.recorder.events(ROOM)[:2] == ["participant_joined", "room_started"]
    assert sorted(lab.recorder.events(ROOM)) == sorted(_WHOLE_CALL)


@pytest.mark.parametrize("case", ["+15550100310", "+15550100311"])
@in_a_lab()
async def test_a_dial_whose_answer_is_lost_goes_on(lab: Lab, case: str) -> None:
    with pytest.raises((aiohttp.ClientError, ServerError)) as caught:
        await dial(lab, case)
    assert not isinstance(caught.value, ServerError) or caught.value.status == 502
    leg = await the_leg(lab)
    assert leg.attributes["sip.callStatus"] in ("dialing", "ringing")
    await finished(lab)
    assert leavers(lab.recorder) == {"SIP": "CLIENT_INITIATED"}
    assert len(await lab.calls()) == 1


@in_a_lab()
async def test_a_dial_may_hear_nothing_more_while_its_phone_goes_on(lab: Lab) -> None:
    await lab.control("PUT", f"numbers/{ANSWERS}", json={"dial": "hangs"})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.4):
            await dial(lab, ANSWERS)
    assert (await the_leg(lab)).attributes["sip.callStatus"] == "active"
    await finished(lab)
    assert len(await lab.calls()) == 1


@in_a_lab()
async def test_a_carrier_may_refuse_two_dials_for_its_limit_before_the_third_rings(lab: Lab) -> None:
    for _ in range(2):
        with pytest.raises(SipCallError) as caught:
            await dial(lab, "+15550102503")
        assert (caught.value.sip_status_code, caught.value.sip_status) == (503, "cps limit exceeded")
    await lab.recorder.until(lambda seen: leavers(seen) != {})
    assert leavers(lab.recorder) == {"SIP": "USER_REJECTED"}
    await dial(lab, "+15550102503")
    assert [call["rang_at"] is not None for call in await lab.calls()] == [False, False, True]


@in_a_lab()
async def test_without_a_bridge_nothing_rings_and_a_later_dial_works(lab: Lab) -> None:
    for _ in range(2):
        with pytest.raises(ServerError, match="no response from servers") as caught:
            await dial(lab, "+15550100320")
        assert (caught.value.code, caught.value.status) == ("unavailable", 503)
    assert await lab.calls() == []
    await dial(lab, "+15550100320")
    assert len(await lab.calls()) == 1


@in_a_lab()
async def test_an_agent_may_not_join(lab: Lab) -> None:
    await open_room(lab, agent=AGENT_NAME)
    await dial(lab, "+15550100330")
    people = await lab.livekit.room.list_participants(room_messages.ListParticipantsRequest(room=ROOM))
    assert [each.identity for each in people.participants] == [LEG]
    assert list((await lab.livekit.agent_dispatch.list_dispatch(ROOM))[0].state.jobs) == []


@in_a_lab()
async def test_a_worker_may_have_room_for_the_third_dispatch_only_and_says_so_to_nobody(lab: Lab) -> None:
    metadata = '{"to_number": "+15550100350"}'
    for _ in range(2):
        await open_room(lab, agent=AGENT_NAME, metadata=metadata)
        await lab.network.exchange.pace.sleep(1)
        assert list((await lab.livekit.agent_dispatch.list_dispatch(ROOM))[0].state.jobs) == []
        await lab.livekit.room.delete_room(room_messages.DeleteRoomRequest(room=ROOM))
    await open_room(lab, agent=AGENT_NAME, metadata=metadata)
    await agent_present(lab)


@in_a_lab()
async def test_an_agent_may_join_late(lab: Lab) -> None:
    began_at_s = lab.network.exchange.pace.now_s()
    await open_room(lab, agent=AGENT_NAME)
    await dial(lab, "+15550100331")
    await agent_present(lab)
    assert lab.network.exchange.pace.now_s() - began_at_s >= 4.9


@in_a_lab()
async def test_an_agent_that_leaves_does_not_take_the_caller_along(lab: Lab) -> None:
    await open_room(lab, agent=AGENT_NAME)
    await dial(lab, "+15550100332")
    await lab.recorder.until(lambda seen: "participant_left" in seen.events(ROOM))
    assert leavers(lab.recorder) == {"AGENT": "CLIENT_INITIATED"}
    assert (await the_leg(lab)).attributes["sip.callStatus"] == "active"


@in_a_lab()
async def test_a_crashed_agent_is_missed_after_20_s_and_its_job_still_runs(lab: Lab) -> None:
    await open_room(lab, agent=AGENT_NAME)
    await dial(lab, "+15550100333")
    answered_at_s = lab.network.exchange.pace.now_s()
    await lab.recorder.until(lambda seen: "participant_left" in seen.events(ROOM))
    assert leavers(lab.recorder) == {"AGENT": "CONNECTION_TIMEOUT"}
    assert lab.network.exchange.pace.now_s() - answered_at_s == pytest.approx(22, abs=1.5)


@in_a_lab()
async def test_an_agent_may_hang_up(lab: Lab) -> None:
    await open_room(lab, agent=AGENT_NAME)
    await dial(lab, "+15550100334")
    await finished(lab)
    assert leavers(lab.recorder) == {"SIP": "ROOM_DELETED", "AGENT": "ROOM_DELETED"}
    assert (await lab.calls())[0]["ended_by"] == "livekit"


@in_a_lab()
async def test_an_agent_stays_for_a_caller_who_was_not_reached(lab: Lab) -> None:
    await open_room(lab, agent=AGENT_NAME)
    with pytest.raises(ServerError):
        await dial(lab, RINGS_OUT, ring_s=3)
    await finished(lab)
    assert leavers(lab.recorder) == {"SIP": "USER_UNAVAILABLE", "AGENT": "ROOM_CLOSED"}


@in_a_lab(time_scale=0.05)
async def test_a_bridge_that_dies_in_the_call_is_missed_after_21_s(lab: Lab) -> None:
    await open_room(lab)
    await dial(lab, "+15550100340")
    answered_at_s = lab.network.exchange.pace.now_s()
    await finished(lab)
    left = next(hook for hook in lab.recorder.hooks if hook.event == "participant_left")
    assert left.body["participant"]["disconnectReason"] == "CONNECTION_TIMEOUT"
    assert left.body["participant"]["attributes"]["sip.callStatus"] == "active"
    assert left.at_s - answered_at_s == pytest.approx(23, abs=1.5)


@in_a_lab(time_scale=0.05)
async def test_a_bridge_that_dies_while_ringing_never_answers_the_dial(lab: Lab) -> None:
    await open_room(lab)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(25 * 0.05):
            await dial(lab, "+15550100341")
    await finished(lab)
    left = next(hook for hook in lab.recorder.hooks if hook.event == "participant_left")
    assert left.body["participant"]["disconnectReason"] == "CONNECTION_TIMEOUT"
    assert left.body["participant"]["attributes"]["sip.callStatus"] == "ringing"


@in_a_lab()
async def test_after_a_restart_a_leg_joins_again_and_its_status_is_dialing_while_the_call_is_up(lab: Lab) -> None:
    await open_room(lab)
    await dial(lab, STAYS_ON)
    before = await the_leg(lab)
    await lab.control("POST", "faults", json={"kind": "restart_livekit", "for_s": 3})
    with pytest.raises(aiohttp.ClientError):
        await the_leg(lab)
    await lab.recorder.until(lambda seen: seen.events(ROOM).count("participant_joined") == 2)
    after = await the_leg(lab)
    assert (after.identity, after.attributes["sip.callStatus"]) == (before.identity, "dialing")
    assert after.sid != before.sid
    await lab.recorder.until(lambda seen: len(seen.events(ROOM)) == 6)
    assert lab.recorder.events(ROOM)[3:] == ["room_started", "participant_joined", "track_published"]
    assert len({hook.body["room"]["sid"] for hook in lab.recorder.hooks}) == 1
    await lab.livekit.room.delete_room(room_messages.DeleteRoomRequest(room=ROOM))
    await finished(lab)
    left = next(hook.body["participant"] for hook in lab.recorder.hooks if hook.event == "participant_left")
    assert (left["sid"], left["attributes"]["sip.callStatus"]) == (after.sid, "dialing")
    assert left["disconnectReason"] == "ROOM_DELETED"


@in_a_lab()
async def test_what_becomes_of_a_call_after_a_restart_shows_in_its_status(lab: Lab) -> None:
    await lab.control("PUT", f"numbers/{STAYS_ON}", json={"answers_after_s": 9})
    await open_room(lab)
    await dial(lab, STAYS_ON, wait=False)
    await lab.control("POST", "faults", json={"kind": "restart_livekit", "for_s": 1})
    await lab.recorder.until(lambda seen: seen.events(ROOM).count("participant_joined") == 2)
    assert (await the_leg(lab)).attributes["sip.callStatus"] == "dialing"
    async with asyncio.timeout(10):
        while (await the_leg(lab)).attributes["sip.callStatus"] != "active":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    (call,) = await lab.calls(room=ROOM)
    await lab.control("POST", f"calls/{call['id']}/hangup")
    await finished(lab)
    left = next(hook.body["participant"] for hook in lab.recorder.hooks if hook.event == "participant_left")
    assert (left["disconnectReason"], left["attributes"]["sip.callStatus"]) == ("CLIENT_INITIATED", "hangup")


@in_a_lab()
async def test_of_who_hangs_up_before_a_killed_server_knows_their_leg_again_nobody_hears(lab: Lab) -> None:
    await open_room(lab)
    await dial(lab, STAYS_ON)
    (call,) = await lab.calls(room=ROOM)
    await lab.control("POST", "faults", json={"kind": "restart_livekit", "for_s": 1})
    await lab.control("POST", f"calls/{call['id']}/hangup")
    async with asyncio.timeout(10):
        while lab.network.exchange.roster.get(ROOM) is not None:  # noqa: ASYNC110 - the API is away
            await asyncio.sleep(0.02)
    assert lab.recorder.events(ROOM) == ["room_started", "participant_joined", "track_published"]


@in_a_lab()
async def test_a_restart_breaks_a_dial_under_way_and_the_phone_rings_on(lab: Lab) -> None:
    await open_room(lab)
    dialing = asyncio.create_task(dial(lab, RINGS_OUT, ring_s=8))
    await lab.recorder.until(lambda seen: "track_published" in seen.events(ROOM))
    await lab.control("POST", "faults", json={"kind": "restart_livekit", "for_s": 2})
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await dialing
    await finished(lab)
    assert leavers(lab.recorder) == {"SIP": "USER_UNAVAILABLE"}


@in_a_lab()
async def test_the_bridge_can_be_killed_under_one_room(lab: Lab) -> None:
    await dial(lab, STAYS_ON, room="one")
    await dial(lab, ANSWERS, room="two")
    killed = await lab.control("POST", "faults", json={"kind": "kill_bridge", "room": "one"})
    assert killed["legs"] == 1
    await finished(lab, "one")
    reasons = {
        hook.room: hook.body["participant"]["disconnectReason"]
        for hook in lab.recorder.hooks
        if hook.event == "participant_left"
    }
    assert reasons == {"one": "CONNECTION_TIMEOUT", "two": "CLIENT_INITIATED"}


@in_a_lab()
async def test_chosen_webhooks_can_be_dropped_a_number_of_times(lab: Lab) -> None:
    fault = {"kind": "drop_hooks", "names": ["participant_joined"], "room": "on*", "times": 1}
    await lab.control("POST", "faults", json=fault)
    await dial(lab, STAYS_ON, room="one")
    await dial(lab, STAYS_ON, room="two")
    await dial(lab, STAYS_ON, room="only")
    assert "participant_joined" not in lab.recorder.events("one")
    assert "participant_joined" in lab.recorder.events("two")
    assert "participant_joined" in lab.recorder.events("only")


@in_a_lab()
async def test_chosen_webhooks_can_come_late(lab: Lab) -> None:
    fault = {"kind": "delay_hooks", "names": ["room_started"], "delay_s": 3}
    await lab.control("POST", "faults", json=fault)
    await dial(lab, STAYS_ON)
    await lab.recorder.until(lambda seen: "room_started" in seen.events(ROOM))
    assert lab.recorder.events(ROOM) == ["participant_joined", "track_published", "room_started"]


@in_a_lab()
async def test_the_api_can_fail_until_the_fault_is_cleared(lab: Lab) -> None:
    fault = {"kind": "fail_api", "names": ["CreateRoom"], "code": "internal", "message": "out of order"}
    await lab.control("POST", "faults", json=fault)
    with pytest.raises(ServerError, match="out of order") as caught:
        await open_room(lab)
    assert caught.value.status == 500
    assert [each["kind"] for each in await lab.control("GET", "faults")] == ["fail_api"]
    await lab.control("DELETE", "faults")
    await open_room(lab)


@in_a_lab()
async def test_an_answer_can_be_lost_though_the_work_was_done(lab: Lab) -> None:
    await lab.control("POST", "faults", json={"kind": "drop_api_answer", "names": ["CreateRoom"], "times": 1})
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await open_room(lab)
    listed = await lab.livekit.room.list_rooms(room_messages.ListRoomsRequest(names=[ROOM]))
    assert [each.name for each in listed.rooms] == [ROOM]


@in_a_lab()
async def test_a_fault_nobody_knows_is_explained(lab: Lab) -> None:
    async with lab.http.post(f"{lab.network.url}/phones/faults", json={"kind": "earthquake"}) as answer:
        assert answer.status == 400
        assert "earthquake" in (await answer.json())["detail"]


@in_a_lab()
async def test_a_second_dial_with_the_same_identity_rings_again_and_puts_the_first_out(lab: Lab) -> None:
    await open_room(lab)
    first = asyncio.create_task(dial(lab, RINGS_OUT))
    await lab.recorder.until(lambda seen: "track_published" in seen.events(ROOM))
    second = await dial(lab, STAYS_ON)
    with pytest.raises(ServerError, match="sip request timed out"):
        await first
    assert (await the_leg(lab)).sid == second.participant_id
    assert len(await lab.calls()) == 2
    leg = ParticipantInfo.Kind.Name(ParticipantInfo.SIP)
    assert leavers(lab.recorder) == {leg: "DUPLICATE_IDENTITY"}


def test_the_command_says_when_it_is_ready_and_ends_at_once_when_told() -> None:
    command = [sys.executable, "-m", "local.phones", "--port", "0"]
    command += ["--carrier-hooks-url", "http://127.0.0.1:9", "--sip-hook-secret", "whsec_c2VjcmV0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        process.terminate()
        assert process.wait(timeout=1) == 0
    assert ready.startswith("ready http://127.0.0.1:")
