"""The official LiveKit client and webhook receiver work against the phone network."""

from typing import Any

import aiohttp
import pytest
from livekit.api import AccessToken, LiveKitAPI, ServerError, SipCallError, VideoGrants
from livekit.protocol import agent_dispatch, sip
from livekit.protocol import room as room_messages
from livekit.protocol.agent import JobStatus
from livekit.protocol.models import ListUpdate, ParticipantInfo

from tests.contract.phones.phone_network import (
    AGENT_NAME,
    ANSWERS,
    API_KEY,
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


@in_a_lab()
async def test_creating_a_room_again_leaves_it_as_it_is(lab: Lab) -> None:
    await open_room(lab, agent=AGENT_NAME, metadata="first")
    again = await lab.livekit.room.create_room(room_messages.CreateRoomRequest(name=ROOM, metadata="second"))
    assert again.metadata == "first"
    listed = await lab.livekit.room.list_rooms(room_messages.ListRoomsRequest(names=[ROOM, "another"]))
    assert [each.sid for each in listed.rooms] == [again.sid]
    assert len(await lab.livekit.agent_dispatch.list_dispatch(ROOM)) == 1


@in_a_lab()
async def test_what_does_not_exist_is_not_found_but_an_absent_room_lists_nobody(lab: Lab) -> None:
    livekit = lab.livekit.room
    identity = room_messages.RoomParticipantIdentity(room="absent", identity=LEG)
    for request in (
        livekit.delete_room(room_messages.DeleteRoomRequest(room="absent")),
        livekit.get_participant(identity),
        livekit.remove_participant(identity),
    ):
        with pytest.raises(ServerError) as caught:
            await request
        assert (caught.value.code, caught.value.status) == ("not_found", 404)
    people = await livekit.list_participants(room_messages.ListParticipantsRequest(room="absent"))
    assert list(people.participants) == []


@in_a_lab()
async def test_a_dial_that_does_not_wait_is_answered_while_it_is_dialing(lab: Lab) -> None:
    await open_room(lab)
    dialed = await dial(lab, STAYS_ON, wait=False)
    leg = await the_leg(lab)
    assert (leg.sid, leg.kind, leg.state) == (dialed.participant_id, ParticipantInfo.SIP, ParticipantInfo.ACTIVE)
    assert leg.attributes["sip.callStatus"] == "dialing"
    assert leg.attributes["sip.callID"] == dialed.sip_call_id


@in_a_lab()
async def test_a_dial_creates_the_room_it_names(lab: Lab) -> None:
    await dial(lab, STAYS_ON)
    assert (await the_leg(lab)).attributes["sip.callStatus"] == "active"


@in_a_lab()
async def test_a_dial_that_cannot_be_made_fails_without_sip_metadata_and_nothing_rings(lab: Lab) -> None:
    good: dict[str, Any] = {"sip_trunk_id": "ST_sandbox", "sip_call_to": ANSWERS, "room_name": ROOM}
    for changes, code in (
        ({"sip_call_to": ""}, "invalid_argument"),
        ({"sip_call_to": "sip:bob@example.com"}, "invalid_argument"),
        ({"room_name": ""}, "invalid_argument"),
        ({"sip_trunk_id": ""}, "invalid_argument"),
        ({"sip_trunk_id": "ST_unknown"}, "not_found"),
    ):
        with pytest.raises(ServerError) as caught:
            await lab.livekit.sip.create_sip_participant(sip.CreateSIPParticipantRequest(**(good | changes)))
        assert caught.value.code == code
        assert not isinstance(caught.value, SipCallError)
    assert await lab.calls() == []


@in_a_lab(time_scale=0.01)
async def test_the_server_gives_up_on_a_waiting_dial_after_80_s(lab: Lab) -> None:
    with pytest.raises(ServerError) as caught:
        await dial(lab, RINGS_OUT, ring_s=120)
    assert (caught.value.code, caught.value.message) == ("deadline_exceeded", "request timed out")
    await finished(lab)
    assert leavers(lab.recorder) == {"SIP": "USER_UNAVAILABLE"}


@in_a_lab()
async def test_an_inline_trunk_dials_from_the_number_it_is_given(lab: Lab) -> None:
    request = sip.CreateSIPParticipantRequest(
        trunk=sip.SIPOutboundConfig(hostname="sip.example.com"),
        sip_number="+15550109000",
        sip_call_to=ANSWERS,
        room_name=ROOM,
        participant_identity=LEG,
    )
    await lab.livekit.sip.create_sip_participant(request)
    attributes = (await the_leg(lab)).attributes
    assert (attributes["sip.trunkPhoneNumber"], attributes["sip.hostname"]) == ("+15550109000", "sip.example.com")


@in_a_lab()
async def test_a_carriers_fraud_code_is_shown_in_the_sip_status(lab: Lab) -> None:
    with pytest.raises(SipCallError) as caught:
        await dial(lab, "+15550100603")
    assert caught.value.sip_status_code == 603
    assert str(caught.value.sip_status).startswith("32203")


@in_a_lab()
async def test_a_token_must_be_signed_and_allow_what_is_asked(lab: Lab) -> None:
    async with LiveKitAPI(lab.network.url, API_KEY, "another-secret-of-at-least-32-bytes", failover=False) as stranger:
        with pytest.raises(ServerError) as caught:
            await stranger.room.list_rooms(room_messages.ListRoomsRequest())
    assert (caught.value.code, caught.value.status) == ("unauthenticated", 401)
    powerless = AccessToken(API_KEY, lab.network.config.api_secret).to_jwt()
    async with LiveKitAPI(lab.network.url, token=powerless, failover=False) as client:
        with pytest.raises(ServerError, match="permissions denied"):
            await client.room.list_rooms(room_messages.ListRoomsRequest())


@in_a_lab()
async def test_requests_may_be_json(lab: Lab) -> None:
    grants = VideoGrants(room_create=True)
    token = AccessToken(API_KEY, lab.network.config.api_secret).with_grants(grants).to_jwt()
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{lab.network.url}/twirp/livekit.RoomService/CreateRoom"
    async with lab.http.post(url, json={"name": ROOM, "departureTimeout": 7}, headers=headers) as answer:
        assert answer.status == 200
        assert (await answer.json())["departureTimeout"] == 7
    async with lab.http.post(url.replace("CreateRoom", "Juggle"), json={}, headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (501, "unimplemented")


@in_a_lab()
async def test_a_dispatched_agent_joins_and_goes_with_its_dispatch(lab: Lab) -> None:
    await open_room(lab)
    request = agent_dispatch.CreateAgentDispatchRequest(agent_name=AGENT_NAME, room=ROOM, metadata='{"a": 1}')
    dispatch = await lab.livekit.agent_dispatch.create_dispatch(request)
    await lab.recorder.until(lambda seen: "track_published" in seen.events(ROOM))
    nameless, listed = await lab.livekit.agent_dispatch.list_dispatch(ROOM)
    assert (nameless.agent_name, len(nameless.state.jobs)) == ("", 0), "LiveKit's own, for workers without a name"
    job = listed.state.jobs[0]
    assert (listed.id, job.metadata, job.state.status) == (dispatch.id, '{"a": 1}', JobStatus.JS_RUNNING)
    joined = next(hook.body["participant"] for hook in lab.recorder.hooks if hook.event == "participant_joined")
    assert joined["identity"] == job.state.participant_identity == f"agent-{job.id}"
    await lab.livekit.agent_dispatch.delete_dispatch(dispatch.id, ROOM)
    await lab.recorder.until(lambda seen: "participant_left" in seen.events(ROOM))
    assert await lab.livekit.agent_dispatch.list_dispatch(ROOM) == [nameless]


@in_a_lab()
async def test_trunks_and_rules_are_made_changed_listed_and_deleted(lab: Lab) -> None:
    api = lab.livekit.sip
    asked = sip.SIPInboundTrunkInfo(name="in", numbers=["+15550109999"])
    inbound = await api.create_inbound_trunk(sip.CreateSIPInboundTrunkRequest(trunk=asked))
    more = ListUpdate(add=["+15550109998"])
    await api.update_inbound_trunk_fields(inbound.sip_trunk_id, numbers=more, name="renamed")
    wanted = sip.ListSIPInboundTrunkRequest(trunk_ids=[inbound.sip_trunk_id])
    trunk = (await api.list_inbound_trunk(wanted)).items[0]
    assert (trunk.name, list(trunk.numbers)) == ("renamed", ["+15550109999", "+15550109998"])
    with pytest.raises(ServerError, match="Conflicting"):
        await api.create_inbound_trunk(sip.CreateSIPInboundTrunkRequest(trunk=asked))

    outbound = await api.create_outbound_trunk(
        sip.CreateSIPOutboundTrunkRequest(
            trunk=sip.SIPOutboundTrunkInfo(name="out", address="sip.example.com", numbers=["+15550109000"])
        )
    )
    assert outbound.sip_trunk_id in [
        each.sip_trunk_id for each in (await api.list_outbound_trunk(sip.ListSIPOutboundTrunkRequest())).items
    ]

    direct = sip.SIPDispatchRule(dispatch_rule_direct=sip.SIPDispatchRuleDirect(room_name="lobby"))
    rule = await api.create_dispatch_rule(
        sip.CreateSIPDispatchRuleRequest(
            dispatch_rule=sip.SIPDispatchRuleInfo(rule=direct, trunk_ids=[inbound.sip_trunk_id])
        )
    )
    replaced = await api.update_dispatch_rule(
        rule.sip_dispatch_rule_id, sip.SIPDispatchRuleInfo(rule=direct, metadata="new")
    )
    assert (replaced.sip_dispatch_rule_id, replaced.metadata) == (rule.sip_dispatch_rule_id, "new")
    await api.delete_dispatch_rule(sip.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule.sip_dispatch_rule_id))
    await api.delete_trunk(sip.DeleteSIPTrunkRequest(sip_trunk_id=inbound.sip_trunk_id))
    await api.delete_trunk(sip.DeleteSIPTrunkRequest(sip_trunk_id=outbound.sip_trunk_id))
    assert list((await api.list_dispatch_rule(sip.ListSIPDispatchRuleRequest())).items) == []
    assert list((await api.list_inbound_trunk(sip.ListSIPInboundTrunkRequest())).items) == []


@in_a_lab()
async def test_a_caller_is_answered_once_the_agent_of_the_rule_is_there(lab: Lab) -> None:
    api = lab.livekit.sip
    trunk = sip.SIPInboundTrunkInfo(numbers=["+15550109999"])
    await api.create_inbound_trunk(sip.CreateSIPInboundTrunkRequest(trunk=trunk))
    rule = sip.SIPDispatchRuleInfo(
        rule=sip.SIPDispatchRule(dispatch_rule_direct=sip.SIPDispatchRuleDirect(room_name="lobby")),
        room_config={"departure_timeout": 2, "agents": [agent_dispatch.RoomAgentDispatch(agent_name=AGENT_NAME)]},
    )
    await api.create_dispatch_rule(sip.CreateSIPDispatchRuleRequest(dispatch_rule=rule))
    caller = {"from": "+15550107777", "to": "+15550109999", "hang_up_after_s": 2}
    await lab.control("POST", "inbound", json=caller)
    await finished(lab, "lobby")
    call = (await lab.calls())[0]
    assert call["answered_at"] is not None
    assert call["ended_by"] == "caller"
    assert leavers(lab.recorder) == {"SIP": "CLIENT_INITIATED", "AGENT": "CLIENT_INITIATED"}
    unrouted = await lab.control("POST", "inbound", json={"from": "+15550107777", "to": "+15550108888"})
    assert unrouted["routed"] is False


@in_a_lab()
async def test_a_caller_is_answered_by_a_phone_that_is_called_into_their_room(lab: Lab) -> None:
    """LiveKit answers with the first audio that there is to hear, whoever sends it."""
    api = lab.livekit.sip
    trunk = sip.SIPInboundTrunkInfo(numbers=["+15550109999"])
    await api.create_inbound_trunk(sip.CreateSIPInboundTrunkRequest(trunk=trunk))
    lobby = sip.SIPDispatchRule(dispatch_rule_direct=sip.SIPDispatchRuleDirect(room_name="lobby"))
    rule = sip.SIPDispatchRuleInfo(rule=lobby, room_config={"departure_timeout": 2})
    await api.create_dispatch_rule(sip.CreateSIPDispatchRuleRequest(dispatch_rule=rule))
    await lab.control("POST", "inbound", json={"from": "+15550107777", "to": "+15550109999", "hang_up_after_s": 8})
    await lab.recorder.until(lambda seen: "participant_joined" in seen.events("lobby"))
    await dial(lab, ANSWERS, room="lobby", wait=False)
    await finished(lab, "lobby")
    caller, callee = sorted(await lab.calls(), key=lambda call: call["direction"])
    assert caller["answered_at"] is not None and caller["answered_at"] < callee["answered_at"]


@in_a_lab()
async def test_a_transferred_call_leaves_the_room(lab: Lab) -> None:
    await open_room(lab)
    await dial(lab, STAYS_ON)
    transfer = sip.TransferSIPParticipantRequest(
        participant_identity=LEG, room_name=ROOM, transfer_to="tel:+15550100999"
    )
    answer = await lab.livekit.sip.transfer_sip_participant(transfer)
    assert answer.status == sip.SIPTransferStatus.STS_TRANSFER_SUCCESSFUL
    await finished(lab)


@in_a_lab()
async def test_the_phones_ring_once_for_each_dial_and_requests_are_counted(lab: Lab) -> None:
    for number in (ANSWERS, ANSWERS):
        await dial(lab, number, room=f"room-of-{len(await lab.calls())}")
    calls = await lab.calls(number=ANSWERS)
    assert [call["room"] for call in calls] == ["room-of-0", "room-of-1"]
    assert all(call["invited_at"] < call["rang_at"] < call["answered_at"] for call in calls)
    counted = await lab.control("GET", "requests")
    assert counted["requests"]["CreateSIPParticipant"] == 2
    assert [invite["number"] for invite in counted["invites"]] == [ANSWERS, ANSWERS]


@in_a_lab()
async def test_a_number_can_be_told_to_behave_otherwise(lab: Lab) -> None:
    await lab.control("PUT", f"numbers/{ANSWERS}", json={"answers_after_s": None, "refusal": 486})
    with pytest.raises(SipCallError):
        await dial(lab, ANSWERS)
    await lab.control("DELETE", f"numbers/{ANSWERS}")
    await dial(lab, ANSWERS, room="again")
    with pytest.raises(aiohttp.ClientResponseError):
        await lab.control("PUT", f"numbers/{ANSWERS}", json={"sings": True})


@in_a_lab()
async def test_the_person_at_the_phone_can_hang_up(lab: Lab) -> None:
    await open_room(lab)
    await dial(lab, STAYS_ON)
    await lab.control("POST", f"calls/{(await lab.calls())[0]['id']}/hangup")
    await finished(lab)
    assert (await lab.calls())[0]["ended_by"] == "callee"
