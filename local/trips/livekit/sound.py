"""What a telephone on this machine sends and hears: RTP with mu-law at 8 kHz, one packet every 20 ms."""

import asyncio
import secrets
import struct
from typing import Any

SAMPLES_OF_A_PACKET = 160
_EVERY_S = 0.02
_QUIET = b"\xff" * SAMPLES_OF_A_PACKET
_LOUD = 0x60
"""Of the seven bits that tell how quiet a mu-law sample is: below it, somebody is heard."""


class Sound(asyncio.DatagramProtocol):
    """Open it with `opened`. Sends silence, or what it is given to say, to `target` from the moment that it is set."""

    def __init__(self) -> None:
        self.target: tuple[str, int] | None = None
        self.heard_packets = 0
        self.loud_packets = 0
        """In which the other side was heard."""
        self._says = b""
        self._transport: asyncio.DatagramTransport | None = None
        self._sending: asyncio.Task[None] | None = None

    @classmethod
    async def opened(cls, host: str) -> "Sound":
        loop = asyncio.get_running_loop()
        _, sound = await loop.create_datagram_endpoint(cls, local_addr=(host, 0))
        sound._sending = asyncio.create_task(sound._send())
        return sound

    @property
    def port(self) -> int:
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def say(self, samples: bytes) -> None:
        """Mu-law samples, sent from now on."""
        self._says = samples

    async def close(self) -> None:
        assert self._transport is not None and self._sending is not None
        self._sending.cancel()
        await asyncio.gather(self._sending, return_exceptions=True)
        self._transport.close()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.heard_packets += 1
        if any(sample & 0x7F < _LOUD for sample in data[12:]):
            self.loud_packets += 1

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        source, number, due = secrets.randbits(32), 0, loop.time()
        while True:
            if self.target is not None and self._transport is not None:
                packet, self._says = self._says[:SAMPLES_OF_A_PACKET], self._says[SAMPLES_OF_A_PACKET:]
                header = struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * SAMPLES_OF_A_PACKET, source)
                self._transport.sendto(header + packet.ljust(SAMPLES_OF_A_PACKET, b"\xff"), self.target)
                number += 1
            due += _EVERY_S
            await asyncio.sleep(max(0.0, due - loop.time()))
