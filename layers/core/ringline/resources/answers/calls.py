"""Calls as they are shown: `ringline.calls.views.call_view`, and what single routes add to it."""

from typing import Any, Literal

from pydantic import Field

from ringline.calls.model.call import Direction, State, Status, VoicemailPolicy
from ringline.calls.model.reasons import Category, EndedBy, EndReason
from ringline.calls.model.transfers.transfer import TransferState
from ringline.calls.progress.hang_up import HangUpResult
from ringline.calls.views.queue_place import BlockedBy
from ringline.resources.answers.analytics import ShownResult
from ringline.resources.answers.base import MAY_BE_MISSING, Listing, Moment, MomentToTheSecond, Shown


class CallAttempt(Shown):
    """An attempt to reach somebody: its dial, its end, its reason."""

    attempt: int
    dialed_at: Moment
    answered_at: Moment | None
    ended_at: Moment | None
    end_reason: EndReason | None
    sip_code: int | None
    from_number: str | None


class ShownRetry(Shown):
    """When the call is tried again."""

    max_attempts: int
    on: list[str]
    delays_s: list[int]


class VoicemailEvidence(Shown):
    """How a voicemail was told, and what was and was not heard."""

    method: Literal["brief_ring", "forwarded", "agent_said_so", "unheard_greeting"]
    ring_s: float | None
    talk_s: float | None
    sip_code: int | None
    forwarded_to: str | None
    agent_could_hear: bool
    caller_spoke: bool
    agent_said: str | None


class ShownReports(Shown):
    """What the agent of the present attempt told; what it did not is left out."""

    ready_at: Moment = MAY_BE_MISSING
    can_report: list[str] = MAY_BE_MISSING
    user_spoke_at: Moment = MAY_BE_MISSING
    silent_since: Moment = MAY_BE_MISSING
    voicemail_at: Moment = MAY_BE_MISSING
    hung_up_for: str = MAY_BE_MISSING
    transferred_to: str = MAY_BE_MISSING


class CallTimings(Shown):
    """Moments to the second and durations in seconds; what has not happened is left out."""

    call_dialed_at: MomentToTheSecond = MAY_BE_MISSING
    call_connected_at: MomentToTheSecond = MAY_BE_MISSING
    call_ended_at: MomentToTheSecond = MAY_BE_MISSING
    ring_duration_seconds: float = MAY_BE_MISSING
    talk_duration_seconds: float = MAY_BE_MISSING


class CallTraces(Shown):
    """What the SDK reads a call's times from; empty before the first dial."""

    call_timings: CallTimings = MAY_BE_MISSING


class ShownTarget(Shown):
    """To whom: a number (`sip`, with a `number`) or an agent (`agent`, with an `agent_id`)."""

    type: Literal["sip", "agent"]
    config: dict[str, Any]


class ShownTransfer(Shown):
    """A transfer of a call. `reason` is why the target did not come, in the words of calls. `follows` is the transfer
    whose fallback this one is, `followed_by` the one that is this one's."""

    transfer_id: str
    state: TransferState
    to: ShownTarget
    mode: Literal["cold", "warm"]
    asked_by: Literal["api", "agent", "pipe"]
    requested_at: Moment
    ringing_at: Moment | None
    joined_at: Moment | None
    ended_at: Moment | None
    reason: EndReason | None
    sip_code: int | None
    warm_handoff_ms: int | None
    announcement: str | None
    fallback: list[ShownTarget | Literal["end"]]
    follows: str | None
    followed_by: str | None
    participant_id: str


class ShownSegment(Shown):
    """A recording: all of it, or what was recorded between two pauses. `from` and `to` are when it was seen to begin
    and to end."""

    segment: int
    status: str
    from_: Moment | None = Field(alias="from")
    to: Moment | None
    duration_s: float | None
    error: str | None
    url: str | None = MAY_BE_MISSING


class ShownConsent(Shown):
    """Whether the other side consented to being recorded, as whoever made the call said it."""

    status: Literal["granted", "denied"]
    method: Literal["verbal", "keypress", "stayed_on_line", "web_form", "written", "contract", "other"]
    at: Moment
    given_by: str | None = Field(description="Null, too, once the call's content is erased")
    reference: str | None = Field(description="Null, too, once the person is erased")


class ShownListener(Shown):
    """Somebody who came to hear a conversation, or to talk in it."""

    listener_id: str
    mode: Literal["listen", "barge"]
    joined_at: Moment
    left_at: Moment | None


class AcceptedCall(Shown):
    """A call, as it was accepted. Events of webhooks bear the same."""

    call_id: str
    org_id: str
    pipe_id: str | None
    agent_id: str | None
    direction: Direction
    from_number: str | None
    to_number: str | None
    trunk_id: str | None
    brain: str
    runner_id: str | None
    session_id: str | None
    room_name: str | None
    instructions: str | None
    data: dict[str, Any]
    metadata: dict[str, Any]
    status: Status
    state: State
    attempt: int
    attempts: list[CallAttempt]
    retry: ShownRetry | None
    next_attempt_at: Moment | None
    end_reason: EndReason | None
    end_category: Category | None
    ended_by: EndedBy | None
    retryable: bool | None
    sip_code: int | None
    sip_status: str | None
    created: Moment
    scheduled_at: Moment | None
    expires_at: Moment | None
    unique_to: Literal["number"] | None
    started_at: Moment | None
    ended_at: Moment | None
    duration_s: float | None
    voicemail: VoicemailEvidence | None
    voicemail_policy: VoicemailPolicy
    agent_reports: ShownReports | None
    transfers: list[ShownTransfer]
    recording: bool
    recording_consent: ShownConsent | None
    recording_status: str | None
    recording_error: str | None
    recording_paused_at: Moment | None
    recording_segments: list[ShownSegment]
    listeners: list[ShownListener]
    traces: CallTraces
    transcript_turns: int
    recording_pending: bool = Field(description="A file of the conversation is still to come")
    transcript_pending: bool = Field(description="The agent has not told all of the transcript that it promised")
    content_erased_at: Moment | None


