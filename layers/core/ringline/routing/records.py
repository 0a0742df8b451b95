"""What an account sets up to be called by and to call with."""

from dataclasses import field
from enum import StrEnum

from ringline.later import Carried
from ringline.record import stored

MAX_CALL_DURATION_S = 3600
"""The SDK's default for a pipe."""


class Brain(StrEnum):
    """What thinks for an agent. All but `livekit` are spoken for by the deployment's own speech worker."""

    LIVEKIT = "livekit"
    """A worker of the customer's own on livekit-agents, which hears and speaks by itself."""
    RUNNER = "runner"
    """A program on the official SDK's `AgentRunner`, which reads what was said and writes what to say."""
    ENDPOINT = "endpoint"
    """A URL that is asked at each turn."""
    PROMPT = "prompt"
    """Instructions alone, with the model that the deployment names."""


class EndpointKind(StrEnum):
    """How a URL is asked for the next words."""

    CHAT = "chat"
    """As OpenAI's chat completions, streamed."""
    TURN = "turn"
    """One POST for each turn."""


@stored
class VoicemailWindows:
    """When an end looks like voicemail. Carriers differ, so a pipe may set its own.

    A phone that turns unavailable after ringing `ring_min_s` to `ring_max_s` was forwarded to voicemail. An answered
    leg on which the caller never spoke and that lasted `greeting_min_s` to `greeting_max_s` was a greeting. None stands
    for what is usual (`calls.model.timing`).
    """

    ring_min_s: float | None = None
    ring_max_s: float | None = None
    greeting_min_s: float | None = None
    greeting_max_s: float | None = None
    carried: Carried = field(default=(), compare=False, repr=False)


USUAL_VOICEMAIL = VoicemailWindows()


class FirstSpeaker(StrEnum):
    """Who begins a conversation."""

    AGENT = "agent"
    USER = "user"


@stored
class Sound:
    """What is heard of an agent beside its answers: what it says first, and the room behind it. None stands for what
    the voice profile or the deployment says. The volume is a gain from 0 to 1."""

    greeting: str | None = None
    first_speaker: str | None = None
    background_sound: str | None = None
    background_sound_enabled: bool = True
    background_sound_volume: float | None = None
    carried: Carried = field(default=(), compare=False, repr=False)


USUAL_SOUND = Sound()


@stored
class VoiceBinding:
    """A voice that an agent speaks with. `greeting` goes before the agent's own."""

    voice_profile_id: str
    greeting: str | None = None
    carried: Carried = field(default=(), compare=False, repr=False)


class PipeStatus(StrEnum):
    """Whether calls are made through a pipe."""

    ACTIVE = "active"
    DISABLED = "disabled"


@stored(kw_only=True)
class Pipe:
    """Binds an agent to the way its calls are made: number, voice, limits. `number` is the one it calls from.

    Callers whose agent does not come within its limit are taken by the agent `fallback_agent_id`, or handed over to the
    number `fallback_number`, if one is named: 3 s before they are let go at the latest.

    An agent may hand calls over to the `transfer_allowed_numbers` (E.164) and to numbers with one of the
    `transfer_allowed_prefixes`: to any where both are None, to none where they are empty. Our speech worker holds a
    runner to it.

    Whom a transfer goes on to that has failed, and that names nobody itself: `transfer_fallback`, each `sip:` and a
    number, `agent:` and its id, or `end`, which ends the call.

    It has at most `max_calls` calls at once; None for as many as there are lines. Its calls go out on the numbers
    `caller_ids`, chosen by `caller_id_policy` when they take their line, where there are any and the call names none.

    Events of its calls are posted to `webhook_url`, too, unless a call names its own.
    """

    pipe_id: str
    name: str
    agent_id: str
    number: str | None = None
    number_id: str | None = None
    trunk_id: str | None = None
    voice_profile_id: str | None = None
    recording: bool = False
    max_call_duration_s: int = MAX_CALL_DURATION_S
    ring_timeout_s: int | None = None
    agent_join_timeout_s: int | None = None
    agent_first: bool = True
    voicemail: VoicemailWindows = USUAL_VOICEMAIL
    voicemail_policy: str | None = None
    unique_to: str | None = None
    fallback_agent_id: str | None = None
    fallback_number: str | None = None
    transfer_allowed_numbers: tuple[str, ...] | None = None
    transfer_allowed_prefixes: tuple[str, ...] | None = None
    transfer_fallback: tuple[str, ...] = ()
    sound: Sound = USUAL_SOUND
    noise_cancellation: str | None = None
    status: str = PipeStatus.ACTIVE
    project_id: str | None = None
    revision: int = 1
    created_at: int | None = None
    modified_at: int | None = None
    max_calls: int | None = None
    caller_ids: tuple[str, ...] = ()
    caller_id_policy: str | None = None
    webhook_url: str | None = None
    carried: Carried = field(default=(), compare=False, repr=False)

    @property
    def is_disabled(self) -> bool:
        return self.status == PipeStatus.DISABLED


