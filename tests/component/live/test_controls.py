"""A conversation from outside: messages and tones for its agent, and who listens."""

import json
from typing import Any

from livekit.protocol.models import ParticipantInfo
from livekit.protocol.room import ListParticipantsRequest

from ringline.calls.live.telling import MESSAGE_TOPIC
from ringline.calls.model.call import Call, State
from ringline.calls.model.events import DtmfAsked, DtmfSent
from ringline.calls.views.timeline import timeline
from tests.builders import a_call, at, moved, told_by_the_agent, unmoved
from tests.component.live.test_recording_pauses import posts
from tests.component.one_table import LocalAws
from tests.component.signals.test_inbound import House, in_a_house
from tests.component.signals.test_web_callers import a_token, visits


async def an_active_call(house: House) -> Call:
    made = await a_token(house)
    await visits(house, made["token"])
    return await house.until(lambda call: call.state is State.ACTIVE)


def told_to_agents(house: House, call: Call) -> list[tuple[str, Any]]:
    """Has the agents in the call's room write down what the server tells them."""
    heard: list[tuple[str, Any]] = []
    room = house.lab.network.exchange.roster.get(call.room_name or "")
    assert room is not None
    for agent in room.agents():
        agent.hears = lambda topic, told: heard.append((topic, json.loads(told)))
    for other in (each for each in room.participants.values() if not each.is_agent):
        other.hears = lambda _topic, _told: heard.append(("somebody else", None))
    return heard


def test_a_message_reaches_the_agent_and_nobody_else(local: LocalAws) -> None:
    async def story(house: House) -> None:
        active = await an_active_call(house)
        heard = told_to_agents(house, active)
        message = {"text": "Be brief", "data": {"a": 1}}
        status, sent = await posts(house, f"/v1/calls/{active.call_id}/messages", message)
        assert (status, sent["result"], sent["agents"]) == (202, "sent", 1)
        assert heard == [(MESSAGE_TOPIC, {"message_id": sent["message_id"], **message})]

    in_a_house(local, story)


def test_nobody_is_told_anything_once_the_call_is_over(local: LocalAws) -> None:
    async def story(house: House) -> None:
        made = await a_token(house)
        await visits(house, made["token"], leave_after_s=1)
        over = await house.until(lambda call: call.state.is_terminal)
        for deed, body in (("messages", {"text": "x"}), ("dtmf", {"digits": "1"}), ("monitor", {"mode": "listen"})):
            status, refused = await posts(house, f"/v1/calls/{over.call_id}/{deed}", body)
            assert (status, refused["code"]) == (409, "call_not_active")
        status, refused = await posts(house, f"/v1/calls/{over.call_id}/recording/pause")
        assert (status, refused["code"]) == (409, "call_not_active")

    in_a_house(local, story)


def test_a_browser_takes_no_tones_and_nobody_can_whisper(local: LocalAws) -> None:
    async def story(house: House) -> None:
        active = await an_active_call(house)
        status, refused = await posts(house, f"/v1/calls/{active.call_id}/dtmf", {"digits": "12w3#"})
        assert (status, refused["code"]) == (409, "no_phone_in_call")
        status, refused = await posts(house, f"/v1/calls/{active.call_id}/monitor", {"mode": "whisper"})
        assert (status, refused["code"]) == (422, "whisper_not_enforceable")

    in_a_house(local, story)


def test_a_listener_is_hidden_may_not_speak_and_is_written_down(local: LocalAws) -> None:
    async def story(house: House) -> None:
        active = await an_active_call(house)
        status, made = await posts(house, f"/v1/calls/{active.call_id}/monitor", {"mode": "listen"})
        assert status == 201
        visit = await visits(house, made["token"])
        room = ListParticipantsRequest(room=active.room_name or "")
        there = (await house.lab.livekit.room.list_participants(room)).participants
        (listener,) = [each for each in there if each.identity == made["listener_id"]]
        assert listener.kind == ParticipantInfo.STANDARD
        assert (listener.permission.hidden, listener.permission.can_publish) == (True, False)
        joined = await house.until(lambda call: len(call.listeners) == 1)
        assert (joined.listeners[0].mode, joined.listeners[0].left_at) == ("listen", None)
        await house.lab.control("POST", f"calls/{visit}/hangup")
        left = await house.until(lambda call: call.listeners[0].left_at is not None)
        assert left.state is State.ACTIVE

    in_a_house(local, story)


def test_tones_are_asked_of_an_agent_that_can_send_them_and_its_word_of_them_is_kept() -> None:
    call = told_by_the_agent(a_call(State.ACTIVE), ready_at=at(2), can_report=("dtmf",))
    asked = moved(call, DtmfAsked(at(10), 1, "dtmf_1"))
    sent = moved(asked, DtmfSent(at(11), 1, "dtmf_1"))
    assert unmoved(sent, DtmfSent(at(12), 1, "dtmf_1")).why == "dtmf_told_before"
    told = [(each["what"], each["why"]) for each in timeline(sent) if each["what"].startswith("dtmf")]
    assert told == [("dtmf_asked", "dtmf_1"), ("dtmf_sent", "dtmf_1")]
    deaf = a_call(State.ACTIVE)
    assert unmoved(deaf, DtmfAsked(at(10), 1, "dtmf_1")).why == "agent_cannot"
