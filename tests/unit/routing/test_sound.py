"""With which voice and sound a call's agent is heard: the pipe's word, the voice's, the agent's, in this order."""

from typing import Any

import pytest

from ringline.routing.records import Agent, Number, PipeStatus, Sound, VoiceBinding
from ringline.routing.resolve import InboundRouting, OutboundRouting, Route
from tests.unit.routing.test_resolve import ACCOUNT, NUMBER, a_pipe, records, refused

VOICES = (VoiceBinding("VP_1", "Good day"), VoiceBinding("VP_2"))


def an_agent(**fields: Any) -> Agent:
    return Agent(agent_id="front-desk", name="Front desk", number=NUMBER, **fields)


def through_the_pipe(agent: Agent, **pipe: Any) -> Route:
    return OutboundRouting(records(a_pipe(**pipe), agents=(agent,))).resolve(ACCOUNT, pipe_id="pipe_1")


def test_a_pipe_that_names_no_voice_has_the_agents_first() -> None:
    agent = an_agent(voices=VOICES)
    assert through_the_pipe(agent).voice_profile_id == "VP_1"
    assert through_the_pipe(agent, voice_profile_id="VP_9").voice_profile_id == "VP_9"


def test_an_agent_without_a_pipe_has_its_own_voice_and_recording() -> None:
    agent = an_agent(voices=VOICES, recording=True, sound=Sound(greeting="Hi", background_sound="city"))
    route = OutboundRouting(records(agents=(agent,))).resolve(ACCOUNT, agent_id="front-desk")
    assert (route.voice_profile_id, route.recording) == ("VP_1", True)
    assert route.voice == {"greeting": "Good day", "background_sound": "city"}


@pytest.mark.parametrize(
    ("pipe", "greeting"),
    [
        ({"sound": Sound(greeting="Hello")}, "Hello"),
        ({}, "Good day"),
        ({"voice_profile_id": "VP_1"}, "Good day"),
        ({"voice_profile_id": "VP_2"}, "Hi"),
    ],
)
def test_the_nearest_greeting_counts(pipe: dict[str, Any], greeting: str) -> None:
    agent = an_agent(voices=VOICES, sound=Sound(greeting="Hi"))
    assert through_the_pipe(agent, **pipe).voice == {"greeting": greeting}


def test_the_room_of_the_pipe_goes_with_its_volume() -> None:
    agent = an_agent(sound=Sound(background_sound="city", background_sound_volume=0.9))
    route = through_the_pipe(agent, sound=Sound(background_sound="office"))
    assert route.voice == {"background_sound": "office"}


def test_what_is_as_usual_is_not_told() -> None:
    assert through_the_pipe(an_agent()).voice is None


def test_a_disabled_pipe_makes_no_calls_and_takes_none() -> None:
    off = a_pipe(status=PipeStatus.DISABLED)
    known = records(off, agents=(an_agent(),), numbers=(Number(number=NUMBER, number_id="n", pipe_id="pipe_1"),))
    assert refused(known, pipe_id="pipe_1") == (422, "pipe_disabled", "pipe_id")
    assert InboundRouting(known).resolve(ACCOUNT, NUMBER) is None
    route = OutboundRouting(known).resolve(ACCOUNT, agent_id="front-desk")
    assert route.pipe_id is None