@stored(kw_only=True)
class Agent:
    """A customer's agent by the id it registers with. `number` is the one it calls from, if any.

    `brain` is a `Brain`, or a word of a later version. `endpoint_url`, `endpoint_key` and `endpoint_kind` are an
    endpoint's, `model` is what it or the deployment's provider is asked for, `prompt` what a call without instructions
    of its own begins with. `analytics_schema` is the JSON Schema, as text, that outcomes of its conversations are held
    against.

    A worker of the customer's own may be registered under a name of its own, `dispatch_name`; without one it has the
    deployment's.

    It speaks with the first of its `voices` where a pipe names none. `max_concurrent` is what the SDK sends with every
    agent: it is kept, and means nothing. An agent that a pipe brought along with a brain of its own is `of_pipe`, and
    goes with it."""

    agent_id: str
    name: str
    number: str | None = None
    number_id: str | None = None
    trunk_id: str | None = None
    max_call_duration_s: int = MAX_CALL_DURATION_S
    brain: str = Brain.LIVEKIT
    endpoint_url: str | None = None
    endpoint_key: str | None = field(default=None, repr=False)
    endpoint_kind: str | None = None
    model: str | None = None
    prompt: str | None = None
    analytics_schema: str | None = None
    recording: bool = False
    sound: Sound = USUAL_SOUND
    noise_cancellation: str | None = None
    voices: tuple[VoiceBinding, ...] = ()
    max_concurrent: int = 1
    of_pipe: str | None = None
    project_id: str | None = None
    revision: int = 1
    created_at: int | None = None
    modified_at: int | None = None
    max_calls: int | None = None
    dispatch_name: str | None = None
    carried: Carried = field(default=(), compare=False, repr=False)

    @property
    def own_name(self) -> str | None:
        """The name under which LiveKit dispatches it; None where that is the deployment's."""
        return self.dispatch_name if self.brain == Brain.LIVEKIT else None

    @property
    def voice(self) -> VoiceBinding | None:
        """The voice it speaks with where nothing else is said."""
        return self.voices[0] if self.voices else None

    @property
    def brain_of_ours(self) -> str | None:
        """The brain that our speech worker speaks for; None where the agent speaks for itself."""
        return None if self.brain == Brain.LIVEKIT else self.brain


@stored(kw_only=True)
class Trunk:
    """A trunk that callers come in by. `country` (two letters) is where the numbers are that it tells without a
    country's code, `account_id` who sees its callers whose number is nobody's; None where many accounts share it."""

    trunk_id: str
    country: str | None = None
    account_id: str | None = None
    carried: Carried = field(default=(), compare=False, repr=False)


@stored(kw_only=True)
class Number:
    """A phone number (E.164) and what it is attached to. `trunk_id` is the LiveKit trunk it calls through, where it has
    one of its own; `account_trunk_id` the account's trunk that it was brought with.

    At most `max_calls` calls go out on it or ring in there at once, and at most `calls_per_day` go out in a day (UTC).
    A caller for whom nobody is free goes on to one of `overflow_pipe_id`, `overflow_agent_id`, `overflow_number`.
    `decision_url` is asked about each caller, signed with `decision_secret`; what becomes of the caller where it does
    not answer is `decision_default`: `accept`, `reject`, or the id of a pipe.
    """

    number: str
    number_id: str
    pipe_id: str | None = None
    agent_id: str | None = None
    trunk_id: str | None = None
    account_trunk_id: str | None = None
    country: str | None = None
    revision: int = 1
    created_at: int | None = None
    modified_at: int | None = None
    max_calls: int | None = None
    calls_per_day: int | None = None
    overflow_pipe_id: str | None = None
    overflow_agent_id: str | None = None
    overflow_number: str | None = None
    decision_url: str | None = None
    decision_secret: str | None = field(default=None, repr=False)
    decision_default: str | None = None
    carried: Carried = field(default=(), compare=False, repr=False)
