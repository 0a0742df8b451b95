"""Why a call ended, for the agent whose bridge is about to be closed.

The control plane knows what the carrier said, and is asked; `presumed` is for when it does not know in time.
"""

import asyncio
import logging
from dataclasses import dataclass

import aiohttp

_log = logging.getLogger(__name__)

ASKED_AGAIN_AFTER_S = (0.2, 0.4, 0.8)
"""LiveKit's word of the leg's end is on its way to the control plane. The SDK waits 10 s for the bridge's close."""
ANSWER_WITHIN_S = 1.5

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
    end_reason: str
    status: str


async def told(http: aiohttp.ClientSession, events_url: str, token: str) -> Outcome | None:
    """The control plane's word on why this attempt is over (docs/agents.md: a request without events merely asks), or
    None where there is none in time."""
    for pause_s in (*ASKED_AGAIN_AFTER_S, None):
        outcome = await _ask(http, events_url, token)
        if outcome is not None or pause_s is None:
            return outcome
        await asyncio.sleep(pause_s)
    return None


async def _ask(http: aiohttp.ClientSession, events_url: str, token: str) -> Outcome | None:
    headers, limit = {"Authorization": f"Bearer {token}"}, aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
    try:
        async with http.post(events_url, json={"events": []}, headers=headers, timeout=limit) as answer:
            told_so_far = await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        _log.warning("the call's end is not told", extra={"error": type(error).__name__})
        return None
    match told_so_far:
        case {"end_reason": str(end_reason), "status": str(status)}:
            return Outcome(end_reason, status if status in _TERMINAL else "failed")
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
        return Outcome(_of_hang_up(hung_up_for), "completed")
    if gone in {"CLIENT_INITIATED", "USER_REJECTED", "USER_UNAVAILABLE"}:
        return Outcome("USER_HUNG_UP_IN_CALL", "completed")
    if gone in {"ROOM_DELETED", "ROOM_CLOSED", "PARTICIPANT_REMOVED"}:
        return Outcome("API_HUNG_UP", "completed")
    return Outcome("CONNECTION_LOST", "completed")


def _of_hang_up(reason: str) -> str:
    word = "_".join(reason.lower().replace("-", " ").replace("_", " ").split())
    return next((name for beginning, name in _BY_BEGINNING if word.startswith(beginning)), "AGENT_HUNG_UP")
