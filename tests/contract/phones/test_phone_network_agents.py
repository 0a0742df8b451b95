"""Agents of the phone network that do not come, come twice, or leave a call to others; the product's own adapter sees
who is there, sends them again and puts them out."""

import asyncio
import json
from copy import replace

from livekit.protocol import agent_dispatch
from livekit.protocol.models import ParticipantInfo

from local.stack.seed import BUSY_AGENTS_NUMBER, SLOW_AGENT_NUMBER
from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.room_view import Others, RoomView, others_of
from ringline.runtime.vault.livekit_keys import LivekitKey
from ringline.telephony.livekit import connected
from ringline.telephony.livekit_settings import LivekitSettings
from tests.builders import a_call
from tests.contract.phones.phone_network import (
    AGENT_NAME,
    API_KEY,
    API_SECRET,
    LEG,
    ROOM,
    STAYS_ON,
    Lab,
    dial,
    in_a_lab,
    leavers,
    open_room,
)

BRINGS_IN, DESERTS = "+15550100336", "+15550100338"


def the_call(**fields: object) -> Call:
    """A call whose room and leg are the lab's."""
    known = {"inbound_room": ROOM, "caller_identity": LEG, "direction": Direction.INBOUND}
    return a_call(State.RINGING, **known | fields)


def settings_of(lab: Lab) -> LivekitSettings:
    return LivekitSettings(
        url=lab.network.url, keys=(LivekitKey(API_KEY, API_SECRET),), token_secret=API_SECRET,
        sip_trunk_id="", agent_name=AGENT_NAME,
        public_url="",
    )  # fmt: skip


async def look(lab: Lab) -> RoomView:
    async with connected(settings_of(lab)) as telephony:
        return await telephony.look(ROOM)


async def until_agents(lab: Lab, count: int) -> None:
    await lab.recorder.until(lambda seen: _agents_joined(lab) == count)


def _agents_joined(lab: Lab) -> int:
    joined = [hook for hook in lab.recorder.of_room(ROOM) if hook.event == "participant_joined"]
    return sum(hook.body["participant"].get("kind") == "AGENT" for hook in joined)


async def send_agent(lab: Lab, number: int, dialled: str) -> None:
    async with connected(settings_of(lab)) as telephony:
        await telephony.send_agent(the_call(dispatches=number, to_number=dialled))


async def _jobs(lab: Lab) -> list[int]:
    """How many jobs each of our dispatches has."""
    listed = await lab.livekit.agent_dispatch.list_dispatch(ROOM)
    return [len(each.state.jobs) for each in listed if each.agent_name == AGENT_NAME]


@in_a_lab(time_scale=0.2)
async def test_a_dispatch_for_which_no_worker_has_room_is_dropped_without_a_word(lab: Lab) -> None:
    await open_room(lab)
    for number in (1, 2):
        await send_agent(lab, number, BUSY_AGENTS_NUMBER)
    await asyncio.sleep(0.2)
    assert await _jobs(lab) == [0, 0] and _agents_joined(lab) == 0
    await send_agent(lab, 3, BUSY_AGENTS_NUMBER)
    await until_agents(lab, 1)
    assert await _jobs(lab) == [0, 0, 1]
    told = [json.loads(each.metadata) for each in await lab.livekit.agent_dispatch.list_dispatch(ROOM) if each.metadata]
    assert [each["dispatch"] for each in told] == [1, 2, 3]


@in_a_lab(time_scale=0.2)
async def test_two_that_were_sent_both_come_and_the_later_can_be_put_out(lab: Lab) -> None:
    await open_room(lab)
    for number in (1, 2):
        await send_agent(lab, number, SLOW_AGENT_NUMBER)
    await until_agents(lab, 2)
    first, second = (await look(lab)).agents
    async with connected(settings_of(lab)) as telephony:
        assert not await telephony.remove_later(ROOM, "PA_nobody", second.identity), "the one that talks is not there"
        assert not await telephony.remove_later(ROOM, first.sid, first.identity), "it is the one that talks"
        assert await telephony.remove_later(ROOM, first.sid, second.identity)
        await telephony.remove(ROOM, second.identity)
    assert (await look(lab)).agents == (first,)
    await lab.recorder.until(lambda seen: "participant_left" in seen.events(ROOM))
    assert leavers(lab.recorder) == {"AGENT": "PARTICIPANT_REMOVED"}


