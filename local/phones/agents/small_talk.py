"""The mind of the network's ordinary agent: it needs no brain, hears that somebody speaks, and tells of it."""

import time

from local.phones.agents.presence import Presence
from local.phones.agents.reports import Reports
from local.phones.agents.transcripts import Talk, turns_of, usage_of
from local.phones.calls.exchange import Exchange
from local.phones.model import timings


class SmallTalk:
    """Tells that it is ready, when the caller spoke, and after the call what was said and used. Without `reports` it
    tells nobody."""

    def __init__(self, exchange: Exchange, presence: Presence, reports: Reports | None) -> None:
        self._pace = exchange.pace
        self._presence = presence
        self._reports = reports
        self._spoke_at: float | None = None

    async def may_join(self) -> None:
        """At once: it needs nobody to talk."""

    async def attend(self) -> None:
        """Hears the other side speak, as soon as somebody does to whom an agent listens."""
        await self._presence.joined.wait()
        can_report = self._presence.script.can_report
        if self._reports is not None:
            self._reports.tell({"type": "ready", "can_report": list(can_report)})
        await self._presence.answered.wait()
        if (speaks_after_s := self._presence.callee.speaks_after_s) is None:
            return
        await self._pace.sleep(speaks_after_s)
        self._spoke_at = time.time()
        if self._reports is not None and "user_spoke" in can_report:
            self._reports.tell({"type": "user_spoke"})

    async def conclude(self) -> None:
        """What was said, and what it took. The call is mostly over by then."""
        presence = self._presence
        if self._reports is None or presence.answered_at is None or presence.crashed.is_set():
            return
        talk = Talk(presence.answered_at, self._spoke_at, time.time())
        await self._pace.sleep(timings.TRANSCRIPT_S)
        turns = turns_of(talk, presence.script.turns)
        transcript = {"type": "transcript", "turns": turns, "summary": f"A call of {len(turns)} turns.", "final": True}
        self._reports.tell(transcript, {"type": "usage", "usage": usage_of(talk, turns)})
