"""Outcomes as the SDK reads them: rows of its `AnalyticsResult`."""

from typing import Any

from ringline.calls.model.call import Call, room_name
from ringline.calls.outcomes.outcome import KeptOutcome
from ringline.runtime.clock import iso


def outcome_view(call: Call, kept: KeptOutcome) -> dict[str, Any]:
    """What the SDK calls a block is an outcome's name here: what one agent is asked for in each conversation. Fields
    that its model does not take as null are empty where nothing was told."""
    outcome = kept.outcome
    return {
        "result_id": f"{call.call_id}.{kept.dial}.{outcome.name}",
        "block_id": outcome.name,
        "name": outcome.name,
        "session_id": room_name(call.account_id, call.call_id, kept.dial),
        "call_id": call.call_id,
        "agent_id": kept.agent_id,
        "status": kept.fit.value,
        "summary": outcome.summary or "",
        "success_evaluation": outcome.success,
        "data": outcome.data or {},
        "error": kept.error,
        "created": iso(kept.told_at),
    }
