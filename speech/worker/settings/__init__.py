"""What can be set, by environment variables: a checked model, read once. docs/speech-worker.md lists them."""

from collections.abc import Mapping
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError


class SettingsError(RuntimeError):
    """Settings are missing or malformed; the message names each variable."""


def _http_or_ws(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"ws", "wss", "http", "https"} or not parts.hostname:
        raise ValueError("must be an absolute URL (wss://, https://, ws:// or http://)")
    return url.rstrip("/")


def _ws_or_nothing(url: str) -> str:
    if not url:
        return url
    parts = urlsplit(url)
    if parts.scheme not in {"ws", "wss"} or not parts.hostname or parts.query:
        raise ValueError("must be a ws:// or wss:// URL without a query, or empty")
    return url.rstrip("/")


def _control_or_nothing(url: str) -> str:
    """May have a query: API Gateway takes the path of its stage alone."""
    return _http_or_ws(url) if url else url


class Settings(BaseModel):
    """The environment, checked. Durations are seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    livekit_url: Annotated[str, AfterValidator(_http_or_ws)] = Field(alias="LIVEKIT_URL")
    livekit_api_key: str = Field(alias="LIVEKIT_API_KEY", min_length=1)
    livekit_api_secret: str = Field(alias="LIVEKIT_API_SECRET", min_length=1, repr=False)
    agent_name: str = Field("ringline-speech", alias="SPEECH_AGENT_NAME", min_length=1)
    """The name under which calls are dispatched to this worker: the control plane's setting of the same name."""

    max_calls: int = Field(10, alias="SPEECH_MAX_CALLS", ge=1, le=500)
    """Places. A call takes about a quarter of a core and 115 MB with speech from a provider."""
    idle_processes: int = Field(2, alias="SPEECH_IDLE_PROCESSES", ge=0, le=50)
    """Job processes kept warm: a call that finds one is joined in 0.4 s, one that does not takes 2 s and more."""
    drain_s: int = Field(3600, alias="SPEECH_DRAIN_S", ge=0)
    """How long calls may go on after SIGTERM. The platform's own limit may be shorter (Fargate: 120 s)."""

    bridge_host: str = Field("0.0.0.0", alias="SPEECH_BRIDGE_HOST")  # noqa: S104 - runners come from anywhere; their token is what lets them in
    bridge_port: int = Field(8080, alias="SPEECH_BRIDGE_PORT", ge=0, le=65535)
    bridge_url: Annotated[str, AfterValidator(_ws_or_nothing)] = Field("", alias="SPEECH_BRIDGE_URL")
    """Where runners reach this worker, or the balancer before all workers. Empty: the worker's own address, `ws://`."""
    own_address: str = Field("", alias="SPEECH_OWN_ADDRESS")
    """This worker's address as the other workers reach it. Empty: the address of its way out."""
    health_port: int = Field(8081, alias="SPEECH_HEALTH_PORT", ge=0, le=65535)

    ringline_url: str = Field("", alias="RINGLINE_URL")
    """The API's URL, where the dispatch does not tell it."""
    runners_url: Annotated[str, AfterValidator(_control_or_nothing)] = Field("", alias="RUNNERS_URL")
    """Where the worker says that it is there and which jobs died: the stack's output of this name, or the URL of a
    stack on one machine. Empty: nowhere."""
    voices: str = Field("", alias="SPEECH_VOICES")
    """Voice profiles: JSON, or the path of a file of JSON, `{"<voice_profile_id>": {...}}`."""
    default_voice: str = Field("", alias="SPEECH_DEFAULT_VOICE")
    """The profile of calls that name none. Empty: the only one that there is, or `local`."""

    silence_ask_s: float = Field(15, alias="SPEECH_SILENCE_ASK_S", gt=0)
    """After so long without a word from either side the worker asks."""
    silence_end_s: float = Field(15, alias="SPEECH_SILENCE_END_S", gt=0)
    """So long after the question without an answer the call is ended."""
    silence_question: str = Field("Are you still there?", alias="SPEECH_SILENCE_QUESTION")

    llm_url: Annotated[str, AfterValidator(_http_or_ws)] = Field("https://api.openai.com/v1", alias="SPEECH_LLM_URL")
    """The chat completions that answer for agents that are a prompt."""
    llm_key: str = Field("", alias="SPEECH_LLM_KEY", repr=False)
    """Its key. Empty: OPENAI_API_KEY."""
    llm_model: str = Field("gpt-4.1-mini", alias="SPEECH_LLM_MODEL")
    """The model, where the agent names none."""

    log_level: str = Field("INFO", alias="LOG_LEVEL", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Raises SettingsError, which names every variable that is wrong and never shows a value."""
        set_values: dict[str, Any] = {name: value for name, value in environment.items() if value}
        if not set_values.get("SPEECH_LLM_KEY"):
            set_values["SPEECH_LLM_KEY"] = environment.get("OPENAI_API_KEY", "")
        try:
            return cls.model_validate(set_values)
        except ValidationError as error:
            raise SettingsError(
                "; ".join(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}" for wrong in error.errors())
            ) from None
