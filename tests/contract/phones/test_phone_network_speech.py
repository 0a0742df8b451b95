"""The speech worker of the phone network, with the official SDK at the other end of the bridge."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from livekit.protocol import agent_dispatch, sip
from livekit.protocol.room import DeleteRoomRequest, ListParticipantsRequest

from speech.bridge.kept_turns import TURNS_ATTRIBUTE
from tests.contract.phones.phone_network import (
    BRAIN_ENDPOINT,
    LEG,
    ROOM,
    STAYS_ON,
    Lab,
    dial,
    finished,
    in_a_lab,
    leavers,
)
from tests.contract.phones.spoken_calls import (
    CALL_ID,
    SPEECH,
    Agent,
    a_control_plane,
    ready,
    send_speech_agent,
    until_words,
    words,
)

TALKS, INTERRUPTS, SAYS_NOTHING, HANGS_UP_INTO_IT = (f"+1555010024{last}" for last in (0, 1, 2, 3))
CRASHES = "+15550100333"
LINES = ["Hello, who is there?", "I see. What is it about?", "All right, thank you."]


@in_a_lab()
async def test_a_person_talks_three_turns_with_a_runner_and_hangs_up(lab: Lab) -> None:
    agent = Agent()
    async with a_control_plane(lab, agent) as plane:
        await send_speech_agent(lab, TALKS)
        await ready(lab)
        await dial(lab, TALKS)
        assert await asyncio.wait_for(agent.ended.get(), 10) == "USER_HUNG_UP_IN_CALL"
        await lab.product.until(lambda product: "transcript" in product.told())
    assert agent.asked == LINES
    assert await words(lab) == [
        said for line in LINES for said in (("user", line, False), ("agent", f"You said: {line}", False))
    ]
    (ctx,) = agent.contexts
    assert (ctx.call_id, ctx.user_number, ctx.direction, ctx.data["customer"]) == (CALL_ID, TALKS, "outbound", "C1")
    assert [asked["why"] for asked in plane.asked] == ["join"]
    (transcript,) = [event for event in lab.product.agent_events if event["type"] == "transcript"]
    assert [turn["role"] for turn in transcript["turns"]] == ["user", "agent"] * 3
    assert leavers(lab.recorder) == {"SIP": "CLIENT_INITIATED", "AGENT": "CLIENT_INITIATED"}


@in_a_lab()
async def test_the_agent_comes_with_its_brain_alone_and_speaks_when_it_is_heard(lab: Lab) -> None:
    agent = Agent(greeting="Good morning to you.")
    async with a_control_plane(lab, agent, runners=0) as plane:
        await send_speech_agent(lab, STAYS_ON)
        await asyncio.sleep(0.3)
        assert "ready" not in lab.product.told()
        assert "participant_joined" not in lab.recorder.events(ROOM), "nobody is answered by a voice without a brain"
        plane.runners = 1
        await ready(lab)
        await lab.recorder.until(lambda seen: "participant_joined" in seen.events(ROOM))
        await asyncio.sleep(0.3)
        await dial(lab, STAYS_ON)
        await until_words(lab, bool)
        assert (await words(lab))[0] == ("agent", "Good morning to you.", False)


@in_a_lab()
async def test_an_interruption_reaches_the_runner_with_what_was_heard(lab: Lab) -> None:
    agent = Agent()
    async with a_control_plane(lab, agent):
        await send_speech_agent(lab, INTERRUPTS)
        await ready(lab)
        await dial(lab, INTERRUPTS)
        await asyncio.wait_for(agent.ended.get(), 10)
    (heard,) = agent.adapter.heard
    assert heard is not None
    whole = f"You said: {LINES[0]}"
    assert whole.startswith(heard.strip()) and 4 <= len(heard.split()) < len(whole.split())
    cut_off = [text for who, text, was_cut_off in await words(lab) if was_cut_off]
    assert cut_off == [heard.strip()]
    assert agent.asked == [LINES[0], "Wait, one moment.", *LINES[1:]]


@in_a_lab()
async def test_somebody_who_hangs_up_while_the_agent_speaks_ends_the_call(lab: Lab) -> None:
    agent = Agent()
    async with a_control_plane(lab, agent):
        await send_speech_agent(lab, HANGS_UP_INTO_IT)
        await ready(lab)
        await dial(lab, HANGS_UP_INTO_IT)
        assert await asyncio.wait_for(agent.ended.get(), 10) == "USER_HUNG_UP_IN_CALL"
    assert (await words(lab))[-1][2], "the agent was cut off"
    assert (await lab.calls())[0]["ended_by"] == "callee"


@in_a_lab()
async def test_where_nobody_speaks_the_agent_asks_and_then_has_the_call_ended(lab: Lab) -> None:
    async with a_control_plane(lab, Agent()):
        await send_speech_agent(lab, SAYS_NOTHING)
        await ready(lab)
        await dial(lab, SAYS_NOTHING)
        await lab.product.until(lambda product: "hang_up" in product.told())
    assert await words(lab) == [("agent", "Are you still there?", False)]
    silence, hang_up = (event for event in lab.product.agent_events if event["type"] in ("silence", "hang_up"))
    assert silence["silent_s"] >= 10 and hang_up["reason"].startswith("silence")


@in_a_lab()
async def test_who_is_silent_while_they_are_handed_over_is_not_hung_up_on(lab: Lab) -> None:
    async with a_control_plane(lab, Agent()):
        await send_speech_agent(lab, SAYS_NOTHING)
        await ready(lab)
        lab.product.is_handing_over = True
        await dial(lab, SAYS_NOTHING)
        await lab.product.until(lambda product: "hang_up" in product.told())
        lab.product.is_handing_over = False
        await finished(lab)
    assert await words(lab) == [("agent", "Are you still there?", False)] * 2
    assert [told for told in lab.product.told() if told in ("silence", "hang_up")] == ["silence", "hang_up"] * 2
    assert leavers(lab.recorder) == {"SIP": "ROOM_DELETED", "AGENT": "ROOM_DELETED"}


@in_a_lab()
async def test_an_agent_that_ends_the_call_is_heard_to_its_last_word_and_closes_the_room(lab: Lab) -> None:
    agent = Agent(does={LINES[0]: lambda ctx: ctx.session.end("goodbye")})
    async with a_control_plane(lab, agent):
        await send_speech_agent(lab, TALKS)
        await ready(lab)
        await dial(lab, TALKS)
        await finished(lab)
        await agent.ended.get()
    spoken = [(text, cut_off) for who, text, cut_off in await words(lab) if who == "agent"]
    assert spoken == [(f"You said: {LINES[0]}", False)]
    assert [event["reason"] for event in lab.product.agent_events if event["type"] == "hang_up"] == ["goodbye"]
    assert leavers(lab.recorder) == {"SIP": "ROOM_DELETED", "AGENT": "ROOM_DELETED"}


@in_a_lab()
async def test_an_agent_hands_its_caller_over_to_another_number(lab: Lab) -> None:
    agent = Agent(does={LINES[0]: lambda ctx: ctx.session.transfer("+15550100999")})
    asked = []

    async def transfer(body: Mapping[str, Any]) -> Mapping[str, Any]:
        """As the product does it."""
        asked.append(body)
        request = sip.TransferSIPParticipantRequest(
            participant_identity=LEG, room_name=ROOM, transfer_to=f"tel:{body['to']['config']['number']}"
        )
        await lab.livekit.sip.transfer_sip_participant(request)
        return {"transfer_id": "transfer_1", "state": "completed"}

    async with a_control_plane(lab, agent):
        lab.product.transfer = transfer
        await send_speech_agent(lab, TALKS)
        await ready(lab)
        await dial(lab, TALKS)
        await asyncio.wait_for(agent.ended.get(), 10)
    assert asked == [{"to": {"type": "sip", "config": {"number": "+15550100999"}}}]
    assert [event for event in lab.product.agent_events if event["type"] == "transfer"] == []
    assert leavers(lab.recorder)["SIP"] == "CLIENT_INITIATED"


@in_a_lab()
async def test_an_agent_whose_transfer_fails_talks_on(lab: Lab) -> None:
    agent = Agent(does={LINES[0]: lambda ctx: ctx.session.transfer("+15550100999", mode="warm")})
    async with a_control_plane(lab, agent):
        await send_speech_agent(lab, TALKS)
        await ready(lab)
        await dial(lab, TALKS)
        await until_words(lab, lambda said: any(text == f"You said: {LINES[1]}" for _, text, _ in said))
    assert "TransferSIPParticipant" not in (await lab.control("GET", "requests"))["requests"]


@in_a_lab()
async def test_a_brain_that_is_an_endpoint_is_asked_at_each_turn(lab: Lab) -> None:
    endpoint = {"url": f"{lab.product.url}{BRAIN_ENDPOINT}", "api_key": "key", "model": None, "kind": "turn"}
    lab.product.brain = lambda _asked: {"brain": "endpoint", "result": "served", "endpoint": endpoint}
    await send_speech_agent(lab, TALKS)
    await ready(lab)
    await dial(lab, TALKS)
    await finished(lab)
    assert [text for who, text, _ in await words(lab) if who == "agent"] == [f"You said: {line}" for line in LINES]
    asked = [each for each in lab.product.posted if each.path == BRAIN_ENDPOINT]
    assert {each.headers["Authorization"] for each in asked} == {"Bearer key"}


@in_a_lab()
async def test_a_brain_that_is_a_prompt_is_served_by_a_stand_in_where_no_model_is_named(lab: Lab) -> None:
    prompt = {"instructions": "Be kind.", "model": None}
    lab.product.brain = lambda _asked: {"brain": "prompt", "result": "served", "prompt": prompt}
    await send_speech_agent(lab, TALKS, voice={"greeting": "Good morning."})
    await ready(lab)
    await dial(lab, TALKS)
    await finished(lab)
    spoken = [text for who, text, _ in await words(lab) if who == "agent"]
    assert spoken == ["Good morning.", *(f"You said: {line}" for line in LINES)]


@in_a_lab()
async def test_another_runner_goes_on_where_one_died(lab: Lab) -> None:
    agent = Agent(dies_at=LINES[1])
    async with a_control_plane(lab, agent, runners=2) as plane:
        await send_speech_agent(lab, TALKS)
        await ready(lab)
        await dial(lab, TALKS)
        await agent.ended.get()
        assert await asyncio.wait_for(agent.ended.get(), 10) == "USER_HUNG_UP_IN_CALL"
    assert [asked["why"] for asked in plane.asked] == ["join", "lost"]
    assert agent.asked == [LINES[0], LINES[1], LINES[1], LINES[2]], "the turn that died is asked again"
    first, second = agent.contexts
    assert (first.data.get("resumed"), second.data["resumed"]) == (None, True)
    assert [text for who, text, _ in await words(lab) if who == "agent"] == [f"You said: {line}" for line in LINES]


@in_a_lab()
async def test_a_call_whose_runner_is_lost_for_good_is_ended_as_failed(lab: Lab) -> None:
    agent = Agent(dies_at=LINES[0])
    async with a_control_plane(lab, agent):
        await send_speech_agent(lab, TALKS)
        await ready(lab)
        await dial(lab, TALKS)
        await lab.product.until(lambda product: "hang_up" in product.told(), timeout_s=15)
    (hang_up,) = [event for event in lab.product.agent_events if event["type"] == "hang_up"]
    assert hang_up["reason"] == "agent_failed"


@in_a_lab()
async def test_a_speech_agent_that_crashes_is_mute_at_once_and_another_takes_its_call(lab: Lab) -> None:
    await lab.control("PUT", f"numbers/{CRASHES}", json={"agent": {"deed": "crash", "after_s": 6}})
    agent = Agent()
    async with a_control_plane(lab, agent, runners=2) as plane:
        await send_speech_agent(lab, CRASHES)
        await ready(lab)
        await dial(lab, CRASHES)
        await asyncio.wait_for(agent.ended.get(), 5)
        assert leavers(lab.recorder) == {}, "LiveKit shows it for 20 s more"
        shown = await lab.livekit.room.list_participants(ListParticipantsRequest(room=ROOM))
        (worker,) = [each for each in shown.participants if TURNS_ATTRIBUTE in each.attributes]
        assert json.loads(worker.attributes[TURNS_ATTRIBUTE])[0]["content"] == LINES[0]
        (listed,) = [each for each in await lab.livekit.agent_dispatch.list_dispatch(ROOM) if each.agent_name == SPEECH]
        request = agent_dispatch.CreateAgentDispatchRequest(agent_name=SPEECH, room=ROOM, metadata=listed.metadata)
        await lab.livekit.agent_dispatch.create_dispatch(request)
        await lab.product.until(lambda product: product.told().count("ready") == 2)
    assert [asked["why"] for asked in plane.asked] == ["join", "join"]


@in_a_lab()
async def test_an_agent_that_was_let_go_before_its_brain_came_is_in_nobodys_way(lab: Lab) -> None:
    async with a_control_plane(lab, Agent(), runners=0) as plane:
        await send_speech_agent(lab, STAYS_ON)
        await lab.product.until(lambda _product: plane.asked)
        await lab.livekit.room.delete_room(DeleteRoomRequest(room=ROOM))
        await finished(lab)
        plane.runners = 1
        await send_speech_agent(lab, STAYS_ON)
        await lab.recorder.until(lambda seen: "participant_joined" in seen.events(ROOM))


@in_a_lab()
async def test_two_speech_agents_of_one_call_have_one_brain(lab: Lab) -> None:
    async with a_control_plane(lab, Agent(), runners=2) as plane:
        await send_speech_agent(lab, STAYS_ON)
        await send_speech_agent(lab, STAYS_ON)
        await ready(lab)
        await lab.recorder.until(lambda seen: "participant_joined" in seen.events(ROOM))
        await asyncio.sleep(0.3)
        assert lab.recorder.events(ROOM).count("participant_joined") == 1, "the later one has nothing to come with"
        assert [asked["why"] for asked in plane.asked] == ["join"]


@in_a_lab()
async def test_a_worker_whose_places_are_taken_takes_no_job(lab: Lab) -> None:
    worker = lab.network.speech_worker
    worker.places = 0
    await send_speech_agent(lab, TALKS)
    await asyncio.sleep(0.1)
    (listed,) = [each for each in await lab.livekit.agent_dispatch.list_dispatch(ROOM) if each.agent_name == SPEECH]
    assert list(listed.state.jobs) == []
    worker.places = 1
    async with a_control_plane(lab, Agent()):
        request = agent_dispatch.CreateAgentDispatchRequest(agent_name=SPEECH, room=ROOM, metadata=listed.metadata)
        await lab.livekit.agent_dispatch.create_dispatch(request)
        await ready(lab)


@in_a_lab()
async def test_the_person_says_what_they_are_told_and_hangs_up_when_it_is_their_turn(lab: Lab) -> None:
    await lab.control("PUT", f"numbers/{STAYS_ON}", json={"person": {"lines": []}})
    agent = Agent()
    async with a_control_plane(lab, agent):
        await send_speech_agent(lab, STAYS_ON)
        await ready(lab)
        await dial(lab, STAYS_ON)
        (call,) = await lab.calls()
        for line in ("One.", "Two."):
            await lab.control("POST", f"calls/{call['id']}/say", json={"text": line, "waits": True})
        await lab.control("POST", f"calls/{call['id']}/hangup?waits=true")
        await asyncio.wait_for(agent.ended.get(), 10)
    said = [text for _, text, _ in await words(lab)]
    assert said == ["One.", "You said: One.", "Two.", "You said: Two."]
    await finished(lab)
