"""What somebody outside of the call tells its agent, in data messages of LiveKit: messages, and tones to be sent."""

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from livekit import rtc

from speech.bridge.driver import Driver
from speech.bridge.model.events import MessageCame, TonesSent

MESSAGE_TOPIC = "ringline.message"
DTMF_TOPIC = "ringline.dtmf"
TONES = "0123456789*#ABCD"
"""In the order of their codes (RFC 4733)."""
PAUSE_S = 0.5
BETWEEN_TONES_S = 0.3

_log = logging.getLogger(__name__)


class Told:
    """Hears the data messages of a room. Only the server sends one without a participant: what others in the room say
    is not for the agent."""

    def __init__(self, room: rtc.Room, driver: Driver) -> None:
        self._room = room
        self._driver = driver
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self) -> None:
        self._room.on("data_received", self.hear)

    def hear(self, packet: rtc.DataPacket) -> None:
        if packet.participant is not None or packet.topic not in {MESSAGE_TOPIC, DTMF_TOPIC}:
            return
        try:
            told = json.loads(packet.data)
        except ValueError:
            _log.warning("a message could not be read", extra={"topic": packet.topic})
            return
        if packet.topic == MESSAGE_TOPIC:
            self._driver.tell(MessageCame(told))
        else:
            task = asyncio.create_task(self._send_tones(told))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send_tones(self, told: Mapping[str, Any]) -> None:
        dtmf_id = str(told.get("dtmf_id") or "")
        try:
            for tone in str(told.get("digits") or "").upper():
                if tone == "W":
                    await asyncio.sleep(PAUSE_S)
                else:
                    await self._room.local_participant.publish_dtmf(code=TONES.index(tone), digit=tone)
                    await asyncio.sleep(BETWEEN_TONES_S)
        except Exception as error:
            _log.exception("tones not sent")
            self._driver.tell(TonesSent(dtmf_id, type(error).__name__))
        else:
            self._driver.tell(TonesSent(dtmf_id))
