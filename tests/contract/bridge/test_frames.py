"""Every frame that a runner may be sent is read by the SDK's own parser as what it was meant to be."""

import json
from typing import Any

import pytest
from unpod._protocol import CallStartedEvent, parse_bridge_event
from unpod.connectivity import bridge_server
from unpod.connectivity.bridge_server import _context_from_call_started
from unpod.connectivity.session import Session

from speech.bridge.model import frames

HELLO = frames.Hello(frames.EVENTS, (*frames.VERBS, *frames.UNSERVED_VERBS))
METADATA: dict[str, Any] = {
    "call_id": "SCL_1",
    "agent_id": "bot",
    "direction": "inbound",
    "user_number": "+15550100",
    "instructions": "Be kind.",
    "data": {"order": 7},
}
TURNS = [{"role": "user", "content": "Where is it?"}, {"role": "agent", "content": "On its way."}]


def started(**changed: Any) -> str:
    told: dict[str, Any] = {
        "call_id": "SCL_1",
        "job_id": "SCL_1.1.1",
        "room_id": "room",
        "agent_id": "bot",
        "voice_profile_id": "vp_1",
        "metadata": METADATA,
        "turns": [],
    }
    told |= changed
    return frames.call_started(**told, resumed=bool(told["turns"]))


SENT: dict[str, tuple[str, dict[str, Any]]] = {
    "hello.ack": (
        frames.hello_ack(HELLO, call_id="SCL_1", job_id="SCL_1.1.1", room_id="room"),
        {"protocol_version": 2, "call_id": "SCL_1", "session_id": "SCL_1", "job_id": "SCL_1.1.1", "room_id": "room"},
    ),
    "call.started": (started(), {"session_id": "SCL_1", "agent_id": "bot", "voice_profile_id": "vp_1"}),
    "call.started, resumed": (
        started(turns=TURNS),
        {"metadata": {**METADATA, "resumed": True, "data": {"order": 7, "resumed": True, "turns": TURNS}}},
    ),
    "call.started, no agent": (started(agent_id="", voice_profile_id=None), {"agent_id": None}),
    "user.text": (frames.user_text("नमस्ते", None), {"text": "नमस्ते", "is_final": True}),
    "user.text in a language": (frames.user_text("hi", "hi"), {"extra": {"language": "hi"}}),
    "user.text, half a pair": (frames.user_text("\ud83d", None), {"text": "?"}),
    "user.interrupted": (frames.user_interrupted(3, "On its"), {"turn_id": 3, "heard_prefix": "On its"}),
    "user.interrupted, not known": (frames.user_interrupted(3, None), {"heard_prefix": None}),
    "state": (frames.state("speaking", 3), {"state": "speaking", "turn_id": 3}),
    "state, the last": (
        frames.state("idle", 3, end_reason="AGENT_HUNG_UP", status="completed", call_id="SCL_1"),
        {"end_reason": "AGENT_HUNG_UP", "status": "completed", "call_id": "SCL_1"},
    ),
    "state, a transfer": (
        frames.state("listening", 1, transfer_result={"target": "+1", "result": "refused", "why": "not_a_number"}),
        {"transfer_result": {"target": "+1", "result": "refused", "why": "not_a_number"}},
    ),
    "metric": (frames.metric(3, ttfa_ms=12.5, asr_p95_ms=None), {"ttfa_ms": 12, "asr_p95_ms": None, "turns": 3}),
    "error": (
        frames.error("INTERNAL_ERROR", "lost"),
        {"severity": "fatal", "source": "ringline", "code": "INTERNAL_ERROR", "message": "lost"},
    ),
}


@pytest.mark.parametrize("name", SENT)
def test_the_sdk_reads_what_is_sent(name: str) -> None:
    frame, meant = SENT[name]
    read = parse_bridge_event(frame)
    assert read.event == name.split(",")[0].split(" ")[0]
    told = read.model_dump()
    assert {field: told[field] for field in meant} == meant


def test_a_fraction_of_a_millisecond_is_what_the_sdk_cannot_read() -> None:
    frame = json.loads(frames.metric(1, ttfa_ms=12.4)) | {"ttfa_ms": 12.4}
    with pytest.raises(ValueError, match="ttfa_ms"):
        parse_bridge_event(json.dumps(frame))


def test_the_agent_finds_the_call_in_its_context() -> None:
    read = parse_bridge_event(started(turns=TURNS))
    assert isinstance(read, CallStartedEvent)
    context = _context_from_call_started(read, agent_id="runner", session=Session())
    assert (context.call_id, context.agent_id, context.direction) == ("SCL_1", "bot", "inbound")
    assert (context.user_number, context.instructions) == ("+15550100", "Be kind.")
    assert context.data == {"order": 7, "agent_id": "bot", "voice_profile_id": "vp_1", "resumed": True, "turns": TURNS}


def test_what_is_said_to_be_negotiated_is_what_the_sdk_announced() -> None:
    ack = parse_bridge_event(SENT["hello.ack"][0]).model_dump()
    assert ack["negotiated_events"] == bridge_server._SUPPORTED_EVENTS
    assert set(ack["negotiated_verbs"]) == set(bridge_server._SUPPORTED_VERBS) - set(frames.UNSERVED_VERBS)


def test_a_long_talk_is_shortened_to_what_fits_into_a_frame() -> None:
    turns = [{"role": "user", "content": f"{number}" + "ß" * 4000} for number in range(400)]
    frame = started(turns=turns)
    assert not frames.is_too_long(frame)
    kept = json.loads(frame)["metadata"]["data"]["turns"]
    assert kept == turns[-len(kept) :] != []
    assert json.loads(frame)["metadata"]["resumed"] is True
