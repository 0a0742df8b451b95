"""A call: what was asked, where it stands, and the evidence of how it got there."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ringline.calls.facts.evidence import (
    AGENT_ERROR,
    BRIDGE_FAILED,
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

__all__ = [
    "AGENT_ERROR",
    "BRIDGE_FAILED",
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
    "Direction",
    "Evidence",
    "Listener",
    "Note",
    "Recording",
    "Refusal",
    "State",
    "Status",
    "VoicemailPolicy",
    "attempt_of_room",
    "room_name",
    "web_identity",
]


class VoicemailPolicy(StrEnum):
    """What becomes of a call that a voicemail answers."""

    HANG_UP = "hang_up"
    LEAVE_MESSAGE = "leave_message"


RUNNER = "runner"
"""The brain that is a program of the customer's, which takes so many calls at once as it has places."""
UNIQUE_TO_NUMBER = "number"
"""What a call may be the only one under way to, among those of its account that ask for it."""


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call. Moments (`_at`) are milliseconds since 1970; None means "not yet" or "never".

    `version` grows by one with each change: every write names the version it was decided on, so no two writers decide
    on the same.

    `attempt` numbers the dials: each has its own room and leg. Not every dial is an attempt in the customer's sense:
    `unsent` counts those of the present attempt that failed before their INVITE, `deferrals` those that the carrier
    had no room for, since `deferred_since`. `attempts` are the attempts before the present one.

    With `agent_first` nobody is rung before the agent is in the room. `awaits_agent_since` is set while a dialer waits
    for it for long: as long as it is, no INVITE was sent. `agent_missing_since` is when the call, dialled in vain for
    want of its agent, began to wait for it. `tries_agent` marks a dial that finds out for others whether the agent is
    back.

    `dispatches` counts the agents that were sent to the present attempt's room, the last one after the first at
    `dispatched_at`. `former_agent_sids` are those beside `agent_sid` that are known to have left. `handed_over_at` is
    since when the other side talks with somebody whom an agent brought in that has left, `other_left_at` when such a
    person was last seen to leave.

    `evidence`, `carrier`, `reports`, `recorded` and the transcript belong to the present attempt.

    LiveKit cannot pause a recording: a pause ends one, and `recording_paused_at` says since when there is to be none.
    What goes on after it is the next `recording_segment`, whose recording is `recorded`; those of the segments before
    are `former_recordings`.

    `brain` is what thinks for an agent that our own speech worker speaks for; None where the agent is the customer's
    own worker. A call whose brain is a runner holds one of its places for as long as the attempt lasts: `runner_id`
    names the runner that has it, or had it last. A caller whose agent does not come in time is taken by
    `fallback_agent_id`, with `fallback_brain`.

    Where something of it has a cap of its own, the present attempt counts in the `counters` of that, and its number's
    dials of the day (UTC, since 1970) `counted_on`. With `from_pool` the number it goes out on is chosen from its
    pipe's pool when it is claimed.

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
    retry: RetryPolicy | None = None
    attempts: tuple[Attempt, ...] = ()
    answer_from: AnswerFrom | None = None
    tries_agent: bool = False
    runner_id: str | None = None
    from_pool: bool = False
    takes_line: bool = False
    counters: tuple[str, ...] = ()
    counted_on: int | None = None
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
    former_agent_sids: tuple[str, ...] = ()
    dispatches: int = 1
    dispatched_at: int | None = None
    handed_over_at: int | None = None
    other_left_at: int | None = None

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
    def counts_in(self) -> tuple[str, ...]:
        """The counters in which this call counts now."""
        return self.counters if self.in_flight else ()

    @property
    def in_flight(self) -> bool:
        return self.state.is_in_flight

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

    def end_of(self, attempt: int) -> EndReason | None:
        """Why that attempt ended; None while it goes on, and for a dial that was no attempt."""
        present = self.end_reason if attempt == self.attempt else None
        return next((each.end_reason for each in self.attempts if each.dial == attempt), present)

    @property
    def leg_identity(self) -> str:
        """The identity of this attempt's SIP leg: another attempt's leg never has the same."""
        return self.caller_identity or f"sip-{self.call_id}-{self.attempt}"


def web_identity(call_id: str) -> str:
    """The identity of a caller in a browser. It is no secret: only a token of ours lets anybody have it."""
    return f"web-{call_id}"


def room_name(account_id: str, call_id: str, attempt: int) -> str:
    """The room of one attempt. It carries account and call, because some of LiveKit's events tell no more than the
    room's name."""
    return f"{account_id}.{call_id}.{attempt}"


@dataclass(frozen=True, slots=True)
class AttemptId:
    """One attempt of one call: what a room is opened for, and what an agent speaks for."""

    account_id: str
    call_id: str
    attempt: int


def attempt_of_room(name: str) -> AttemptId | None:
    """The attempt that a room of this name was opened for, or None if it is none of ours."""
    parts = name.split(".")
    if len(parts) != 3 or not all(parts) or not parts[2].isdecimal():
        return None
    return AttemptId(parts[0], parts[1], int(parts[2]))
