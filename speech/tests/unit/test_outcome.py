"""Why a call ended, as far as its worker can tell the agent."""

import pytest

from speech.bridge.model.outcome import Outcome, presumed


@pytest.mark.parametrize(
    ("gone", "told", "end_reason"),
    [
        ("CLIENT_INITIATED", {}, "USER_HUNG_UP_IN_CALL"),
        ("ROOM_DELETED", {"hung_up_for": "completed"}, "AGENT_HUNG_UP"),
        ("ROOM_DELETED", {"hung_up_for": "silence"}, "AGENT_HUNG_UP_SILENCE_DETECTED"),
        ("ROOM_DELETED", {"hung_up_for": "Max-Duration"}, "MAX_DURATION_REACHED"),
        ("ROOM_DELETED", {"hung_up_for": "agent_failed"}, "AGENT_FAILED"),
        ("ROOM_DELETED", {}, "API_HUNG_UP"),
        ("CLIENT_INITIATED", {"was_transferred": True}, "CALL_TRANSFERRED"),
        ("SIGNAL_CLOSE", {}, "CONNECTION_LOST"),
    ],
)
def test_a_call_that_was_answered_is_completed(gone: str, told: dict[str, object], end_reason: str) -> None:
    assert presumed(gone, was_answered=True, **told) == Outcome(end_reason, "completed")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("gone", "end_reason"),
    [
        ("USER_REJECTED", "USER_HUNG_UP_RINGING"),
        ("USER_UNAVAILABLE", "USER_DID_NOT_PICK_UP"),
        ("ROOM_DELETED", "CALL_CANCELED"),
    ],
)
def test_a_call_that_was_not_has_failed(gone: str, end_reason: str) -> None:
    assert presumed(gone, was_answered=False) == Outcome(end_reason, "failed")
