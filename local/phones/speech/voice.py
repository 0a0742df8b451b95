"""The sandbox's voice, as the bridge knows one: what the brain wants done in the call, done in text."""

import logging

from livekit.protocol.models import DisconnectReason, ParticipantInfo

from local.phones.agents.presence import Presence
from local.phones.calls.exchange import Exchange
from local.phones.calls.transfers import hand_over
from local.phones.kernel import timings
from local.phones.kernel.twirp import TwirpError
from local.phones.rooms.participant import CALL_STATUS, LegStatus, Participant
from local.phones.speech.mouth import Mouth
from local.phones.speech.talking import CLOSED_WITHIN_S, takes_s
from speech.bridge.model.actions import Transfer
from speech.bridge.model.events import TransferEnded

_log = logging.getLogger("phones.voice")
_WARM = "warm"
_NUMBER = "number"


class TextVoice:
    """Speaks through the `mouth` of an agent that is present in a room. It is given to the bridge before anybody hears
    it: the bridge holds what is said until the other side has answered."""

    def __init__(self, exchange: Exchange, presence: Presence, mouth: Mouth) -> None:
        self._exchange = exchange
        self._presence = presence
        self._mouth = mouth

    def speak(self, turn: int, text: str) -> None:
        self._mouth.add(turn, text)

    def end_of_reply(self, turn: int) -> None:
        self._mouth.end(turn)

    def say(self, turn: int, text: str, *, filler: bool) -> None:
        self._mouth.add(turn, text)
        self._mouth.end(turn)

    def stop(self) -> None:
        self._mouth.stop()

    def pause_recording(self, reason: str) -> None:
        """Nothing can be heard on a recording of the sandbox, so that there is nothing to leave out."""
        _log.info("the recording pauses")

    def resume_recording(self) -> None:
        _log.info("the recording goes on")

    async def transfer(self, transfer: Transfer) -> TransferEnded:
        """To any number: the caller's phone goes there (cold), or somebody comes from there and picks up (warm)."""
        if transfer.kind != _NUMBER:
            return TransferEnded(False, f"nobody here is a {transfer.kind}")
        if transfer.mode == _WARM:
            self._mouth.add(None, transfer.announcement)
            self._mouth.end(None)
            await self._exchange.pace.sleep(takes_s(transfer.announcement))
            self._bring_in(transfer.target)
            return TransferEnded(True)
        await self._exchange.pace.sleep(timings.REFER_S)
        self._exchange.ledger.requests["TransferSIPParticipant"] += 1
        leg = self._presence.leg
        try:
            hand_over(self._presence.room, leg.identity if leg is not None else "")
        except TwirpError as error:
            return TransferEnded(False, error.message)
        return TransferEnded(True)

    def _bring_in(self, number: str) -> None:
        attributes = {CALL_STATUS: LegStatus.ACTIVE.value}
        self._presence.room.join(Participant(f"sip_{number}", ParticipantInfo.SIP, attributes=attributes))

    async def hang_up(self, reason: str) -> None:
        """The product was told, and closes the room. Where it does not, the agent does."""
        await self._exchange.pace.sleep(CLOSED_WITHIN_S)
        if not self._presence.gone.is_set():
            self._exchange.roster.close(self._presence.room, DisconnectReason.ROOM_DELETED)
