"""The frames of a bridge, as the `unpod` SDK 0.5.0 parses and sends them (`unpod/_protocol.py`). JSON objects, `event`.

The SDK takes an event it does not know, and a field of a wrong type, for the end of the call. So whatever is sent is
made here, and only here; a test parses each with the SDK's own parser. Further keys do no harm.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_BYTES_OF_A_FRAME = 2**20
"""What the SDK's `websockets` receives. One byte more, and it closes the bridge (1009)."""

PROTOCOL_VERSION = 2
EVENTS = ("user.text", "user.interrupted", "error", "metric", "turn.metrics", "state", "call.started")
"""What a runner 0.5.0 says it understands. Nothing else is ever sent but `hello.ack`."""
VERBS = ("agent.text.delta", "agent.text.end", "agent.say", "agent.transfer", "agent.end_call")
"""What a runner may ask for and gets."""
UNSERVED_VERBS = ("agent.dispatch", "agent.add_participant", "agent.remove_participant", "agent.merge")
"""What the SDK announces, and what none of its methods sends. They change nothing."""

_FILLER = "__filler:"
_RECORDING_PAUSE = "__recording_pause"
_RECORDING_RESUME = "__recording_resume"
_ORDER = re.compile(r"__[a-z][a-z0-9_]*[a-z0-9](:.*)?", re.DOTALL)
"""What an `agent.say` looks like that is an order and not to be spoken, also one of a later SDK."""


# ---------------------------------------------------------------- from the runner


@dataclass(frozen=True, slots=True)
class Hello:
    events: tuple[str, ...]
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class TextEnd:
    """Ends a turn's reply. `session.interrupt()` sends the same."""


@dataclass(frozen=True, slots=True)
class SayText:
    text: str


@dataclass(frozen=True, slots=True)
class SetFiller:
    """What to say where the agent is slow. No text: nothing from now on."""

    text: str


@dataclass(frozen=True, slots=True)
class RecordingPause:
    reason: str


@dataclass(frozen=True, slots=True)
class RecordingResume:
    pass


@dataclass(frozen=True, slots=True)
class TransferVerb:
    kind: str
    target: str
    mode: str
    announcement: str


@dataclass(frozen=True, slots=True)
class EndCall:
    reason: str


@dataclass(frozen=True, slots=True)
class Unserved:
    """A frame that changes nothing: its event is known and not served, or not known, or it cannot be read."""

    what: str


type RunnerSays = (
    Hello
    | TextDelta
    | TextEnd
    | SayText
    | SetFiller
    | RecordingPause
    | RecordingResume
    | TransferVerb
    | EndCall
    | Unserved
)


def read_frame(raw: str) -> RunnerSays:
    """What the runner wants. Never raises: a customer's process may send anything."""
    try:
        frame = json.loads(raw)
    except (ValueError, RecursionError):
        return Unserved("no JSON")
    if not isinstance(frame, dict):
        return Unserved("no object")
    return _read(frame)


def _read(frame: Mapping[str, Any]) -> RunnerSays:
    match frame:
        case {"event": "hello"}:
            return Hello(_words(frame.get("supported_events")), _words(frame.get("supported_verbs")))
        case {"event": "agent.text.delta", "text": str(text)}:
            return TextDelta(text)
        case {"event": "agent.text.end"}:
            return TextEnd()
        case {"event": "agent.say", "text": str(text)}:
            return _read_say(text)
        case {"event": "agent.transfer", "target": str(target)}:
            return TransferVerb(
                kind=_word(frame, "transfer_type", "number"),
                target=target,
                mode=_word(frame, "mode", "cold"),
                announcement=_word(frame, "announcement", ""),
            )
        case {"event": "agent.end_call"}:
            return EndCall(_word(frame, "reason", "completed"))
        case {"event": str(event)}:
            return Unserved(event if event in (*VERBS, *UNSERVED_VERBS) else "unknown event")
        case _:
            return Unserved("no event")


