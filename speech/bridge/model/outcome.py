"""Why a call ended, for the agent whose bridge is about to be closed.

The control plane knows what the carrier said, and is asked; `presumed` is for when it does not know in time. Pure: how
it is asked is whose worker it is.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

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
_TERMINAL = {"completed", "failed"}
"""Of an attempt that is over while its call waits for the next one, the attempt has failed."""
_BEFORE_THE_ANSWER = {
    "USER_REJECTED": "USER_HUNG_UP_RINGING",
    "USER_UNAVAILABLE": "USER_DID_NOT_PICK_UP",
    "SIP_TRUNK_FAILURE": "SIP_FAILED_TRUNK",
    "CONNECTION_TIMEOUT": "CONNECTION_LOST",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """An end reason and a status, in the words of the control plane."""

    end_reason: str
    status: str


def told_in(answer: Mapping[str, Any] | None) -> Outcome | None:
    """What the answer to agent events says of the attempt's end (docs/agents.md: a request without events merely asks);
    None while it is not over."""
    match answer:
        case {"end_reason": str(end_reason), "status": str(status)}:
            return Outcome(end_reason, status if status in _TERMINAL else "failed")
    return None


async def told(
    ask: Callable[[], Awaitable[Mapping[str, Any] | None]],
    again_after_s: Iterable[float],
    sleep: Callable[[float], Awaitable[None]],
) -> Outcome | None:
    """The control plane's word, asked for at once and again after these pauses; None where there is none in time."""
    for pause_s in (*again_after_s, None):
        outcome = told_in(await ask())
        if outcome is not None or pause_s is None:
            return outcome
        await sleep(pause_s)
    return None


def presumed(
    gone: str, *, was_answered: bool, hung_up_for: str | None = None, was_transferred: bool = False
) -> Outcome:
    """`gone` is LiveKit's reason for the leg's or the room's end."""
    if not was_answered:
        return Outcome(_BEFORE_THE_ANSWER.get(gone, "CALL_CANCELED"), "failed")
    if was_transferred:
        return Outcome("CALL_TRANSFERRED", "completed")
    if hung_up_for is not None:
        return Outcome(reason_of_hang_up(hung_up_for), "completed")
    if gone in {"CLIENT_INITIATED", "USER_REJECTED", "USER_UNAVAILABLE"}:
        return Outcome("USER_HUNG_UP_IN_CALL", "completed")
    if gone in {"ROOM_DELETED", "ROOM_CLOSED", "PARTICIPANT_REMOVED"}:
        return Outcome("API_HUNG_UP", "completed")
    return Outcome("CONNECTION_LOST", "completed")


def reason_of_hang_up(reason: str) -> str:
    """The end reason that an agent's words for hanging up mean."""
    word = "_".join(reason.lower().replace("-", " ").replace("_", " ").split())
    return next((name for beginning, name in _BY_BEGINNING if word.startswith(beginning)), "AGENT_HUNG_UP")