@in_a_lab(time_scale=0.2)
async def test_an_agent_of_somebody_elses_rule_is_sent_again_with_their_words(lab: Lab) -> None:
    await open_room(lab)
    theirs = agent_dispatch.CreateAgentDispatchRequest(agent_name="theirs", room=ROOM, metadata="their words")
    await lab.livekit.agent_dispatch.create_dispatch(theirs)
    await send_agent(lab, 2, BUSY_AGENTS_NUMBER)
    listed = [each for each in await lab.livekit.agent_dispatch.list_dispatch(ROOM) if each.agent_name]
    assert [(each.agent_name, each.metadata) for each in listed] == [("theirs", "their words")] * 2


@in_a_lab(time_scale=0.2)
async def test_agents_of_their_own_names_are_sent_by_them_after_one_another(lab: Lab) -> None:
    names = {"desk": "sandbox-agent", "sales": "nobody-there"}
    settings = replace(settings_of(lab), own_name_of=lambda _, agent_id: names.get(agent_id or ""))
    async with connected(settings) as telephony:
        for place, agent_id in enumerate(("desk", "sales", "sales", "front")):
            call = the_call(agent_id=agent_id, dispatches=place, to_number=STAYS_ON)
            if place == 0:
                await telephony.open_room(call)
            else:
                await telephony.send_agent(call)
    await until_agents(lab, 2)
    listed = [each for each in await lab.livekit.agent_dispatch.list_dispatch(ROOM) if each.agent_name]
    assert [(each.agent_name, len(each.state.jobs)) for each in listed] == [
        ("sandbox-agent", 1),
        ("nobody-there", 0),
        ("nobody-there", 0),
        (AGENT_NAME, 1),
    ]
    assert [json.loads(each.metadata)["agent_id"] for each in listed] == ["desk", "sales", "sales", "front"]


@in_a_lab(time_scale=0.2)
async def test_an_agent_may_bring_in_a_colleague_and_leave_the_two_alone(lab: Lab) -> None:
    await open_room(lab, agent=AGENT_NAME)
    await dial(lab, BRINGS_IN)
    await lab.recorder.until(lambda seen: "participant_left" in seen.events(ROOM))
    room = await look(lab)
    assert (room.agents, others_of(the_call(), room)) == ((), Others.TALK)
    joined = [hook.body["participant"] for hook in lab.recorder.hooks if hook.event == "participant_joined"]
    assert sorted(each.get("kind") for each in joined) == ["AGENT", "SIP", "SIP"]
    told = {each["sid"]: int(each["joinedAtMs"]) for each in joined}
    assert {leg.sid: leg.joined_at for leg in room.legs} == {leg.sid: told[leg.sid] for leg in room.legs}


@in_a_lab(time_scale=0.2)
async def test_an_agent_may_leave_its_caller_alone_with_a_transfer_begun(lab: Lab) -> None:
    metadata = json.dumps({"agent_events_url": f"{lab.product.url}/v1/calls/call_1/agent-events", "token": "t"})
    await open_room(lab)
    await dial(lab, DESERTS)
    request = agent_dispatch.CreateAgentDispatchRequest(agent_name=AGENT_NAME, room=ROOM, metadata=metadata)
    await lab.livekit.agent_dispatch.create_dispatch(request)
    await lab.recorder.until(lambda seen: "participant_left" in seen.events(ROOM))
    room = await look(lab)
    assert (room.agents, others_of(the_call(), room)) == ((), Others.NONE)
    assert [event["status"] for event in lab.product.agent_events if event["type"] == "transfer"] == ["started"]


@in_a_lab(time_scale=0.2)
async def test_who_may_only_listen_is_nobody_to_talk_to(lab: Lab) -> None:
    await open_room(lab)
    await dial(lab, STAYS_ON)
    room = lab.network.exchange.roster.get(ROOM)
    assert room is not None
    leg = room.legs()[0]
    leg.identity, leg.kind = "jo", ParticipantInfo.STANDARD
    assert (await look(lab)).others is Others.TALK
    leg.kind = ParticipantInfo.EGRESS
    assert (await look(lab)).others is Others.NONE
