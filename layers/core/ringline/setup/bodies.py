"""Bodies of pipes and agents, checked field by field.

What the SDK 0.5.0 knows and nothing here can do is refused by its name, with the reason (`_refused`). A null is at
creation as if the field was not sent, and takes it back at a change.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    model_validator,
)

from ringline.calls.model.call import UNIQUE_TO_NUMBER, VoicemailPolicy
from ringline.calls.model.timing import (
    LONGEST_CALL_DURATION_S,
    MAX_AGENT_JOIN_S,
    MAX_RING_TIMEOUT_S,
    MIN_RING_TIMEOUT_S,
)
from ringline.routing.records import EndpointKind, FirstSpeaker, PipeStatus
from ringline.routing.written_numbers import PhoneNumber, number_in
from ringline.setup.checks import fallback_kept

MOST_FALLBACKS = 5
"""As many as a request for a transfer may name."""
_MOST_TEXT = 32_768
"""Characters of a prompt: those of a call's own instructions."""


def _refused(why: str) -> BeforeValidator:
    """What is null, empty or off says nothing; anything else is refused for this reason."""

    def refuse(value: Any) -> None:
        if value not in (None, "", False, "off", "bridge") and value not in ({}, []):
            raise ValueError(why)

    return BeforeValidator(refuse)


def _raw_noise(value: Any) -> Any:
    if value not in (None, "", "none"):
        raise ValueError("only none: the speech worker takes the caller's sound as LiveKit brings it")
    return value or None


def _room(value: Any) -> Any:
    return None if value in ("", "none") else value


type OwnName = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
type OwnId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+.-]{1,80}$")]
# A path names it, too, and what lies between two slashes has none.
type VoiceName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f/]{1,80}$")]
type Prefix = Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{0,14}$")]
type Duration = Annotated[int, Field(strict=True, ge=1, le=LONGEST_CALL_DURATION_S)]
type MostCalls = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
# What the table keeps of a fraction: it has no place for the smallest ones.
_ThreeDigits = AfterValidator(lambda value: round(value, 3))
type Window = Annotated[float, Field(ge=0, le=60), _ThreeDigits]
type Volume = Annotated[float, Field(ge=0, le=1), _ThreeDigits]
type Words = Annotated[str, StringConstraints(max_length=2000)]
type Prompt = Annotated[str, StringConstraints(min_length=1, max_length=_MOST_TEXT)]
type BackgroundRoom = Annotated[
    Literal["office", "city", "forest", "crowded_room"] | None,
    BeforeValidator(_room),
    Field(description="What is heard behind the agent, where our speech worker speaks for it; `none` for nothing"),
]
type NoNoiseFilter = Annotated[Literal["none"] | None, BeforeValidator(_raw_noise)]

_NOT_SERVED = Field(default=None, description="Not served: only null or nothing")
type _Dictionary = Annotated[None, _refused("domain dictionaries are not served: say it in the instructions")]
type _Fillers = Annotated[None, _refused("fillers are the agent's own to say")]
type _Tools = Annotated[None, _refused("tools are the agent's own: call them in its code")]
type _Execution = Annotated[None, _refused("only bridge: a brain is always asked over a bridge")]
type _Cache = Annotated[None, _refused("only off: replies are not cached")]
type _Muted = Annotated[None, _refused("only false: a caller may interrupt from the first word")]
type _Playbook = Annotated[None, _refused("playbooks are not served: give the text as prompt, or run an agent")]


