"""Turns of a conversation as agents' frameworks keep them: what was said by whom, and when."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator, model_validator


class TurnBody(BaseModel):
    """A turn as agents' frameworks keep it. `role` is None for whoever does not talk (a tool, the system), `content`
    None where nothing is said: such a turn is skipped."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["agent", "user"] | None
    content: str | None
    timestamp: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _may_be_of_one_who_does_not_talk(cls, turn: Any) -> Any:
        if not isinstance(turn, dict):
            return turn
        role = turn.get("role")
        talker = _TALKERS.get(role) if isinstance(role, str) else None
        return {"role": None, "content": None} if talker is None else turn | {"role": talker}

    @field_validator("content", mode="before")
    @classmethod
    def _may_come_in_parts(cls, content: Any) -> Any:
        if isinstance(content, dict):
            content = [content]
        if not isinstance(content, list):
            return content
        texts = [text for part in content if (text := _text_of(part)) is not None]
        return "\n".join(texts) if texts else None

    @field_validator("timestamp", mode="before")
    @classmethod
    def _is_a_moment(cls, told: Any) -> str | None:
        """Kept in the one form that everybody reads: of ISO 8601's weeks, blanks and missing colons most readers, the
        SDK's among them, know nothing."""
        if told is None:
            return None
        try:
            return _as_we_write(datetime.fromisoformat(told) if _is_iso(told) else _epoch(told))
        except (ValueError, OverflowError):
            raise ValueError("is not a moment in ISO 8601, or of seconds or milliseconds since 1970") from None

    @property
    def is_said(self) -> bool:
        return self.role is not None and self.content is not None


_TALKERS = {"agent": "agent", "user": "user", "assistant": "agent"}
"""Who has turns; language models, and the frameworks around them, call the agent `assistant`."""


def _text_of(part: Any) -> str | None:
    """What is said in a part of a turn: a text by itself, or one with its kind, or what was heard in a sound."""
    if isinstance(part, dict):
        part = part.get("text", part.get("transcript"))
    return part if isinstance(part, str) else None


def _is_iso(told: Any) -> bool:
    return isinstance(told, str) and epoch_moment(told) is None


def _epoch(told: Any) -> datetime:
    moment = epoch_moment(told)
    if moment is None:
        raise ValueError("no moment of this century")
    return moment


def epoch_moment(told: Any) -> datetime | None:
    """The moment of a number of seconds since 1970, or of milli-, micro- or nanoseconds: whichever is in this century.
    None for any other, which counts from somewhere else."""
    if isinstance(told, str) and _NUMBER.fullmatch(told):
        told = float(told)
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    for a_second in (1, 10**3, 10**6, 10**9):
        # A whole number of hundreds of digits can be compared, and not divided.
        if _CENTURY_S[0] * a_second <= told < _CENTURY_S[1] * a_second:
            return datetime.fromtimestamp(told / a_second, UTC)
    return None


_NUMBER = re.compile(r"[0-9]{9,19}(\.[0-9]{1,9})?")
_CENTURY_S = (946_684_800, 4_102_444_800)


def _as_we_write(moment: datetime) -> str:
    """A moment as ISO 8601 to the millisecond, or finer where it is; with its own offset, if it has one."""
    offset = moment.utcoffset()
    if offset is not None and offset % timedelta(minutes=1):
        # ISO 8601 has no offsets of seconds.
        moment = moment.astimezone(UTC)
    text = moment.isoformat(timespec="microseconds" if moment.microsecond % 1000 else "milliseconds")
    return f"{text.removesuffix('+00:00')}Z" if moment.utcoffset() == timedelta(0) else text
