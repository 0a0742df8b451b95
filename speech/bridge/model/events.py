"""What a conversation hears of: from the control plane, its runner, its voice, and time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# ---------------------------------------------------------------- what the control plane answers


@dataclass(frozen=True, slots=True)
class Assigned:
    """A runner was told of the call and should dial in within `dial_within_s`."""

    job_id: str
    worker_id: str
    dial_within_s: float


@dataclass(frozen=True, slots=True)
class Wait:
    """The runner accepted and may still dial. Ask again after `wait_s`."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class NoRunner:
    """Nobody could be told. Ask again after `again_in_s`."""

    why: str
    again_in_s: float


@dataclass(frozen=True, slots=True)
class Served:
    """The brain is no runner: `kind` is "endpoint" or "prompt", and `settings` is what it takes to ask it. Whoever runs
    the call serves it, by the same frames as a runner."""

    kind: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NoSuchCall:
    """The call is over, or the token does not speak for it: there is nothing left to ask for."""

    why: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No answer that could be read, after all retries of the client."""

    why: str


type BrainAnswer = Assigned | Wait | NoRunner | Served | NoSuchCall | Unreachable


# ---------------------------------------------------------------- what a conversation hears of


@dataclass(frozen=True, slots=True)
class RunnerDialled:
    """A runner's socket was accepted: its token was good, and no other one is live. `bridge` numbers the sockets of a
    call."""

    bridge: int
    job_id: str
    worker_id: str


@dataclass(frozen=True, slots=True)
class RunnerFrame:
    """A text frame as it came, also `hello`."""

    bridge: int
    text: str


@dataclass(frozen=True, slots=True)
class RunnerClosed:
    """The runner's socket is gone. 1006: without a word."""

    bridge: int
    code: int


type LineEvent = RunnerDialled | RunnerFrame | RunnerClosed


@dataclass(frozen=True, slots=True)
class BrainAnswered:
    """The control plane's answer to the request of this number."""

    request: int
    answer: BrainAnswer


@dataclass(frozen=True, slots=True)
class MessageCame:
    """Somebody outside of the call has told its agent something: `text`, `data`, and the message's id."""

    message: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TonesSent:
    """The tones that somebody outside of the call asked for were sent, or why not."""

    dtmf_id: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """Both sides can hear each other from now on. Speech was held until here."""


@dataclass(frozen=True, slots=True)
class UserSpoke:
    """The other side begins to be heard."""


@dataclass(frozen=True, slots=True)
class UserSaid:
    """A turn of the other side, final. `turn` is a number that `Conversation.next_turn()` gave."""

    turn: int
    text: str
    language: str | None = None
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class UserInterrupted:
    """The other side spoke into the agent's speech, and the voice has stopped it: nothing that was to be spoken before
    this moment is spoken after it. `heard_prefix` is what was heard of it, or None where the voice does not know."""

    heard_prefix: str | None = None


@dataclass(frozen=True, slots=True)
class SpeechPlayed:
    """All that was given for this turn (a reply with its end, or a `Say`) has been heard."""

    turn: int


@dataclass(frozen=True, slots=True)
class UserSilent:
    """Nobody has been heard for so long."""

    silent_s: float


@dataclass(frozen=True, slots=True)
class VoicemailHeard:
    """What answered is a voicemail, and what shows it."""

    why: str


@dataclass(frozen=True, slots=True)
class Measured:
    """Times of a turn, told to the runner. Milliseconds, fractions are rounded: the SDK 0.5.0 parses whole numbers
    only, and takes a fraction for the end of the call."""

    ttfa_ms: float | None = None
    asr_p95_ms: float | None = None
    tts_p95_ms: float | None = None


@dataclass(frozen=True, slots=True)
class TransferEnded:
    """What became of the transfer that a `Transfer` asked for. A transfer that failed leaves the call as it was."""

    done: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class HangUpRefused:
    """The control plane does not end the call for what the agent hung up for (`HangUp`), and the voice has not hung up:
    while the call is handed over nobody is hung up on for a silence (docs/transfers.md)."""


@dataclass(frozen=True, slots=True)
class EndWished:
    """The voice itself wants the call to end, for a reason of docs/agents.md: silence, a voicemail, the longest time.
    Goes the way of an agent's `end_call`: after the last words."""

    reason: str


@dataclass(frozen=True, slots=True)
class OtherSideLeft:
    """Nobody is there any more; why the call ended is still to be told. The control plane may wait for the transcript
    before it says so: a call in which nobody spoke was a voicemail's greeting. With `is_final` nothing is said to any
    agent after it."""

    is_final: bool = True


@dataclass(frozen=True, slots=True)
class CallOver:
    """The call has ended, whoever ended it. `error` goes to the runner as an error frame: something of ours broke."""

    end_reason: str
    status: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; nothing else."""


type Event = (
    LineEvent
    | BrainAnswered
    | Answered
    | UserSpoke
    | UserSaid
    | UserInterrupted
    | SpeechPlayed
    | UserSilent
    | VoicemailHeard
    | Measured
    | MessageCame
    | TonesSent
    | TransferEnded
    | HangUpRefused
    | EndWished
    | OtherSideLeft
    | CallOver
    | Tick
)
