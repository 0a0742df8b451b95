"""What an agent is told when it is dispatched."""

import json
from copy import replace
from typing import Any

from ringline.calls.model.call import Call, State
from ringline.telephony.agent_dispatch import agent_metadata
from ringline.telephony.livekit_settings import USUAL_SPEECH_AGENT, LivekitSettings
from tests.builders import ACCOUNT, a_call

SECRET = "a-secret-of-more-than-32-characters"


def told(call: Call) -> dict[str, Any]:
    metadata: dict[str, Any] = json.loads(agent_metadata(call, SECRET, "https://calls.example"))
    return metadata


def test_an_agent_that_speaks_for_itself_hears_nothing_of_brains() -> None:
    assert {"brain", "brain_url", "transfer_allowed_numbers"}.isdisjoint(told(a_call(State.DIALING)))


def test_our_speech_worker_is_told_what_thinks_where_to_ask_and_whom_it_may_hand_over_to() -> None:
    call = a_call(State.DIALING, brain="runner", transfer_allowed_prefixes=("+1415",))
    metadata = told(call)
    assert metadata["brain"] == "runner"
    assert metadata["brain_url"] == f"https://calls.example/v1/calls/{call.call_id}/brain"
    assert metadata["agent_events_url"] == f"https://calls.example/v1/calls/{call.call_id}/agent-events"
    assert (metadata["transfer_allowed_numbers"], metadata["transfer_allowed_prefixes"]) == (None, ["+1415"])


def test_an_agent_is_told_whether_the_call_was_answered_before_it() -> None:
    assert told(a_call(State.DIALING, dispatches=2))["answered"] is False
    assert told(a_call(State.ACTIVE, dispatches=2))["answered"] is True


def test_what_is_heard_beside_the_answers_is_told_where_it_is_not_as_usual() -> None:
    assert "voice" not in told(a_call(State.DIALING))
    assert told(a_call(State.DIALING, voice={"greeting": "Hello"}))["voice"] == {"greeting": "Hello"}


def test_a_call_is_spoken_for_by_the_agent_of_its_kind() -> None:
    settings = LivekitSettings(url="", keys=(), token_secret="", agent_name="mine", speech_agent_name="")
    assert settings.agent_for(a_call()) == "mine"
    assert settings.agent_for(a_call(brain="prompt")) == USUAL_SPEECH_AGENT
    named = replace(settings, own_name_of=lambda account_id, agent_id: f"{account_id}/{agent_id}")
    assert named.agent_for(a_call(agent_id="desk")) == f"{ACCOUNT}/desk"
    assert named.agent_for(a_call(agent_id="desk", brain="prompt")) == USUAL_SPEECH_AGENT
