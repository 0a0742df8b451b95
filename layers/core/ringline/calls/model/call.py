"""A call: what was asked, where it stands, and the evidence of how it got there."""

from dataclasses import field
from typing import Any

from ringline.calls.facts.consent import ConsentMethod, ConsentStatus, RecordingConsent, may_record
from ringline.calls.facts.evidence import (
    AGENT_ERROR,
    BRIDGE_FAILED,
    BRIDGE_STOPPED,
    LOST_CONNECTION,
    MAY_COME_BACK,
    ROOM_CLOSED,
    ROOM_ENDED,
    UP,
    AnswerFrom,
    CallStatus,
    CarrierWords,
    Evidence,
    Refusal,
)
from ringline.calls.facts.reports import AgentReports, Listener, Note, Recording
from ringline.calls.facts.states import Direction, State, Status
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.retries import RetryPolicy
from ringline.calls.model.transfers.transfer import Transfer
from ringline.later import Carried, StoredWord
from ringline.record import stored

__all__ = [
    "AGENT_ERROR",
    "BRIDGE_FAILED",
    "BRIDGE_STOPPED",
    "LOST_CONNECTION",
    "MAY_COME_BACK",
    "ROOM_CLOSED",
    "ROOM_ENDED",
    "RUNNER",
    "UNIQUE_TO_NUMBER",
    "UP",
    "AgentReports",
    "AnswerFrom",
    "Attempt",
    "AttemptId",
    "Call",
    "CallStatus",
    "CarrierWords",
    "ConsentMethod",
    "ConsentStatus",
    "Direction",
    "Evidence",
    "Listener",
    "Note",
    "Recording",
    "RecordingConsent",
    "Refusal",
    "Speaker",
    "State",
    "Status",
    "VoicemailPolicy",
    "assert_whole",
    "attempt_of_holder",
    "attempt_of_room",
    "holder_name",
    "may_record",
    "room_name",
    "web_identity",
]


class VoicemailPolicy(StoredWord):
    """What becomes of a call that a voicemail answers."""

    HANG_UP = "hang_up"
    LEAVE_MESSAGE = "leave_message"


RUNNER = "runner"
"""The brain that is a program of the customer's, which takes so many calls at once as it has places."""
UNIQUE_TO_NUMBER = "number"
"""What a call may be the only one under way to, among those of its account that ask for it."""


@stored
class Attempt:
    """An attempt that is over and was followed by another: what became of it. `dial` is the number of its dial."""

    dial: int
    dialed_at: int
    ended_at: int
    end_reason: EndReason
    answered_at: int | None = None
    sip_code: int | None = None
    from_number: str | None = None
    """The number it went out on, where that was chosen from a pool."""
    carried: Carried = field(default=(), compare=False, repr=False)