class CreatedCall(AcceptedCall):
    """The call that was accepted, or the one that is under way already to the number it is to be unique to."""

    already_under_way: Literal[True] = MAY_BE_MISSING


class ShownCall(AcceptedCall):
    """A call, as a row of a list."""

    recording_url: str | None = Field(description="A link to the recording, good for 15 minutes")


class CallList(Listing[ShownCall]):
    """The account's calls, newest first."""


class ShownPlace(Shown):
    """Where a waiting call stands, and what it waits for."""

    position: int
    counts_all: bool
    blocked_by: BlockedBy
    estimated_start_at: Moment | None
    in_use: int
    cap: int


class SaidTurn(Shown):
    """What one of the two said."""

    role: Literal["agent", "user"]
    content: str
    timestamp: str | None


class CallInFull(ShownCall):
    """A call with its words, and its place in the queue while it waits."""

    transcript: list[SaidTurn]
    summary: str | None
    usage: dict[str, Any]
    analytics: list[ShownResult]
    queue: ShownPlace = MAY_BE_MISSING


class EndedCall(ShownCall):
    """A call whose end was asked for, and what came of that."""

    result: HangUpResult


class RecordedCall(ShownCall):
    """A call whose recording was to be paused or to go on, and what came of that."""

    result: Literal["paused", "resumed"]


class ToldAgents(Shown):
    """What was sent to the agents in the room of a call, and to how many."""

    message_id: str
    result: Literal["sent"]
    agents: int


class AskedTones(Shown):
    """Tones that the agent was asked to send. Its word of them stands among the events of the call."""

    dtmf_id: str
    result: Literal["accepted"]


class MonitorToken(Shown):
    """What somebody joins with to hear a conversation, or to talk in it: LiveKit's own client takes `url` and
    `token`."""

    token: str
    expires_at: Moment
    url: str
    room_name: str
    listener_id: str
    mode: Literal["listen", "barge"]


class CallEvent(Shown):
    """A moment of a call. `dial` numbers its dials, of which one attempt may have several."""

    at: Moment
    what: str
    attempt: int = MAY_BE_MISSING
    dial: int = MAY_BE_MISSING
    scheduled_at: Moment = MAY_BE_MISSING
    waited_for_line_s: float = MAY_BE_MISSING
    reason: str = MAY_BE_MISSING
    sip_code: int = MAY_BE_MISSING
    sip_status: str = MAY_BE_MISSING
    why: str = MAY_BE_MISSING
    to: str = MAY_BE_MISSING
    mode: str = MAY_BE_MISSING
    asked_by: str = MAY_BE_MISSING
    transfer_id: str = MAY_BE_MISSING
    to_voicemail: bool = MAY_BE_MISSING
    cause: str = MAY_BE_MISSING
    of_another_leg: bool = MAY_BE_MISSING
    words: str = MAY_BE_MISSING
    dispatches: int = MAY_BE_MISSING
    can_report: list[str] = MAY_BE_MISSING
    listener_id: str = MAY_BE_MISSING
    position: int = MAY_BE_MISSING
    counts_all: bool = MAY_BE_MISSING
    blocked_by: BlockedBy = MAY_BE_MISSING
    estimated_start_at: Moment | None = MAY_BE_MISSING
    in_use: int = MAY_BE_MISSING
    cap: int = MAY_BE_MISSING


class CallEvents(Listing[CallEvent]):
    """What happened to a call, oldest first. A call that waits has its place in the queue at the end."""


class TransferList(Listing[ShownTransfer]):
    """The transfers of a call, the first one first, on one page."""


class SessionTransfer(Shown):
    """What the SDK reads of a transfer that was asked for, and how it stands."""

    session_id: str
    added_participant_id: str
    removed_participant_id: str | None
    mode: Literal["cold", "warm"]
    call_id: str
    transfer_id: str
    state: TransferState


class ErasedContent(Shown):
    """What was deleted with this request. What is told again once all is gone has only zeros."""

    call_id: str
    content_erased_at: Moment
    transcripts: int = Field(description="Rows and files of transcripts")
    recordings: int = Field(description="Files of recordings")
    outcomes: int
    events: int = Field(description="Stored events, of which only the call's id, type and time are left")


class ErasedNumber(Shown):
    """What was erased with this request."""

    calls: int = Field(description="Calls that have neither the number nor their content any more")
    transcripts: int
    recordings: int
    outcomes: int
    events: int
    left: list[str] = Field(description="Calls that are not over, or are still being recorded: ask again later")
    next_cursor: str | None = Field(description="Where the next request goes on; null at the end")
