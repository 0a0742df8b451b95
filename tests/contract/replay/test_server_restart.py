"""What a real LiveKit posted of a call in which its server was killed and came back. The person and the agent come back
under other sids, nobody is told to have left, and the call goes on to its person's own end.

It is told to that call, and the three worlds that play LiveKit do the same (`restart_trace.py`)."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from local.phones.model import legs
from ringline.calls.model.call import State
from ringline.calls.model.events import AgentSeen, Answered
from ringline.calls.model.reasons import EndReason
from tests.builders import a_call
from tests.contract.phones.phone_network import a_lab
from tests.contract.replay.heard import as_heard
from tests.contract.replay.on_stepped_clock import PlayedInCrashWorld
from tests.contract.replay.on_virtual_clock import PlayedInSimulation
from tests.contract.replay.restart_trace import POSTED, Trace, as_kept, restart_trace, webhooks_alone
from tests.contract.replay.test_traces import TIME_SCALE
from tests.contract.replay.trace_calls import Hook, Step, Told, TracedCall
from tests.contract.replay.trace_differences import differences
from tests.contract.replay.trace_replay import Replay

_SEED = 4
"""In the simulation it is chance who comes back first: with this one the agent does, as recorded."""
_AT_A_GLANCE = 0.1
"""The scale of time where it matters not when something happens, but what."""


def joined(kind: str) -> list[dict[str, Any]]:
    """Those of this kind who came, in order."""
    bodies = [event["body"] for event in POSTED if event["body"]["event"] == "participant_joined"]
    return [body["participant"] for body in bodies if body["participant"]["kind"] == kind]


def the_call() -> TracedCall:
    began_at = int(POSTED[0]["body"]["createdAt"]) * 1000
    leg, agent = joined("SIP")[0], joined("AGENT")[0]
    call = a_call(State.DIALING, dialed_at=began_at, caller_identity=leg["identity"])
    steps: list[Step] = [
        Hook(began_at + event["t_ms"], event["body"] | {"room": event["body"]["room"] | {"name": call.room_name}})
        for event in POSTED
    ]
    answered_at = began_at + 1_500
    seen = AgentSeen(agent["sid"], int(agent["joinedAtMs"]), agent["identity"])
    steps.append(Told(answered_at, Answered(answered_at, 1, leg["sid"], "SCL_1", seen)))
    return TracedCall(call, tuple(sorted(steps, key=lambda step: step.at)))


def test_livekit_told_of_two_joinings_each_and_of_one_leaving_before_the_end() -> None:
    assert [len({each["sid"] for each in joined(kind)}) for kind in ("SIP", "AGENT")] == [2, 2]
    assert {each["identity"] for each in joined("AGENT")} == {joined("AGENT")[0]["identity"]}
    assert joined("SIP")[1]["attributes"]["sip.callStatus"] == "dialing"
    (left, *_) = [event["body"] for event in POSTED if event["body"]["event"] == "participant_left"]
    assert (left["participant"]["kind"], left["participant"]["disconnectReason"]) == ("SIP", "CLIENT_INITIATED")
    assert left["participant"]["attributes"]["sip.callStatus"] == "hangup"


def test_the_call_goes_on_with_the_agent_that_is_back_and_ends_as_its_person_ends_it() -> None:
    traced = the_call()
    before_the_end = [step for step in traced.steps if not (isinstance(step, Hook) and step.is_end_of_leg)]
    restarted = traced.ends([step for step in before_the_end if not _closes(step)])
    # `ends` looks last whether the call is over: nobody says so of this one.
    assert restarted.agent_sid == joined("AGENT")[1]["sid"]
    ended = traced.ends()
    assert (ended.state, ended.end_reason) == (State.ENDED, EndReason.USER_HUNG_UP_IN_CALL)


def _closes(step: Step) -> bool:
    return isinstance(step, Hook) and step.body["event"] in {"participant_left", "room_finished"}


# --- the worlds that play LiveKit -------------------------------------------------------------------------------------


async def _replayed(time_scale: float) -> Trace:
    # A restart meets every room, so that this recording has a network to itself.
    async with a_lab(time_scale) as lab:
        return await Replay(lab, restart_trace()).run()


def in_the_phone_network(time_scale: float = TIME_SCALE) -> list[str]:
    return differences(as_kept(restart_trace()), as_kept(asyncio.run(_replayed(time_scale))))


def in_the_simulation() -> list[str]:
    played = PlayedInSimulation(restart_trace(), _SEED).run()
    return differences(as_heard(restart_trace()), webhooks_alone(played))


def in_the_crash_tests() -> list[str]:
    played = PlayedInCrashWorld(restart_trace()).run()
    return differences(as_heard(restart_trace()), webhooks_alone(played))


@pytest.mark.parametrize("world", [in_the_phone_network, in_the_simulation, in_the_crash_tests])
def test_a_world_that_plays_livekit_restarts_as_livekit_did(world: Callable[[], list[str]]) -> None:
    assert world() == []


def test_the_room_stays_the_same_room() -> None:
    for trace in (restart_trace(), asyncio.run(_replayed(_AT_A_GLANCE))):
        rooms = [event["body"]["room"] for event in as_kept(trace)["events"]]
        assert len({(room["sid"], room["name"], room["creationTimeMs"]) for room in rooms}) == 1


@pytest.mark.parametrize("world", [partial(in_the_phone_network, _AT_A_GLANCE), in_the_simulation, in_the_crash_tests])
def test_a_leg_that_comes_back_as_it_was_shows_in_each_of_them(
    world: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(legs, "BACK_AS", legs.LegStatus.ACTIVE)
    assert any("is 'active' instead of 'dialing'" in line for line in world())
