"""How the control plane is asked who thinks for a call, and what it says."""

from collections.abc import Mapping
from typing import Any

from speech.bridge.model.events import Assigned, BrainAnswer, NoRunner, Served, Unreachable, Wait

TRY_AGAIN_AFTER_S = (0.2, 0.5, 1.0)
"""Within the grace of a call that has lost its runner."""
ANSWER_WITHIN_S = 3.0


def read_answer(body: Mapping[str, Any]) -> BrainAnswer:
    """The answer to a brain request. One of a later version is no answer."""
    match body:
        case {"result": "assigned", "job_id": str(job_id), "worker_id": str(worker_id)}:
            return Assigned(job_id, worker_id, _seconds(body, "dial_within_s", 2.0))
        case {"result": "wait"}:
            return Wait(_seconds(body, "wait_s", 1.0))
        case {"result": "none"}:
            return NoRunner(str(body.get("why") or ""), _seconds(body, "again_in_s", 1.0))
        case {"result": "served", "brain": str(kind)} if isinstance(body.get(kind), Mapping):
            return Served(kind, body[kind])
    return Unreachable("an answer that cannot be read")


def _seconds(body: Mapping[str, Any], key: str, otherwise: float) -> float:
    value = body.get(key)
    return float(value) if isinstance(value, int | float) else otherwise
