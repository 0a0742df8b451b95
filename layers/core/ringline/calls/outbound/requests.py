"""Bodies of the calls API, checked field by field. Unknown fields are ignored: newer SDKs may send more."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from ringline.calls.model.call import VoicemailPolicy
from ringline.calls.model.retries import (
    LONGEST_DELAY_S,
    MOST_ATTEMPTS,
    USUAL_DELAYS_S,
    USUAL_ON,
    WORDS,
    RetryPolicy,
)
from ringline.calls.model.timing import (
    LONGEST_CALL_DURATION_S,
    MAX_AGENT_JOIN_S,
    MAX_RING_TIMEOUT_S,
    MIN_RING_TIMEOUT_S,
)
from ringline.routing.numbers import is_e164

type Id = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9_+.:@-]+$")]


class RetryRequest(BaseModel):
    """When the call is tried again: `on` names end reasons and categories of them."""

    model_config = ConfigDict(extra="forbid")

    max_attempts: Annotated[int, Field(ge=1, le=MOST_ATTEMPTS)]
    on: Annotated[list[str], Field(min_length=1, max_length=50)] = Field(default_factory=lambda: list(USUAL_ON))
    delays_s: Annotated[
        list[Annotated[int, Field(ge=0, le=LONGEST_DELAY_S)]], Field(min_length=1, max_length=MOST_ATTEMPTS - 1)
    ] = Field(default_factory=lambda: list(USUAL_DELAYS_S))

    @field_validator("on")
    @classmethod
    def _are_reasons_or_categories(cls, words: list[str]) -> list[str]:
        for word in words:
            if word not in WORDS:
                raise ValueError(f"{word!r} is no end reason or category after which a call can be tried again")
        return words

    def policy(self) -> RetryPolicy:
        return RetryPolicy(self.max_attempts, tuple(self.on), tuple(self.delays_s))


class CreateCallRequest(BaseModel):
    """What the SDK's `calls.create` sends, and the extras we take (`ring_timeout_s` and on)."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    to_number: str
    pipe_id: Id | None = None
    agent_id: Id | None = None
    from_number: str | None = None
    instructions: Annotated[str, StringConstraints(max_length=32_768)] | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    ring_timeout_s: Annotated[int, Field(ge=MIN_RING_TIMEOUT_S, le=MAX_RING_TIMEOUT_S)] | None = None
    agent_first: bool | None = None
    agent_join_timeout_s: Annotated[int, Field(ge=1, le=MAX_AGENT_JOIN_S)] | None = None
    max_call_duration_s: Annotated[int, Field(ge=1, le=LONGEST_CALL_DURATION_S)] | None = None
    voicemail_policy: VoicemailPolicy | None = None
    recording: bool | None = None
    scheduled_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    retry: RetryRequest | None = None

    @field_validator("to_number", "from_number")
    @classmethod
    def _is_a_phone_number(cls, number: str | None) -> str | None:
        if number is not None and not is_e164(number):
            raise ValueError("is not a phone number in E.164 form, such as +14155550123")
        return number

    @field_validator("scheduled_at", "expires_at")
    @classmethod
    def _is_of_this_century(cls, moment: AwareDatetime | None) -> AwareDatetime | None:
        if moment is not None and not 2000 < moment.year < 2100:
            raise ValueError("is not a moment of this century")
        return moment

    @field_validator("data", "metadata", mode="before")
    @classmethod
    def _null_means_none_given(cls, given: Any) -> Any:
        return {} if given is None else given


def to_ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