@stored(kw_only=True)
class Call:
    """One call. Moments (`_at`) are milliseconds since 1970; None means "not yet" or "never".

    `version` grows by one with each change: every write names the version it was decided on, so no two writers decide
    on the same.

    `attempt` numbers the dials: each has its own room and leg. Not every dial is an attempt in the customer's sense:
    `unsent` counts those of the present attempt that failed before their INVITE, `deferrals` those that the carrier
    had no room for. It was deferred last at `deferred_at`, and has waited for that room, or for LiveKit, since
    `deferred_since`, most of what it waited for something else left out. `attempts` are the attempts before the present
    one.

    With `agent_first` nobody is rung before the agent is in the room. `awaits_agent_since` is set while a dialer waits
    for it for long: as long as it is, no INVITE was sent. `agent_missing_since` is when the call, dialled in vain for
    want of its agent, began to wait for it. `tries_agent` marks a dial that finds out for others whether the agent is
    back.

    `dispatches` counts the agents that were sent to the present attempt's room, the last one after the first at
    `dispatched_at`. `former_agent_sids` are those beside `agent_sid` that are known to have left; an
    agent whose connection was lost comes back with another sid and its `agent_identity`, which calls of the releases
    before do not know. `handed_over_at` is since when the other side talks with somebody whom an agent brought in that
    has left, `other_left_at` when such a person was last seen to leave, who `other_may_come_back` where the phone
    only lost its connection to the room.

    `evidence`, `carrier`, `reports`, `recorded` and the transcript belong to the present attempt.

    `due_at` is the moment from which the sweep looks at the call. Where the call is over it is the mark of an end that
    nobody has announced: the announcement alone removes it.

    LiveKit cannot pause a recording: a pause ends one, and `recording_paused_at` says since when there is to be none.
    What goes on after it is the next `recording_segment`, whose recording is `recorded`; those of the segments before
    are `former_recordings`.

    `brain` is what thinks for an agent that our own speech worker speaks for; None where the agent is the customer's
    own worker. A call whose brain is a runner holds one of its places for as long as the attempt lasts: `runner_id`
    names the runner that has it, or had it last. A caller whose agent does not come in time is taken by
    `fallback_agent_id`, with its own brain and voice, or handed over to `fallback_number`, which is called through
    `fallback_trunk_id`, the trunk of the number that they dialled, or of their pipe's where they come from a browser;
    None is the usual one. Once the call is the fallback agent's, `fallback_dispatch` is the dispatch that sends it.

    Where speech workers are known, such a call holds a place of one of them, too, kept in the row `speech_row`. LiveKit
    may give it another one: the place is one of all.

    Where something of it has a cap of its own, the present attempt counts in the `counters` of that, and its number's
    dials of the day (UTC, since 1970) `counted_on`. Where the phone was dialled on a later day than the call was
    claimed on, because its agent came that late, `claimed_on` is the day that the dial counts on. With `from_pool` the
    number it goes out on is chosen from its pipe's pool when it is claimed.

    `content_erased_at` is since when nothing is kept of what was said, recorded, or given to the agent; what comes late
    is not kept either.

    Where what was asked is long it has a row of its own, written once, which `asked_key` names: the call's own row,
    which every change writes anew, then has neither `instructions` nor `data`, nor `metadata` if that is long
    (`metadata_apart`). A call that was read without them has none of them until they are read as well
    (`asked_is_read`).

    A call that rings in has one attempt, dialled by its caller when it arrived, and holds a line if it `takes_line`.
    LiveKit named its room (`inbound_room`) and its leg (`caller_identity`).
    """

    account_id: str
    call_id: str
    direction: Direction = Direction.OUTBOUND
    state: State
    version: int = 1

    pipe_id: str | None = None
    agent_id: str | None = None
    brain: str | None = None
    fallback_agent_id: str | None = None
    fallback_brain: str | None = None
    fallback_number: str | None = None
    fallback_trunk_id: str | None = None
    fallback_voice_profile_id: str | None = None
    fallback_voice: dict[str, Any] | None = None
    fallback_dispatch: int | None = None
    voice_profile_id: str | None = None
    voice: dict[str, Any] | None = None
    from_number: str | None = None
    to_number: str | None = None
    trunk_id: str | None = None
    inbound_room: str | None = None
    caller_identity: str | None = None
    instructions: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    asked_key: str | None = None
    metadata_apart: bool = False
    asked_is_read: bool = field(default=False, compare=False)
    webhook_url: str | None = None
    ring_timeout_s: int
    max_call_duration_s: int
    agent_join_timeout_s: int | None = None
    agent_first: bool = True
    voicemail_ring_min_s: float | None = None
    voicemail_ring_max_s: float | None = None
    voicemail_greeting_min_s: float | None = None
    voicemail_greeting_s: float | None = None
    voicemail_policy: VoicemailPolicy | None = None
    recording: bool = False
    recording_consent: RecordingConsent | None = None
    transfer_allowed_numbers: tuple[str, ...] | None = None
    transfer_allowed_prefixes: tuple[str, ...] | None = None

    created_at: int
    eligible_at: int
    scheduled_at: int | None = None
    expires_at: int | None = None
    unique_to: str | None = None
    attempt: int = 0
    unsent: int = 0
    deferrals: int = 0
    deferred_since: int | None = None
    deferred_at: int | None = None
    retry: RetryPolicy | None = None
    attempts: tuple[Attempt, ...] = ()
    answer_from: AnswerFrom | None = None
    tries_agent: bool = False
    runner_id: str | None = None
    speech_row: str | None = None
    from_pool: bool = False
    takes_line: bool = False
    counters: tuple[str, ...] = ()
    counted_on: int | None = None
    claimed_on: int | None = None
    awaits_agent_since: int | None = None
    agent_missing_since: int | None = None
    dialed_at: int | None = None
    answered_at: int | None = None
    agent_joined_at: int | None = None
    agent_left_at: int | None = None
    active_at: int | None = None
    ended_at: int | None = None
    due_at: int | None = None

    leg_sid: str | None = None
    former_leg_sids: tuple[str, ...] = ()
    sip_call_id: str | None = None
    agent_sid: str | None = None
    agent_identity: str | None = None
    former_agent_sids: tuple[str, ...] = ()
    dispatches: int = 1
    dispatched_at: int | None = None
    handed_over_at: int | None = None
    other_left_at: int | None = None
    other_may_come_back: bool = False

    end_asked_at: int | None = None
    end_asked_reason: EndReason | None = None
    end_reason: EndReason | None = None
    evidence: Evidence = field(default_factory=Evidence)
    carrier: CarrierWords = field(default_factory=CarrierWords)
    reports: AgentReports = field(default_factory=AgentReports)
    recorded: Recording | None = None
    transcript_turns: int = 0
    transcript_kept: str | None = None
    notes: tuple[Note, ...] = ()
    recording_segment: int = 1
    recording_paused_at: int | None = None
    former_recordings: tuple[Recording, ...] = ()
    listeners: tuple[Listener, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    content_erased_at: int | None = None
    carried: Carried = field(default=(), compare=False, repr=False)

    @property
    def is_understood(self) -> bool:
        """Whether this release knows what is to become of it. A call in a state of a later one, or under way in a
        direction that only a later one has, is left alone. One that is over is over in any direction."""
        return self.state.is_known and (self.direction.is_known or self.state.is_terminal)

    @property
    def is_whole(self) -> bool:
        """Whether it has here what was asked: who shows the call, or tells its agent, needs it."""
        return self.asked_key is None or self.asked_is_read

    @property
    def holds_slot(self) -> bool:
        """Whether the call occupies one of the account's lines. Inbound calls do where the account reserves lines for
        them, and pass no gate elsewhere."""
        return (self.direction is not Direction.INBOUND or self.takes_line) and self.state.is_in_flight

    @property
    def comes_in(self) -> bool:
        """Whether the other side came to us, by phone or from a browser: nobody is dialled, and the agent's coming is
        the answer."""
        return self.direction is not Direction.OUTBOUND

    @property
    def needs_place(self) -> bool:
        """Whether the call can only be had with a runner that has a place for it."""
        return self.brain == RUNNER

    @property
    def holds_place_of(self) -> str | None:
        """The runner one of whose places this call holds."""
        return self.runner_id if self.in_flight else None

    @property
    def holds_speech_place_of(self) -> str | None:
        """The row of the speech worker one of whose places this call holds."""
        return self.speech_row if self.in_flight else None

    @property
    def counts_in(self) -> tuple[str, ...]:
        """The counters in which this call counts now."""
        return self.counters if self.in_flight else ()

    @property
    def in_flight(self) -> bool:
        return self.state.is_in_flight

    def is_its_agent(self, identity: str, sid: str | None = None) -> bool:
        """Whether this is the agent that the call knows, under whatever sid: LiveKit lets nobody else have its
        identity. Where that is unknown only the sid tells, if one is given."""
        return (bool(identity) and identity == self.agent_identity) or (sid is not None and sid == self.agent_sid)

    def has_fallen_back_from(self, dispatch: int | None) -> bool:
        """Whether the agent of that dispatch did not come in time, and the caller is another one's."""
        return dispatch is not None and self.fallback_dispatch is not None and dispatch < self.fallback_dispatch

    def has_expired(self, now: int) -> bool:
        """Whether it is not to be dialled any more."""
        return self.expires_at is not None and self.expires_at <= now

    @property
    def end_is_untold(self) -> bool:
        """Whether nobody has announced the call's end yet."""
        return self.state.is_terminal and self.due_at is not None

    @property
    def attempt_number(self) -> int:
        """The present attempt as the customer counts, from 1; 0 before the first."""
        return len(self.attempts) + 1 if self.dialed_at is not None else len(self.attempts)

    @property
    def room_name(self) -> str | None:
        """The LiveKit room of the present attempt; None before the first."""
        if self.inbound_room is not None:
            return self.inbound_room
        return room_name(self.account_id, self.call_id, self.attempt) if self.attempt else None

    def trunk_to(self, transfer: Transfer) -> str | None:
        """The trunk through which a number is called into the room; None for the usual one. A caller's own trunk is the
        one that they came in by, which calls nobody."""
        return transfer.trunk_id if self.comes_in else self.trunk_id

    def end_of(self, attempt: int) -> EndReason | None:
        """Why that attempt ended; None while it goes on, and for a dial that was no attempt."""
        present = self.end_reason if attempt == self.attempt else None
        return next((each.end_reason for each in self.attempts if each.dial == attempt), present)

    @property
    def leg_identity(self) -> str:
        """The identity of this attempt's SIP leg: another attempt's leg never has the same."""
        return self.caller_identity or f"sip-{self.call_id}-{self.attempt}"


def assert_whole(call: Call) -> None:
    """Raises LookupError for a call whose instructions and data have not been read: it would look as if it had none."""
    if not call.is_whole:
        raise LookupError(f"what was asked of {call.call_id} has not been read")


def is_dialled_for(call_id: str, identity: str) -> bool:
    """Whether a leg of this identity was dialled for the call: its own phone, or somebody to whom it is handed over."""
    return identity.startswith(f"sip-{call_id}-")


def web_identity(call_id: str) -> str:
    """The identity of a caller in a browser. It is no secret: only a token of ours lets anybody have it."""
    return f"web-{call_id}"


def room_name(account_id: str, call_id: str, attempt: int) -> str:
    """The room of one attempt. It carries account and call, because some of LiveKit's events tell no more than the
    room's name."""
    return f"{account_id}.{call_id}.{attempt}"


@stored
class AttemptId:
    """One attempt of one call: what a room is opened for, and what an agent speaks for."""

    account_id: str
    call_id: str
    attempt: int


@stored
class Speaker(AttemptId):
    """The agent that a dispatch brought to an attempt, and which of the account's it is; None where its token does not
    tell."""

    dispatch: int | None = None
    agent_id: str | None = None


_MOST_DIGITS_OF_AN_ATTEMPT = 9
"""Customers say rooms' names, too, and Python reads no number of more than 4,300 digits."""


def attempt_of_room(name: str) -> AttemptId | None:
    """The attempt that a room of this name was opened for, or None if it is none of ours."""
    parts = name.split(".")
    if len(parts) != 3 or not all(parts) or not parts[2].isdecimal() or len(parts[2]) > _MOST_DIGITS_OF_AN_ATTEMPT:
        return None
    return AttemptId(parts[0], parts[1], int(parts[2]))


def holder_name(call: Call) -> str:
    """By which a call holds a place of the speech workers: no other attempt has the same name."""
    return f"{call.account_id}/{call.call_id}/{call.attempt}"


def attempt_of_holder(name: str) -> AttemptId:
    """The attempt of a holder's name."""
    account_id, call_id, attempt = name.split("/")
    return AttemptId(account_id, call_id, int(attempt))
