"""What a stack should be: its wishes, and what `make up` reads of them in the environment.

`up` obeys RINGLINE_PORT (8787), BIND_ADDRESS (127.0.0.1), CAP (5), WEBHOOK_URL, FROM_NUMBER, AGENT_NAME,
RINGLINE_STATE_DIR, ANSWER_FROM (dialer, carrier: who tells of an answer), RINGLINE_DIALER (function, container: who
dials), DUE_IN_SHARDS (false, true: whether shared lists are kept in shards), EXCLUDE_EVENTS (those of LiveKit that the
phone network does not post, with commas), and LIVEKIT_URL with LIVEKIT_API_KEY, LIVEKIT_API_SECRET and SIP_TRUNK_ID,
then also PUBLIC_URL (what that server calls this stack by), SIP_HOOK_SECRET, TELNYX_PUBLIC_KEY and TWILIO_AUTH_TOKEN.
SPEECH_LLM_URL, SPEECH_LLM_KEY and SPEECH_LLM_MODEL name the language model that answers for agents that are a prompt;
without them a stand-in does.
"""

from collections.abc import Mapping, Sequence
from copy import replace
from dataclasses import dataclass, field
from pathlib import Path

from local.phones.model.post import those_left_out
from local.stack.addresses import LOOPBACK, bind_address_in, public_url_in, url_in
from local.stack.carrier_secrets import CarrierSecrets, sandbox_secrets, secrets_from
from local.stack.seed import FROM_NUMBER
from local.tools.places import default_state_dir
from local.tools.processes import StackError
from ringline.routing.numbers import is_e164

MODEL_VARIABLES = ("SPEECH_LLM_URL", "SPEECH_LLM_KEY", "SPEECH_LLM_MODEL")
"""In the phone network's environment: who answers for agents that are a prompt (docs/speech-worker.md)."""
DEFAULT_PORT = 8787
DEFAULT_CAP = 5
DEFAULT_AGENT_NAME = "ringline-agent"
FUNCTION, CONTAINER = "function", "container"
"""Who dials."""


@dataclass(frozen=True, slots=True)
class LivekitServer:
    """A LiveKit server to dial through. `phones_url` is set if it is the phone network."""

    url: str
    api_key: str
    api_secret: str
    sip_trunk_id: str
    phones_url: str | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a stack should be. `port` 0 takes any free one; `livekit` None starts the phone network, with
    `phones_options`. `answer_from`, `dialer` and `due_in_shards` are the template's parameters AnswerFrom, Dialer and
    DueInShards. `bind_address` is the front door's, and `public_url` what a LiveKit server and agents call it by, where
    that is another name."""

    state_dir: Path = field(default_factory=default_state_dir)
    port: int = DEFAULT_PORT
    bind_address: str = LOOPBACK
    public_url: str | None = None
    cap: int = DEFAULT_CAP
    webhook_url: str | None = None
    from_number: str = FROM_NUMBER
    livekit: LivekitServer | None = None
    agent_name: str = DEFAULT_AGENT_NAME
    phones_options: tuple[str, ...] = ()
    answer_from: str = "dialer"
    dialer: str = FUNCTION
    due_in_shards: bool = False
    carrier_secrets: CarrierSecrets = field(default_factory=sandbox_secrets)
    model: Mapping[str, str] = field(default_factory=dict)
    """The language model, by the names of its variables."""


def wishes_from(environ: Mapping[str, str]) -> Wishes:
    """What the environment asks for. Raises StackError naming the variable that is wrong or missing."""
    wishes = Wishes(
        port=_whole_number(environ, "RINGLINE_PORT", DEFAULT_PORT, 65535),
        cap=_whole_number(environ, "CAP", DEFAULT_CAP, 10_000),
        bind_address=bind_address_in(environ),
        webhook_url=url_in(environ, "WEBHOOK_URL"),
        from_number=_phone_number(environ, "FROM_NUMBER", FROM_NUMBER),
        agent_name=environ.get("AGENT_NAME") or DEFAULT_AGENT_NAME,
        answer_from=_one_of(environ, "ANSWER_FROM", ("dialer", "carrier")),
        dialer=_one_of(environ, "RINGLINE_DIALER", (FUNCTION, CONTAINER)),
        due_in_shards=_one_of(environ, "DUE_IN_SHARDS", ("false", "true")) == "true",
        phones_options=_left_out(environ),
        model=_model(environ),
    )
    if not environ.get("LIVEKIT_URL"):
        return wishes
    names = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "SIP_TRUNK_ID")
    missing = [name for name in names if not environ.get(name)]
    if missing:
        raise StackError(
            f"LIVEKIT_URL is set, so {', '.join(missing)} must be set too; without LIVEKIT_URL it is the sandbox"
        )
    url_in(environ, "LIVEKIT_URL", ("wss", "https", "ws", "http"))
    return replace(
        wishes,
        livekit=LivekitServer(*(environ[name].strip() for name in names)),
        public_url=public_url_in(environ),
        carrier_secrets=secrets_from(environ),
    )


def _one_of(environ: Mapping[str, str], name: str, words: Sequence[str]) -> str:
    """The variable's word; the first one where it is not set."""
    word = environ.get(name) or words[0]
    if word not in words:
        raise StackError(f"{name} must be {' or '.join(words)}, and is {word!r}")
    return word


def _phone_number(environ: Mapping[str, str], name: str, default: str) -> str:
    number = environ.get(name, "").strip() or default
    if not is_e164(number):
        raise StackError(f"{name} must be a phone number with + and its country's code, and is {number!r}")
    return number


def _left_out(environ: Mapping[str, str]) -> tuple[str, ...]:
    try:
        names = those_left_out(filter(None, map(str.strip, environ.get("EXCLUDE_EVENTS", "").split(","))))
    except ValueError as unknown:
        raise StackError(f"EXCLUDE_EVENTS: {unknown}") from None
    return tuple(option for name in sorted(names) for option in ("--exclude-event", name))


def _model(environ: Mapping[str, str]) -> dict[str, str]:
    url_in(environ, "SPEECH_LLM_URL")
    return {name: environ[name] for name in MODEL_VARIABLES if environ.get(name)}


def _whole_number(environ: Mapping[str, str], name: str, default: int, highest: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= highest:
        raise StackError(f"{name} must be a whole number from 1 to {highest}, and is {text!r}")
    return int(text)
