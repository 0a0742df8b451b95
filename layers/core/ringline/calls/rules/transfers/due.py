"""What a transfer is owed by the clock. Pure: whoever looks at its call asks."""

from enum import StrEnum

from ringline.calls.model.call import Call
from ringline.calls.model.timing import (
    AGENT_JOIN_S,
    ANSWER_MARGIN_S,
    DIAL_OUTCOME_MARGIN_S,
    DIALER_SILENCE_S,
    FALLBACK_BEGINS_WITHIN_S,
    REFER_TAKES_S,
    TRANSFER_BEGINS_WITHIN_S,
    TRANSFER_BEGUN_BY_S,
    ms,
)
from ringline.calls.model.transfers.transfer import Transfer, TransferState, under_way


class TransferOwed(StrEnum):
    NOTHING = "nothing"
    BEGIN = "begin"
    """Nobody has taken it on."""
    GIVE_UP = "give_up"
    """Nobody has taken it on, though it was asked for again: it has failed."""
    SETTLE = "settle"
    """Whoever carries it out must have told by now how it went: look who is in the room."""
    RELEASE = "release"
    """The target is there, and the agent before has had its time."""


def transfer_owed(call: Call, now: int) -> TransferOwed:
    """What is due to the transfer that is under way. Whose leg has left for good is handed over to nobody: the transfer
    ends with its call."""
    transfer = under_way(call.transfers)
    if transfer is None or not transfer.is_understood:
        return TransferOwed.NOTHING
    if call.end_asked_at is not None or call.evidence.leg_has_left_for_good:
        return TransferOwed.NOTHING
    if transfer.state is TransferState.JOINED and transfer.left is not None:
        return TransferOwed.SETTLE if now >= settled_by(call, transfer) else TransferOwed.NOTHING
    if transfer.state is TransferState.JOINED:
        due_at = release_at(transfer)
        return TransferOwed.RELEASE if due_at is not None and now >= due_at else TransferOwed.NOTHING
    if transfer.begun_at is None:
        if now >= begun_by(transfer):
            return TransferOwed.GIVE_UP
        is_late = now - transfer.requested_at >= ms(begins_within_s(transfer))
        return TransferOwed.BEGIN if is_late else TransferOwed.NOTHING
    return TransferOwed.SETTLE if now >= settled_by(call, transfer) else TransferOwed.NOTHING


def begins_within_s(transfer: Transfer) -> int:
    """How soon after it was asked for somebody must have begun it."""
    return TRANSFER_BEGINS_WITHIN_S if transfer.follows is None else FALLBACK_BEGINS_WITHIN_S


def begun_by(transfer: Transfer) -> int:
    """When a transfer that nobody has begun is given up."""
    return transfer.requested_at + ms(TRANSFER_BEGUN_BY_S)


def release_at(transfer: Transfer) -> int | None:
    """When the agent before is put out; None where that is the agent's own decision, or nobody has joined."""
    if transfer.joined_at is None:
        return None
    if transfer.is_to_agent:
        return transfer.joined_at
    return None if transfer.warm_handoff_ms is None else transfer.joined_at + transfer.warm_handoff_ms


def settled_by(call: Call, transfer: Transfer) -> int:
    """When whoever has begun it must have told how it went, if they live. Where its target is known to have left that
    is sooner, never later. A target that has joined and lost its connection has as long to come back."""
    if transfer.joined_at is not None and transfer.left is not None:
        return transfer.left.at + ms(DIALER_SILENCE_S)
    begun_at = transfer.begun_at or transfer.requested_at
    told_by = begun_at + ms(target_comes_within_s(call, transfer) + DIAL_OUTCOME_MARGIN_S)
    return told_by if transfer.left is None else min(told_by, transfer.left.at + ms(DIALER_SILENCE_S))


def target_comes_within_s(call: Call, transfer: Transfer) -> int:
    """How long the target has until it must be there."""
    if transfer.is_refer:
        return REFER_TAKES_S
    if transfer.is_to_agent:
        return AGENT_JOIN_S if call.agent_join_timeout_s is None else call.agent_join_timeout_s
    return call.ring_timeout_s + ANSWER_MARGIN_S


def look_at_transfer_in_s(call: Call, now: int) -> int | None:
    """In how many seconds a look finds something due; None where nothing will be."""
    transfer = under_way(call.transfers)
    if transfer is None or not transfer.is_understood:
        return None
    if transfer.state is TransferState.JOINED and transfer.left is None:
        due_at = release_at(transfer)
    elif transfer.begun_at is None:
        due_at = transfer.requested_at + ms(begins_within_s(transfer))
    else:
        due_at = settled_by(call, transfer)
    return None if due_at is None else max(1, -(-(due_at - now) // 1000))
