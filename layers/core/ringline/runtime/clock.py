"""Time as the product counts it: whole milliseconds since 1970, UTC.

Milliseconds are what LiveKit stamps, sort well as numbers in a key and never lose precision in JSON.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

MS_PER_S = 1000

type Clock = Callable[[], int]
"""Gives the present moment in milliseconds. Use cases take one; only composition roots know the real one."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def pause(wait_s: float) -> None:
    """Lets time pass for the task that waits, and no other."""
    # asyncio takes 14 ms to import beside boto3, and hooks start without it. Whoever can wait has an event loop, and so
    # has loaded it.
    import asyncio

    await asyncio.sleep(wait_s)


def whole_s(ms: int) -> int:
    """Milliseconds in whole seconds, rounded up: what waits so long does not wake too early."""
    return -(-ms // MS_PER_S)


def iso(at_ms: int) -> str:
    """A moment as ISO 8601 in UTC with milliseconds, `2026-11-21T02:09:00.123Z`."""
    return datetime.fromtimestamp(at_ms / MS_PER_S, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_or_none(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)


def iso_s(at_ms: int) -> str:
    """A moment as ISO 8601 to the second, the form the SDK's `call_timings` use."""
    return datetime.fromtimestamp(at_ms // MS_PER_S, UTC).isoformat().replace("+00:00", "Z")
