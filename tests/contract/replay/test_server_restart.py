"""What a real LiveKit posted of a call in which its server was killed and came back, told to that call: the person and
the agent come back under other sids, nobody is told to have left, and the call goes on to its person's own end."""

import json
from pathlib import Path
from typing import Any

from ringline.calls.model.call import State
from ringline.calls.model.events import AgentSeen, Answered
from ringline.calls.model.reasons import EndReason
from tests.builders import a_call
from tests.contract.replay.trace_calls import Hook, Step, Told, TracedCall

POSTED: list[dict[str, Any]] = json.loads(Path(__file__).with_name("server_restart.json").read_text())


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
