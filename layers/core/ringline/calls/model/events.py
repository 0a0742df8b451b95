"""What can happen to a call, in the past tense. Each says when (`at`, milliseconds) and what its source knows, nothing
more."""

from ringline.calls.model.call import AnswerFrom, Refusal
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.transfers.transfer_events import (
    TransferAsked,
    TransferBegun,
    TransferCompleted,
    TransferFailed,
    TransferJoined,
    TransferRang,
)
from ringline.record import Record


class _OfAttempt(Record):
    """What tells no more than when, and in which attempt."""

    at: int
    attempt: int


class CallerId(Record):
    """One of the account's numbers, with the trunk that calls from it go out through."""

    number: str
    trunk_id: str | None


class Claimed(Record):
    """A line was free and the dialer took the call on: the dial intent, durable before the phone rings. With
    `tries_agent` other calls wait until this dial knows whether their agent is there. `runner_id` is the runner that
    has a place for the call, where its brain is one, and `speech_row` names the speech worker one of whose places it
    takes. The attempt counts in `counters`, where one of them is of its
    number on that day. `caller_id` is the number that was chosen for it from a pool."""

    at: int
    answer_from: AnswerFrom | None = None
    tries_agent: bool = False
    runner_id: str | None = None
    speech_row: str | None = None
    counters: tuple[str, ...] = ()
    counted_on: int | None = None
    caller_id: CallerId | None = None


class CapSet(_OfAttempt):
    """Something of the call that is under way was given a cap: from now on it counts there, too."""

    counter: str


class RunnerGiven(Record):
    """A runner with a free place is to think for the call from now on: the first one of a caller's, or another than
    before."""

    at: int
    attempt: int
    runner_id: str


class FellBack(_OfAttempt):
    """The caller's agent has not come in time: the one that was named for this case is about to be sent, or the number
    about to be called."""


class LegJoined(Record):
    """A SIP leg is in the room. For an outbound call that means "dialling", never "answered". `identity` tells whose it
    is; None stands for the call's own. With `has_used_token` somebody came to a call from a browser with the token that
    its caller was given, and not as that caller comes back. `is_seen` where somebody has just seen it in the room: what
    LiveKit tells of a leg's coming may be late."""

    at: int
    attempt: int
    sid: str
    identity: str | None = None
    has_used_token: bool = False
    is_seen: bool = False


class AgentSeen(Record):
    """An agent who is in the room, since `joined_at`."""

    sid: str
    joined_at: int
    identity: str = ""


class Answered(Record):
    """The far end answered. `agent` is the agent found in the room at that moment, if any."""

    at: int
    attempt: int
    leg_sid: str | None
    sip_call_id: str | None
    agent: AgentSeen | None


class AgentJoined(Record):
    """An agent came into the room. Who lost the connection comes back with another `sid` and the same `identity`; an
    empty one is not known."""

    at: int
    attempt: int
    sid: str
    identity: str = ""


class DispatchedAgain(_OfAttempt):
    """Another agent is about to be dispatched, because none has come. Recorded before LiveKit is asked: LiveKit drops a
    dispatch that no worker has room for, and whoever looks at the same moment must not send one more."""


class SpeechLost(Record):
    """The job of our speech worker that this dispatch brought has died, or its worker is gone. LiveKit shows its agent
    in the room for 20 s more."""

    at: int
    attempt: int
    dispatch: int


class AgentWantedBack(_OfAttempt):
    """The agent was put out for somebody who had the call, and who was gone before that was done."""


class OthersTalk(_OfAttempt):
    """No agent is in the room, and somebody is with whom the other side talks: the agent brought them in and left."""


class OtherLeft(_OfAttempt):
    """Somebody left the room who is neither the call's leg nor its agent."""


class AgentLeft(Record):
    """An agent left the room."""

    at: int
    attempt: int
    sid: str
    disconnect_reason: str | None


class LegLeft(Record):
    """A SIP leg left the room. `last_call_status` is how it stood with its phone then; `identity` as above."""

    at: int
    attempt: int
    sid: str | None
    disconnect_reason: str | None
    last_call_status: str | None
    identity: str | None = None


class RoomFinished(_OfAttempt):
    """LiveKit closed the room."""


class DialRefused(Record):
    """The dial is over without an answer, and LiveKit or the carrier said how."""

    at: int
    attempt: int
    sip_code: int | None
    sip_status: str | None
    twirp_code: str | None
    message: str | None
    refusal: Refusal | None = None


class DialNotSent(Record):
    """The dial failed before the INVITE: nothing rang. `retry_after_s` is None where trying again cannot help."""

    at: int
    attempt: int
    why: str
    twirp_code: str | None
    retry_after_s: int | None


class DialDeferred(Record):
    """The carrier, or LiveKit, took no more calls at that moment: nothing rang, and the call waits for its turn again.
    `pause_s` is how long nobody should dial through that trunk."""

    at: int
    attempt: int
    sip_code: int | None
    sip_status: str | None
    twirp_code: str | None
    message: str
    pause_s: int


class AgentAwaited(_OfAttempt):
    """The dialer has been waiting for the agent for a while. No INVITE is sent before it says that the agent came."""


class AgentCame(_OfAttempt):
    """The agent that the dialer was waiting for is there, and the INVITE follows."""


class DialWithoutAgent(Record):
    """No agent came in time, so nobody was rung. `missing_since` is when the agent was found missing first, and before
    `again_at` no call waits for it."""

    at: int
    attempt: int
    missing_since: int
    again_at: int


