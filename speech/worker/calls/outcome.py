"""Why a call ended, as far as the worker can know, for the agent whose bridge is about to be closed.

The control plane knows better what the carrier said: its word is in the call's `call_end`.
"""

from dataclasses import dataclass

_BY_BEGINNING = (
    ("silence", "AGENT_HUNG_UP_SILENCE_DETECTED"),
    ("voicemail", "AGENT_HUNG_UP_VOICEMAIL_DETECTED"),
    ("max_duration", "MAX_DURATION_REACHED"),
    ("idle", "IDLE_TIMEOUT"),
    ("transfer", "CALL_TRANSFERRED"),
    ("error", "AGENT_FAILED"),
    ("failed", "AGENT_FAILED"),
    ("agent_failed", "AGENT_FAILED"),
)
"""docs/agents.md, "Reasons for hanging up"."""
_BEFORE_THE_ANSWER = {
    "USER_REJECTED": "USER_HUNG_UP_RINGING",
    "USER_UNAVAILABLE": "USER_DID_NOT_PICK_UP",
    "SIP_TRUNK_FAILURE": "SIP_FAILED_TRUNK",
    "CONNECTION_TIMEOUT": "CONNECTION_LOST",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    end_reason: str
    status: str


def presumed(
    gone: str, *, was_answered: bool, hung_up_for: str | None = None, was_transferred: bool = False
) -> Outcome:
    """`gone` is LiveKit's reason for the leg's or the room's end."""
    if not was_answered:
        return Outcome(_BEFORE_THE_ANSWER.get(gone, "CALL_CANCELED"), "failed")
    if was_transferred:
        return Outcome("CALL_TRANSFERRED", "completed")
    if hung_up_for is not None:
        return Outcome(_of_hang_up(hung_up_for), "completed")
    if gone in {"CLIENT_INITIATED", "USER_REJECTED", "USER_UNAVAILABLE"}:
        return Outcome("USER_HUNG_UP_IN_CALL", "completed")
    if gone in {"ROOM_DELETED", "ROOM_CLOSED", "PARTICIPANT_REMOVED"}:
        return Outcome("API_HUNG_UP", "completed")
    return Outcome("CONNECTION_LOST", "completed")


def _of_hang_up(reason: str) -> str:
    word = "_".join(reason.lower().replace("-", " ").replace("_", " ").split())
    return next((name for beginning, name in _BY_BEGINNING if word.startswith(beginning)), "AGENT_HUNG_UP")
