"""Bodies of the calls API, checked field by field.

A field that is not known is refused by its name: whoever asks for headers, or for calls within certain hours only,
would otherwise have a person called differently than they asked for. What the SDK knows by another name, or says only
of whose call it is, is in the tables below.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

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
from ringline.calls.progress.consents import ConsentRequest
from ringline.routing.numbers import number_to_call, read_number

type Id = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9_+.:@-]+$")]


@dataclass(frozen=True, slots=True)
class Writer:
    """Whose request it is, as far as that tells what is meant."""

    country_of: Callable[[], str | None]


NOT_UNIQUE = "none"
"""Takes back what a call's pipe asks for."""

OTHER_NAMES = {"user_number": "to_number", "agent": "agent_id"}
"""What the SDK's own `calls.create` also calls two of its parameters."""

ABOUT_ITS_OWNER = frozenset({"org_id", "project_id", "user_id", "initial_call_id"})
"""Fields of the SDK's `Call` that change nothing about how a person is called: the API key tells whose call it is."""


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

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    to_number: str
    pipe_id: Id | None = None
    agent_id: Id | None = None
    from_number: str | None = None
    instructions: Annotated[str, StringConstraints(max_length=32_768)] | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    webhook_url: str | None = None
    ring_timeout_s: Annotated[int, Field(ge=MIN_RING_TIMEOUT_S, le=MAX_RING_TIMEOUT_S)] | None = None
    agent_first: bool | None = None
    agent_join_timeout_s: Annotated[int, Field(ge=1, le=MAX_AGENT_JOIN_S)] | None = None
    max_call_duration_s: Annotated[int, Field(ge=1, le=LONGEST_CALL_DURATION_S)] | None = None
    voicemail_policy: VoicemailPolicy | None = None
    recording: bool | None = None
    recording_consent: ConsentRequest | None = None
    scheduled_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    retry: RetryRequest | None = None
    unique_to: Literal["number", "none"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_our_words(cls, body: Any) -> Any:
        """A null asks for nothing, and an outbound call is what is made here."""
        if not isinstance(body, dict):
            return body
        told = {
            name: value
            for name, value in body.items()
            if name not in ABOUT_ITS_OWNER
            and (name in cls.model_fields or value is not None)
            and (name, value) != ("direction", "outbound")
        }
        for other, name in OTHER_NAMES.items():
            # Two different values are left as they are, and the other name is refused.
            if other in told and told.get(name) in (None, told[other]):
                told[name] = told.pop(other)
        return told

    @field_validator("to_number")
    @classmethod
    def _can_be_called(cls, text: str, info: ValidationInfo) -> str:
        return number_to_call(text, _country_of(text, info))

    @field_validator("from_number")
    @classmethod
    def _is_a_phone_number(cls, text: str | None, info: ValidationInfo) -> str | None:
        return None if text is None else read_number(text, _country_of(text, info))

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


def _country_of(text: str, info: ValidationInfo) -> str | None:
    """Of a number without its country's code: it is asked for only where there is such a number."""
    return info.context.country_of() if isinstance(info.context, Writer) and not text.startswith("+") else None


def to_ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
