"""The sandbox's voice, as the bridge knows one: what the brain wants done in the call, done in text."""

import logging

from livekit.protocol.models import DisconnectReason

from local.phones.agents.presence import Presence
from local.phones.calls.exchange import Exchange
from local.phones.speech.mouth import Mouth
from local.phones.speech.talking import CLOSED_WITHIN_S, takes_s
from speech.bridge.handover import Handover
from speech.bridge.model.actions import Transfer
from speech.bridge.model.events import TransferEnded

_log = logging.getLogger("phones.voice")


class TextVoice:
    """Speaks through the `mouth` of an agent that is present in a room. It is given to the bridge before anybody hears
    it: the bridge holds what is said until the other side has answered."""

    def __init__(self, exchange: Exchange, presence: Presence, mouth: Mouth, handover: Handover) -> None:
        self._exchange = exchange
        self._presence = presence
        self._mouth = mouth
        self._handover = handover

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
        return await self._handover.run(transfer, self._announce)

    async def _announce(self, text: str) -> None:
        self._mouth.add(None, text)
        self._mouth.end(None)
        await self._exchange.pace.sleep(takes_s(text))

    async def hang_up(self, reason: str) -> None:
        """The product was told, and closes the room. Where it does not, the agent does."""
        await self._exchange.pace.sleep(CLOSED_WITHIN_S)
        if not self._presence.gone.is_set():
            self._exchange.roster.close(self._presence.room, DisconnectReason.ROOM_DELETED)

    def leave(self) -> None:
        self._presence.leave(DisconnectReason.CLIENT_INITIATED)
