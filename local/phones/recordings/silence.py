"""A recording in which nobody says a word: silence, in the container that is asked for. Pure.

OGG holds Opus packets of 20 ms of silence, as a recorder's silent minute does; anything else is given a WAV.
"""

import io
import struct
import wave

_PACKET_S = 0.02
_SAMPLES_A_PACKET = 960  # Opus counts at 48 kHz, whatever it was recorded with
_SILENT_PACKET = b"\xf8\xff\xfe"
_PACKETS_A_PAGE = 255
_FIRST, _LAST = 2, 4
_SERIAL = 1
_WAV_RATE = 8000


def recording(filename: str, duration_s: float) -> bytes:
    """`duration_s` of silence in the format that the file's name tells."""
    return _ogg(duration_s) if filename.endswith((".ogg", ".opus")) else _wav(duration_s)


def _wav(duration_s: float) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(_WAV_RATE)
        writer.writeframes(bytes(2 * round(_WAV_RATE * duration_s)))
    return file.getvalue()


def _ogg(duration_s: float) -> bytes:
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, 48000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 7) + b"silence" + struct.pack("<I", 0)
    pages = [_page([head], 0, 0, _FIRST), _page([tags], 1, 0, 0)]
    left, packets = max(1, round(duration_s / _PACKET_S)), 0
    while left:
        count = min(left, _PACKETS_A_PAGE)
        left, packets = left - count, packets + count
        pages.append(_page([_SILENT_PACKET] * count, len(pages), packets * _SAMPLES_A_PACKET, 0 if left else _LAST))
    return b"".join(pages)


def _page(packets: list[bytes], number: int, granule: int, flags: int) -> bytes:
    """One page of packets shorter than 255 bytes each. Its checksum is taken with the checksum's own field at zero."""
    lengths = bytes(len(packet) for packet in packets)
    start = struct.pack("<4sBBqII", b"OggS", 0, flags, granule, _SERIAL, number)
    rest = bytes([len(packets)]) + lengths + b"".join(packets)
    return start + struct.pack("<I", ogg_checksum(start + bytes(4) + rest)) + rest


def ogg_checksum(page: bytes) -> int:
    """The CRC-32 of RFC 3533: polynomial 0x04c11db7, nothing reflected."""
    crc = 0
    for byte in page:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ _CRC[(crc >> 24) ^ byte]
    return crc


def _crc_of(byte: int) -> int:
    crc = byte << 24
    for _ in range(8):
        crc = (crc << 1) ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1
    return crc & 0xFFFFFFFF


_CRC = tuple(_crc_of(byte) for byte in range(256))
