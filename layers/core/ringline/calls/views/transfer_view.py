"""A transfer as the API and the webhooks show it."""

from typing import Any

from ringline.calls.model.call import Call
from ringline.calls.model.transfers.transfer import Target, TargetKind, Transfer, leg_identity
from ringline.runtime.clock import iso, iso_or_none


def transfer_view(call: Call, transfer: Transfer) -> dict[str, Any]:
    followers = (each.transfer_id for each in call.transfers if each.follows == transfer.transfer_id)
    further: list[Any] = [target_view(target) for target in transfer.fallback]
    return {
        "transfer_id": transfer.transfer_id,
        "state": transfer.state.value,
        "to": target_view(transfer.target),
        "mode": transfer.mode.value,
        "asked_by": transfer.asked_by.value,
        "requested_at": iso(transfer.requested_at),
        "ringing_at": iso_or_none(transfer.ringing_at),
        "joined_at": iso_or_none(transfer.joined_at),
        "ended_at": iso_or_none(transfer.ended_at),
        "reason": transfer.reason,
        "sip_code": transfer.sip_code,
        "warm_handoff_ms": transfer.warm_handoff_ms,
        "announcement": transfer.announcement,
        "fallback": [*further, *(("end",) if transfer.ends_call else ())],
        "follows": transfer.follows,
        "followed_by": next(followers, None),
        "participant_id": added_participant(call, transfer),
    }


def target_view(target: Target) -> dict[str, Any]:
    name = "number" if target.kind is TargetKind.NUMBER else "agent_id"
    return {"type": target.kind.value, "config": {name: target.name}}


def added_participant(call: Call, transfer: Transfer) -> str:
    """Who comes: the identity of the leg that is called into the room. A phone that is sent away meets its target
    elsewhere, and LiveKit names an agent only when it comes: both are told by their own name."""
    if transfer.is_to_number and not transfer.is_refer:
        return leg_identity(call.call_id, transfer.dial, transfer.transfer_id)
    return transfer.target.name


def removed_participant(call: Call, transfer: Transfer) -> str | None:
    """Who goes once the target is there: the call's own phone, whoever was named for it, or the agent."""
    if transfer.is_refer:
        return call.leg_identity
    if transfer.is_to_number and transfer.warm_handoff_ms is None:
        return transfer.dropped
    return transfer.dropped or call.agent_sid