class Body(BaseModel):
    """What is not known is refused by its name."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Windows(Body):
    """When an end looks like voicemail, in seconds; what is null is as usual."""

    ring_min_s: Window | None = None
    ring_max_s: Window | None = None
    greeting_min_s: Window | None = None
    greeting_max_s: Window | None = None


class _Sounding(Body):
    """What pipes and agents have in common: how it sounds, and how long a conversation may be."""

    recording: bool | None = None
    max_call_duration_s: Duration | None = None
    number: PhoneNumber | None = Field(None, description="What its calls go out from: a number of the account")
    max_calls: MostCalls | None = Field(None, description="So many calls at once; null for as many as there are lines")
    trunk_id: OwnId | None = Field(
        None, description="The LiveKit trunk, where it is not the number's: one of the account"
    )
    greeting: Words | None = None
    first_speaker: FirstSpeaker | None = None
    background_sound: BackgroundRoom = None
    background_sound_enabled: bool | None = None
    background_sound_volume: Volume | None = None
    noise_cancellation: NoNoiseFilter = None
    project_id: Annotated[str, StringConstraints(max_length=80)] | None = None
    domain: _Dictionary = _NOT_SERVED
    fillers: _Fillers = _NOT_SERVED
    tools: _Tools = _NOT_SERVED


class FallbackTarget(Body):
    """Whom a failed transfer goes on to, as a request for a transfer has it: `sip` with a `number`, or `agent` with an
    `agent_id`."""

    type: Literal["sip", "agent"]
    config: dict[str, Any]


def _fallback(value: Any, info: ValidationInfo) -> Any:
    """With its numbers in E.164. Raises ValueError for what is no fallback."""
    for each in value if isinstance(value, list) else ():
        if isinstance(each, FallbackTarget) and each.type == "sip" and isinstance(each.config.get("number"), str):
            each.config["number"] = number_in(each.config["number"], info)
    named = [each if isinstance(each, str) else each.model_dump() for each in (() if value is None else value)]
    fallback_kept(value if isinstance(value, str) else named)
    return value


class PipeChange(_Sounding):
    """A change to a pipe; what is not named stays."""

    name: OwnName | None = None
    voice_profile: VoiceName | None = Field(None, validation_alias=AliasChoices("voice_profile", "voice_profile_id"))
    agent_id: OwnId | None = Field(None, description="Who speaks. One that is not known is made: a runner of this id")
    agent_endpoint: str | None = Field(None, description="A URL that is asked at each turn, with one POST")
    prompt: Prompt | None = Field(None, description="All that the pipe's own agent knows")
    playbook: _Playbook = _NOT_SERVED
    caller_ids: Annotated[list[PhoneNumber], Field(max_length=50)] | None = Field(
        None, description="What its calls go out from: numbers of the account, chosen by the policy"
    )
    caller_id_policy: Literal["fixed", "sticky", "least_used"] | None = None
    ring_timeout_s: Annotated[int, Field(strict=True, ge=MIN_RING_TIMEOUT_S, le=MAX_RING_TIMEOUT_S)] | None = None
    agent_join_timeout_s: Annotated[int, Field(strict=True, ge=1, le=MAX_AGENT_JOIN_S)] | None = None
    agent_first: bool | None = None
    voicemail: Windows | None = None
    voicemail_policy: VoicemailPolicy | None = None
    unique_to: Literal["number"] | None = None
    webhook_url: str | None = Field(
        None, description="Where the events of its calls are posted, beside your endpoints, unless a call names its own"
    )
    fallback_agent_id: OwnId | None = Field(None, description="Who takes a caller whose agent does not come in time")
    fallback_number: PhoneNumber | None = Field(None, description="Or which number is called for that caller")
    transfer_allowed_numbers: Annotated[list[PhoneNumber], Field(max_length=200)] | None = None
    transfer_allowed_prefixes: Annotated[list[Prefix], Field(max_length=200)] | None = None
    transfer_fallback: Annotated[
        Literal["end"] | Annotated[list[FallbackTarget | Literal["end"]], Field(max_length=MOST_FALLBACKS)] | None,
        AfterValidator(_fallback),
        Field(description="Whom a failed transfer goes on to that has no `fallback` of its own"),
    ] = None
    status: PipeStatus | None = None

    @model_validator(mode="after")
    def _names_one_brain(self) -> Self:
        named = [name for name in ("agent_id", "agent_endpoint", "prompt") if getattr(self, name)]
        if len(named) > 1:
            raise ValueError(f"exactly one brain: {' and '.join(named)} are named")
        return self


assert UNIQUE_TO_NUMBER == "number"


class PipeRequest(PipeChange):
    """A new pipe: how calls are made, and by whom. Exactly one of `agent_id`, `agent_endpoint` and `prompt` says so."""

    pipe_id: OwnId | None = Field(None, description="Yours to choose; otherwise one is made")
    name: OwnName

    @model_validator(mode="after")
    def _has_a_brain(self) -> Self:
        if not (self.agent_id or self.agent_endpoint or self.prompt):
            raise ValueError("exactly one brain: agent_id, agent_endpoint or prompt must be given")
        return self


class BrainSpec(Body):
    """Who thinks for an agent. `ref` is an endpoint's URL, a prompt's text, or the name under which a LiveKit worker of
    your own is registered (without one, the deployment's `AgentName`); `cfg` holds what else an endpoint needs:
    `api_key` (not shown again), `model`, and `kind`: `chat` (OpenAI's completions, usual) or `turn`."""

    type: Literal["livekit", "runner", "endpoint", "prompt", "playbook"] | None = None
    ref: Annotated[str, StringConstraints(max_length=_MOST_TEXT)] | None = None
    cfg: dict[str, Any] | None = None


class AgentChange(_Sounding):
    """A change to an agent; what is not named stays. An endpoint's key stays as long as its URL does."""

    name: OwnName | None = None
    brain: BrainSpec | None = None
    max_concurrent: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = Field(
        None, description="Kept and shown, and holds no call back: see `max_calls`"
    )
    llm_model: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    endpoint_key: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    endpoint_kind: EndpointKind | None = None
    analytics_schema: dict[str, Any] | None = None
    brain_execution: _Execution = _NOT_SERVED
    cache_mode: _Cache = _NOT_SERVED
    mute_until_first_bot_complete: _Muted = _NOT_SERVED


class AgentRequest(AgentChange):
    """A new agent, by the id that it registers with. Without a `brain` it is a LiveKit worker of your own."""

    agent_id: OwnId
    voice_profile: VoiceName | None = Field(None, validation_alias=AliasChoices("voice_profile", "voice_profile_id"))


class VoiceRequest(Body):
    """A further voice of an agent."""

    voice_profile: VoiceName = Field(validation_alias=AliasChoices("voice_profile", "voice_profile_id"))
    greeting: Words | None = None


class VoiceChange(Body):
    """A change to one voice of an agent. Another voice stops being the default by making this one it."""

    greeting: Words | None = None
    is_default: Literal[True] | None = None
