"""Asks the control plane why a call ended. What its answers mean is for `speech.bridge.model.outcome`."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import aiohttp

from speech.bridge.model.outcome import Outcome
from speech.bridge.model.outcome import told as told_by

_log = logging.getLogger(__name__)

ASKED_AGAIN_AFTER_S = (0.2, 0.4, 0.8)
"""LiveKit's word of the leg's end is on its way to the control plane. The SDK waits 10 s for the bridge's close."""
ANSWER_WITHIN_S = 1.5


async def told(http: aiohttp.ClientSession, events_url: str, token: str) -> Outcome | None:
    """The control plane's word on why this attempt is over, or None where there is none in time."""
    headers, limit = {"Authorization": f"Bearer {token}"}, aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)

    async def ask() -> Mapping[str, Any] | None:
        try:
            async with http.post(events_url, json={"events": []}, headers=headers, timeout=limit) as answer:
                told_so_far = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            _log.warning("the call's end is not told", extra={"error": type(error).__name__})
            return None
        return told_so_far if isinstance(told_so_far, Mapping) else None

    return await told_by(ask, ASKED_AGAIN_AFTER_S, asyncio.sleep)
