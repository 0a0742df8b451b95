"""What was said in a call, as its agent writes it down. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_SAID = (
    ("agent", "Hello, this is the sandbox's agent."),
    ("user", "Hello, who is there?"),
    ("agent", "Nobody of flesh and blood. Thank you for picking up."),
    ("user", "You are welcome. Goodbye."),
)
_TO_NOBODY = (("agent", "Hello, this is the sandbox's agent."), ("agent", "Is anybody there?"))
_AT_LENGTH = "and so it went on, one word giving another, as it does between people who have the time for it; "
_LONG_CONTENT = 200


@dataclass(frozen=True, slots=True)
class Talk:
    """When a call was answered and over, and when the other side first spoke, if it did. Unix seconds."""

    answered_at: float
    spoke_at: float | None
    ended_at: float


def turns_of(talk: Talk, count: int = len(_SAID)) -> list[dict[str, str]]:
    """The turns, oldest first, spread over the talk: `count` of them, or two of an agent that nobody answered."""
    if talk.spoke_at is None:
        said = list(_TO_NOBODY)
    else:
        said = [(_SAID[turn % 2][0], _content(turn)) for turn in range(count)]
    apart_s = (talk.ended_at - talk.answered_at) / len(said)
    return [
        {"role": role, "content": content, "timestamp": _iso(talk.answered_at + turn * apart_s)}
        for turn, (role, content) in enumerate(said)
    ]


def usage_of(talk: Talk, turns: list[dict[str, str]]) -> dict[str, Any]:
    """What the agent's models were used for, about as much as such turns take."""
    spoken = sum(len(turn["content"]) for turn in turns if turn["role"] == "agent")
    heard = sum(len(turn["content"]) for turn in turns) - spoken
    return {
        "llm_prompt_tokens": 120 + heard // 4,
        "llm_completion_tokens": spoken // 4,
        "tts_characters": spoken,
        "stt_audio_s": round(max(0.0, talk.ended_at - talk.answered_at), 1),
    }


def _content(turn: int) -> str:
    if turn < len(_SAID):
        return _SAID[turn][1]
    return f"Turn {turn + 1}: {_AT_LENGTH * 3}"[:_LONG_CONTENT]


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
