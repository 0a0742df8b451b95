"""What an agent does in its call, besides talking: leave, crash, hang up in one of two ways, hand the call over, bring
somebody in, leave its caller alone."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from livekit.protocol.models import DisconnectReason, ParticipantInfo

from local.phones.agents.presence import Presence
from local.phones.agents.reports import Reports
from local.phones.calls.exchange import Exchange
from local.phones.calls.transfers import hand_over
from local.phones.kernel.twirp import TwirpError
from local.phones.model import timings
from local.phones.model.legs import LegStatus
from local.phones.numbers.callees import AgentDeed, AgentScript
from local.phones.rooms.participant import CALL_STATUS, Participant

_log = logging.getLogger("phones.deeds")
_HEARD_WITHIN_S = 2.0
"""How long a caller waits for a transfer that the API is slow to hear of. Real seconds."""


class Deeds:
    """The deeds of one agent. Without `reports` it tells nobody."""

    def __init__(self, exchange: Exchange, presence: Presence, reports: Reports | None) -> None:
        self._exchange = exchange
        self._pace = exchange.pace
        self._presence = presence
        self._room = presence.room
        self._reports = reports

    async def carry_out(self, script: AgentScript) -> None:
        """Does what the script says, now."""
        deeds: dict[AgentDeed, Callable[[AgentScript], Awaitable[None]]] = {
            AgentDeed.LEAVE: self._go,
            AgentDeed.CRASH: self._crash,
            AgentDeed.HANG_UP: self._hang_up,
            AgentDeed.ASK_HANG_UP: self._ask_hang_up,
            AgentDeed.SILENCE: self._miss_the_caller,
            AgentDeed.VOICEMAIL: self._hear_voicemail,
            AgentDeed.TRANSFER: self._transfer,
            AgentDeed.BRING_IN: self._bring_in,
            AgentDeed.DESERT: self._desert,
        }
        if (deed := deeds.get(script.deed)) is not None:
            await deed(script)

    async def _go(self, _: AgentScript) -> None:
        self._presence.leave(DisconnectReason.CLIENT_INITIATED)

    async def _crash(self, _: AgentScript) -> None:
        self._presence.crashed.set()
        await self._pace.sleep(timings.AGENT_LOST_S)
        self._presence.leave(DisconnectReason.CONNECTION_TIMEOUT)

    async def _hang_up(self, _: AgentScript) -> None:
        self._exchange.roster.close(self._room, DisconnectReason.ROOM_DELETED)

    async def _ask_hang_up(self, script: AgentScript) -> None:
        await self._ask_for_the_end(script, script.words)

    async def _ask_for_the_end(self, script: AgentScript, words: str | None) -> None:
        """Asks the API to hang up. Where the API does not take the request, the agent closes the room by itself."""
        event = {"type": "hang_up"} if words is None else {"type": "hang_up", "reason": words}
        if self._reports is None or await self._reports.ask(event) is None:
            await self._hang_up(script)

    async def _miss_the_caller(self, script: AgentScript) -> None:
        if self._reports is not None:
            self._reports.tell({"type": "silence", "silent_s": script.after_s})
        await self._pace.sleep(timings.AGENT_PATIENCE_S)
        await self._ask_for_the_end(script, script.words or "silence_timeout")

    async def _hear_voicemail(self, script: AgentScript) -> None:
        """Tells of the voicemail; the answer says whether to leave a message. If not, the API ends the call."""
        report = {"type": "voicemail", "why": script.words or "a greeting and a tone"}
        answer = await self._reports.ask(report) if self._reports is not None else None
        if answer is None:
            await self._hang_up(script)
        elif answer.get("voicemail_policy") == "leave_message":
            await self._pace.sleep(timings.MESSAGE_S)
            await self._ask_for_the_end(script, "voicemail: message left")

    async def _transfer(self, script: AgentScript) -> None:
        to = script.transfer_to
        await self._tell_of_transfer(to, "started")
        await self._pace.sleep(timings.REFER_S)
        self._exchange.ledger.requests["TransferSIPParticipant"] += 1
        try:
            hand_over(self._room, next((leg.identity for leg in self._room.legs()), ""))
        except TwirpError as error:
            _log.info("the agent could not hand over: %s", error)
            await self._tell_of_transfer(to, "failed")
            return
        await self._tell_of_transfer(to, "completed")

    async def _bring_in(self, script: AgentScript) -> None:
        """A colleague picks up at once, and is not the one who is dialled: nobody counts this phone."""
        colleague = Participant(
            f"sip_{script.transfer_to}", ParticipantInfo.SIP, attributes={CALL_STATUS: LegStatus.ACTIVE}
        )
        self._room.join(colleague)
        self._presence.leave(DisconnectReason.CLIENT_INITIATED)

    async def _desert(self, script: AgentScript) -> None:
        await self._tell_of_transfer(script.transfer_to, script.words or "completed")
        self._presence.leave(DisconnectReason.CLIENT_INITIATED)

    async def _tell_of_transfer(self, to: str, status: str) -> None:
        if self._reports is not None:
            sending = self._reports.tell({"type": "transfer", "to": to, "status": status})
            await asyncio.wait((sending,), timeout=_HEARD_WITHIN_S)
