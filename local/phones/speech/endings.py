"""Why a call ended, for its brain: the product knows best, and is asked."""

import asyncio

from local.phones.agents.presence import Presence
from local.phones.agents.reports import Reports
from speech.bridge.model.outcome import Outcome, presumed, told

_ASKED_AGAIN_AFTER_S = (0.3,) * 19
"""Everything runs on one machine, and may take its time."""


async def why_it_ended(presence: Presence, reports: Reports | None) -> Outcome:
    """What the product says, as soon as the agent's attempt is over there; what can be seen from here, if it says
    nothing of that for some seconds."""
    known = None if reports is None else await told(reports.ask, _ASKED_AGAIN_AFTER_S, asyncio.sleep)
    gone = "CLIENT_INITIATED" if presence.alone.is_set() else "ROOM_DELETED"
    return known or presumed(gone, was_answered=presence.answered.is_set())
