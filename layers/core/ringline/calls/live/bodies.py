"""Bodies of what is done to a conversation from outside, checked field by field."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

MOST_DATA_BYTES = 12 * 1024
"""LiveKit takes data messages of up to 15 KiB that are to arrive for certain."""


class PauseRequest(BaseModel):
    """Why the recording is paused, for the events of the call."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: Annotated[str, StringConstraints(max_length=80)] | None = None


class DtmfRequest(BaseModel):
    """Tones for the other side's phone, `w` for half a second of nothing."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    digits: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[0-9A-Da-d*#wW]+$")]


class MessageRequest(BaseModel):
    """What the agent is told: words, data, or both."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(max_length=8000)] | None = None
    data: dict[str, Any] = Field(default_factory=dict)

    @field_validator("data", mode="before")
    @classmethod
    def _null_means_none_given(cls, given: Any) -> Any:
        return {} if given is None else given

    @model_validator(mode="after")
    def _says_something_that_fits(self) -> "MessageRequest":
        if not self.text and not self.data:
            raise ValueError("text or data must be given")
        if len(json.dumps([self.text, self.data], ensure_ascii=False).encode()) > MOST_DATA_BYTES:
            raise ValueError(f"text and data together are larger than {MOST_DATA_BYTES} bytes")
        return self


class MonitorRequest(BaseModel):
    """How somebody takes part: `listen` unseen, or `barge`: talk to all. `whisper` is refused by its name."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    mode: Literal["listen", "whisper", "barge"]
