"""What a call in flight is owed by the clock. Pure: the sweep looks, this decides."""

from dataclasses import dataclass
from enum import StrEnum

from ringline.calls.call import Call, CallStatus
from ringline.calls.ports import LegView
from ringline.calls.reasons import EndReason
from ringline.calls.timing import (
    AGENT_CHECK_EVERY_S,
    AGENT_JOIN_S,
    AGENT_SUCCESSOR_S,
    ANSWER_MARGIN_S,
    DIAL_OUTCOME_MARGIN_S,
    DIALER_SILENCE_S,
)

_SWEEP_EVERY_MS = 60_000


class Owed(StrEnum):
    NOTHING = "nothing"
    """The call is fine."""
    LOOK = "look"
    """Something is late: look who is in the room."""
    SETTLE = "settle"
    """Nothing of it is alive: what is recorded tells why it ended."""


@dataclass(frozen=True, slots=True)
class End:
    """A limit has passed: end the call for this reason; None where the record tells the reason."""

    reason: EndReason | None


def owed(call: Call, room_is_open: bool, now: int) -> Owed | End:
    """What is due to a call in flight, from the record and whether its room is open at all."""
    if call.end_asked_at is not None:
        return End(None)
    if _passed(call.evidence.leg_left_at, DIALER_SILENCE_S, now) or _passed(
        call.evidence.room_finished_at, DIALER_SILENCE_S, now
    ):
        return Owed.LOOK if room_is_open else Owed.SETTLE
    if call.answered_at is None:
        return Owed.LOOK if now >= dial_outcome_due_at(call) else Owed.NOTHING
    if not room_is_open:
        return Owed.SETTLE
    if _passed(call.answered_at, call.max_call_duration_s, now):
        return End(EndReason.MAX_DURATION_REACHED)
    if call.active_at is None and _passed(call.answered_at, agent_join_s(call), now):
        return Owed.LOOK
    if _passed(call.agent_left_at, AGENT_SUCCESSOR_S, now):
        return Owed.LOOK
    in_check_minute = (now - call.answered_at) % (AGENT_CHECK_EVERY_S * 1000) < _SWEEP_EVERY_MS
    return Owed.LOOK if in_check_minute and call.active_at is not None else Owed.NOTHING


def agent_join_s(call: Call) -> int:
    """How long an answered call waits for its agent."""
    return AGENT_JOIN_S if call.agent_join_timeout_s is None else call.agent_join_timeout_s


def look_again_in_s(call: Call) -> int:
    """When a look will tell what became of a call whose agent, leg or room just went."""
    waits_for = AGENT_SUCCESSOR_S if call.agent_left_at is not None else DIALER_SILENCE_S
    return waits_for + 1


def dial_outcome_due_at(call: Call) -> int:
    """When a dial must have had its outcome, if its dialer lives."""
    begun = call.dialed_at or call.created_at
    return begun + (call.ring_timeout_s + ANSWER_MARGIN_S + DIAL_OUTCOME_MARGIN_S) * 1000


def is_up(leg: LegView | None) -> bool:
    """Whether a leg found in the room is an answered call."""
    return leg is not None and leg.call_status in {CallStatus.ACTIVE, CallStatus.AUTOMATION}


def _passed(since: int | None, limit_s: int, now: int) -> bool:
    return since is not None and now - since >= limit_s * 1000
