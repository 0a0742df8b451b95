"""A dispatch rule gives one caller after another the same room, which keeps what was dispatched to it."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from livekit import api

from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.events import AgentSeen
from ringline.runtime.vault.livekit_keys import LivekitKey
from ringline.telephony.livekit import LivekitTelephony
from ringline.telephony.livekit_settings import LivekitSettings
from tests.builders import a_call, at

pytestmark = pytest.mark.anyio
ROOM = "everybodys"
SETTINGS = LivekitSettings(
    url="", keys=(LivekitKey("key", "s" * 40),), token_secret="s" * 40, agent_name="mine", speech_agent_name=""
)
FORMER = json.dumps({"call_id": "call_before", "instructions": "of somebody else", "token": "t"})
THE_RULES = json.dumps({"greeting": "of the rule's own"})
OLD = AgentSeen("PA_old", 1, "agent-AJ_old")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Livekit:
    """One room with one agent, which took the one dispatch that is there."""

    def __init__(self, agent_name: str, metadata: str) -> None:
        job = api.Job(id="AJ_old", state=api.JobState(participant_identity=OLD.identity))
        self.dispatches = [
            api.AgentDispatch(
                id="AD_1", agent_name=agent_name, metadata=metadata, state=api.AgentDispatchState(jobs=[job])
            )
        ]
        self.sent: list[api.CreateAgentDispatchRequest] = []

    async def list_dispatch(self, room_name: str) -> list[api.AgentDispatch]:
        return self.dispatches

    async def create_dispatch(self, request: api.CreateAgentDispatchRequest) -> None:
        self.sent.append(request)

    async def list_participants(self, _: api.ListParticipantsRequest) -> api.ListParticipantsResponse:
        old = api.ParticipantInfo(identity=OLD.identity, sid=OLD.sid, kind=api.ParticipantInfo.AGENT, joined_at_ms=1)
        return api.ListParticipantsResponse(participants=[old])

    @property
    def desk(self) -> LivekitTelephony:
        client: Any = SimpleNamespace(room=self, agent_dispatch=self)
        return LivekitTelephony(client, SETTINGS)


def a_caller() -> Call:
    return a_call(State.RINGING, direction=Direction.INBOUND, inbound_room=ROOM, dialed_at=at(0))


async def test_a_caller_is_not_given_the_agent_of_the_one_who_had_the_room_before() -> None:
    livekit = Livekit("mine", FORMER)
    room = await livekit.desk.take_in(a_caller())
    assert (room.agents, room.former) == ((), (OLD,))
    (sent,) = livekit.sent
    assert json.loads(sent.metadata)["call_id"] == a_caller().call_id


async def test_an_agent_that_a_rule_sent_serves_whoever_is_in_the_room() -> None:
    livekit = Livekit("theirs", THE_RULES)
    room = await livekit.desk.take_in(a_caller())
    assert (room.agents, room.former, livekit.sent) == ((OLD,), (), [])


async def test_an_agent_that_was_sent_to_this_very_caller_is_theirs() -> None:
    livekit = Livekit("mine", json.dumps({"call_id": a_caller().call_id, "token": "t"}))
    room = await livekit.desk.take_in(a_caller())
    assert (room.agents, room.former, livekit.sent) == ((OLD,), (), [])


@pytest.mark.parametrize("agent_name", ["mine", "a-name-of-the-customers"])
async def test_nobody_is_sent_again_with_what_was_told_of_the_caller_before(agent_name: str) -> None:
    livekit = Livekit(agent_name, FORMER)
    await livekit.desk.send_agent(a_caller())
    (sent,) = livekit.sent
    assert (sent.agent_name, json.loads(sent.metadata)["call_id"]) == ("mine", a_caller().call_id)


async def test_an_agent_of_a_rules_own_is_sent_again_with_its_own_words() -> None:
    livekit = Livekit("theirs", THE_RULES)
    await livekit.desk.send_agent(a_caller())
    (sent,) = livekit.sent
    assert (sent.agent_name, sent.metadata) == ("theirs", THE_RULES)