def _read_say(text: str) -> RunnerSays:
    order = text.strip()
    if not _ORDER.fullmatch(order):
        return SayText(text)
    name, _, rest = order.partition(":")
    if order.startswith(_FILLER):
        return SetFiller(rest.strip())
    if name == _RECORDING_PAUSE:
        return RecordingPause(rest)
    if order == _RECORDING_RESUME:
        return RecordingResume()
    return Unserved("unknown order in agent.say")


def _word(frame: Mapping[str, Any], key: str, otherwise: str) -> str:
    value = frame.get(key)
    return value if isinstance(value, str) else otherwise


def _words(listed: Any) -> tuple[str, ...]:
    return tuple(each for each in listed if isinstance(each, str)) if isinstance(listed, list) else ()


# ---------------------------------------------------------------- to the runner


def hello_ack(hello: Hello, *, call_id: str, job_id: str, room_id: str) -> str:
    """The session is the call: what `ctx.call_id` shows is what the API takes. A runner has two bridges of one session
    only while it has not yet noticed that the first is dead, and then merely counts one call too few."""
    return _encoded(
        {
            "event": "hello.ack",
            "protocol_version": PROTOCOL_VERSION,
            "negotiated_events": [event for event in EVENTS if event in hello.events],
            "negotiated_verbs": [verb for verb in VERBS if verb in hello.verbs],
            "call_id": call_id,
            "session_id": call_id,
            "job_id": job_id,
            "room_id": room_id,
        }
    )


def call_started(
    *,
    call_id: str,
    job_id: str,
    room_id: str,
    agent_id: str,
    voice_profile_id: str | None,
    metadata: Mapping[str, Any],
    turns: Sequence[Mapping[str, Any]],
    resumed: bool,
) -> str:
    """`resumed`: the other side has talked before, with a runner or a speech worker that was lost. `turns` are what was
    said then, as far as it is known; the oldest are left out where they do not fit into a frame. They stand in
    `metadata.data` because that is all of `metadata` that the SDK hands to the agent."""
    told = [*turns]
    while True:
        frame = _encoded(
            {
                "event": "call.started",
                "session_id": call_id,
                "job_id": job_id,
                "room_id": room_id,
                "agent_id": agent_id or None,
                "voice_profile_id": voice_profile_id,
                "metadata": _with_turns(metadata, told, resumed=resumed),
            }
        )
        if not told or not is_too_long(frame):
            return frame
        told = told[len(told) // 2 + 1 :]


def _with_turns(metadata: Mapping[str, Any], turns: Sequence[Mapping[str, Any]], *, resumed: bool) -> dict[str, Any]:
    data = {**metadata.get("data", {}), **({"resumed": True, "turns": [*turns]} if resumed else {})}
    return {**metadata, "data": data, "resumed": resumed}


def user_text(text: str, language: str | None) -> str:
    """Finals only: the SDK takes a partial text for a turn."""
    extra = {"extra": {"language": language}} if language else {}
    return _encoded({"event": "user.text", "text": text, "is_final": True, **extra})


def user_interrupted(turn_id: int, heard_prefix: str | None) -> str:
    return _encoded({"event": "user.interrupted", "turn_id": turn_id, "heard_prefix": heard_prefix})


def state(name: str, turn_id: int, **extra: Any) -> str:
    """`name` is idle, listening, thinking, speaking or interrupted. The extra keys reach the agent's `state` hook: the
    only way to tell it what the SDK has no frame for."""
    return _encoded({"event": "state", "state": name, "turn_id": turn_id, **extra})


def metric(turns: int, **times_ms: float | None) -> str:
    whole = {name: round(time_ms) for name, time_ms in times_ms.items() if time_ms is not None}
    return _encoded({"event": "metric", "turns": turns, **whole})


def error(code: str, message: str) -> str:
    """Ends the agent's session whatever it says: only for a call that is over."""
    return _encoded({"event": "error", "severity": "fatal", "source": "ringline", "code": code, "message": message})


def is_too_long(frame: str) -> bool:
    return len(frame) > MOST_BYTES_OF_A_FRAME or len(frame.encode()) > MOST_BYTES_OF_A_FRAME


def _encoded(frame: Mapping[str, Any]) -> str:
    text = json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair, which a JSON text may carry, cannot be sent over a WebSocket.
    return text.encode("utf-8", "replace").decode()
