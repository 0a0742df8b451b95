"""Why a call ended, for its brain: the product knows best, and is asked."""

import asyncio
from dataclasses import dataclass

from local.phones.agents.presence import Presence
from local.phones.agents.reports import Reports

_ASKED_EVERY_S = 0.3
_ASKED_TIMES = 20
_LEFT_ALONE = "USER_HUNG_UP_IN_CALL"
_UNKNOWN = "INTERNAL_ERROR"


@dataclass(frozen=True, slots=True)
class Ending:
    """An end reason and a status, in the product's words."""

    reason: str
    status: str


async def why_it_ended(presence: Presence, reports: Reports | None) -> Ending:
    """What the product says, as soon as the agent's attempt is over there; what can be seen from here, if it says
    nothing of that for some seconds."""
    for _ in range(_ASKED_TIMES if reports is not None else 0):
        answer = await reports.ask() if reports is not None else None
        if answer is None:
            break
        if reason := answer.get("end_reason"):
            return Ending(str(reason), str(answer["status"]))
        await asyncio.sleep(_ASKED_EVERY_S)
    if presence.alone.is_set() and presence.answered.is_set():
        return Ending(_LEFT_ALONE, "completed")
    return Ending(_UNKNOWN, "completed" if presence.answered.is_set() else "failed")