class DialWithoutLivekit(Record):
    """LiveKit was away: nothing rang, and nothing would have. Before `again_at` no call is dialled, but for one that
    finds out whether it is back."""

    at: int
    attempt: int
    why: str
    twirp_code: str
    again_at: int


class EndAsked(Record):
    """Somebody wants the call to end. Recorded before LiveKit is asked, whose signals for a cancel and a ring time-out
    are alike. `attempt` is set where only that attempt is meant: a limit of its own has passed."""

    at: int
    reason: EndReason
    attempt: int | None = None


class GivenUp(_OfAttempt):
    """Whoever looked gives the attempt up and is about to close its room. Recorded before LiveKit is asked, which then
    says only that the room was deleted."""


class FoundOver(_OfAttempt):
    """Whoever looked found nothing of the attempt alive any more: the record tells why it ended, as far as it is
    known."""


class SeenWaiting(Record):
    """The sweep saw the call wait for a line past its moment and has its account marked as waiting: from now on the
    mark looks after it."""

    at: int


class CarrierRang(_OfAttempt):
    """The carrier says that the phone rings."""


class CarrierForwarded(Record):
    """The carrier passed the call on to another place, to a voicemail if it says so."""

    at: int
    attempt: int
    to: str | None
    to_voicemail: bool


class CarrierFailed(Record):
    """The carrier could not, or would not, connect the call."""

    at: int
    attempt: int
    sip_code: int | None
    sip_status: str | None
    cause: str | None
    refusal: Refusal | None = None


class CarrierEnded(Record):
    """The carrier says that the phone call is over."""

    at: int
    attempt: int
    cause: str | None


class AgentReady(Record):
    """The agent is there and says what it can report. Our own speech worker also says who it is, and which dispatch
    brought its job. `proven` is the dispatch that the agent's token is of."""

    at: int
    attempt: int
    can_report: tuple[str, ...]
    worker_id: str | None = None
    dispatch: int | None = None
    proven: int | None = None


class UserSpoke(Record):
    """The agent heard its caller speak. It was `told_at` that moment, by our clock; one that is later than `at` says
    that the agent has dated it."""

    at: int
    attempt: int
    told_at: int | None = None


class SilenceHeard(Record):
    """The agent has heard nobody for `silent_s`. `told_at` as above."""

    at: int
    attempt: int
    silent_s: float
    told_at: int | None = None


class VoicemailHeard(Record):
    """The agent is sure that a voicemail answered; `why` in its own words."""

    at: int
    attempt: int
    why: str | None


class AgentHangsUp(Record):
    """The agent wants the call to end. `words` is the reason as it gave it, `reason` what that means."""

    at: int
    attempt: int
    reason: EndReason
    words: str | None


class Transferred(Record):
    """The agent hands the call over, has only begun to, or says that this failed."""

    at: int
    attempt: int
    to: str | None
    failed: bool
    only_started: bool = False


class TranscriptKept(Record):
    """The attempt's transcript is stored, `kept` says where. `user_spoke` is whether the person has a turn in it,
    `is_final` whether the agent has no more to tell."""

    at: int
    attempt: int
    turns: int
    kept: str
    user_spoke: bool = False
    is_final: bool = False


class ContentErased(Record):
    """Nothing of what was said, recorded, or given to the agent is to be kept, nor, where one is named, the number of
    the person."""

    at: int
    number: str | None = None


class RecordingSeen(Record):
    """LiveKit says how the recording stands: `started`, `ended` with its file, or `failed`."""

    at: int
    attempt: int
    egress_id: str
    status: str
    key: str | None = None
    duration_s: float | None = None
    error: str | None = None
    segment: int = 1


class RecordingPaused(Record):
    """From now on nothing of the call is to be recorded. Written before LiveKit is asked."""

    at: int
    attempt: int
    reason: str | None = None


class RecordingResumed(_OfAttempt):
    """The call is to be recorded again, into the next segment."""


class ListenerJoined(Record):
    """Somebody came to hear the conversation, or to talk in it."""

    at: int
    attempt: int
    identity: str
    mode: str


class ListenerLeft(Record):
    """They left."""

    at: int
    attempt: int
    identity: str


class DtmfAsked(Record):
    """The agent is to send tones. Which ones is not kept: they may be somebody's secret."""

    at: int
    attempt: int
    dtmf_id: str


class DtmfSent(Record):
    """The agent says that it has sent them, or why it has not."""

    at: int
    attempt: int
    dtmf_id: str
    error: str | None = None


type Event = (
    Claimed
    | ContentErased
    | CapSet
    | RunnerGiven
    | FellBack
    | LegJoined
    | Answered
    | AgentJoined
    | AgentLeft
    | DispatchedAgain
    | SpeechLost
    | AgentWantedBack
    | OthersTalk
    | OtherLeft
    | LegLeft
    | RoomFinished
    | DialRefused
    | DialNotSent
    | DialDeferred
    | AgentAwaited
    | AgentCame
    | DialWithoutAgent
    | DialWithoutLivekit
    | EndAsked
    | GivenUp
    | FoundOver
    | SeenWaiting
    | CarrierRang
    | CarrierForwarded
    | CarrierFailed
    | CarrierEnded
    | AgentReady
    | UserSpoke
    | SilenceHeard
    | VoicemailHeard
    | AgentHangsUp
    | Transferred
    | TranscriptKept
    | RecordingSeen
    | RecordingPaused
    | RecordingResumed
    | ListenerJoined
    | ListenerLeft
    | DtmfAsked
    | DtmfSent
    | TransferAsked
    | TransferBegun
    | TransferRang
    | TransferJoined
    | TransferCompleted
    | TransferFailed
)
