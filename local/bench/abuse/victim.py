"""What the other account feels: one call from the request to its webhook, and one event of LiveKit's."""

import asyncio
import base64
import hashlib
import json
import time
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
import jwt

from local.bench.rig import SILENT_AGENT, Rig, call_of, until
from local.stack.record import Stack
from local.tools.processes import StackError

_CALLEE = "+15550100783"
_MANNERS = {"rings_after_s": 0.05, "answers_after_s": 0.1, "hangs_up_after_s": 0.1} | SILENT_AGENT
HEARD_WITHIN_S = 30.0
"""A webhook that takes longer is told as one that did not come in time: the bench comes to its end."""
_SAMPLE_WITHIN_S = 60.0
_HOOK_LIVES_S = 60
NOBODYS_ROOM = "nobodys-room"


@dataclass(frozen=True, slots=True)
class Felt:
    """In milliseconds: until the request for a call was answered, from the request to the INVITE, from the end at the
    phone to its webhook, and until an event of LiveKit's was answered. `webhook` is None where it was not heard within
    HEARD_WITHIN_S."""

    request: float
    call: float
    webhook: float | None
    hook: float


async def get_ready(victim: Rig) -> None:
    """Raises StackError."""
    await victim.phones("PUT", f"/numbers/{_CALLEE}", _MANNERS)


async def feel(victim: Rig) -> Felt | None:
    """One of each, one after the other. None where the stack did not answer, or the phone did not ring in time."""
    try:
        return await asyncio.wait_for(_feel(victim), _SAMPLE_WITHIN_S)
    except (StackError, aiohttp.ClientError, TimeoutError):
        return None


async def _feel(victim: Rig) -> Felt:
    hook_ms = await _hook_ms(victim)
    asked_at = time.time()
    call_id = await victim.create_call(_CALLEE)
    request_ms = 1000 * (time.time() - asked_at)
    with suppress(StackError):
        await until(f"the end of {call_id}", lambda: call_id in victim.heard_at, HEARD_WITHIN_S)
    seen = next((call for call in await victim.phone_calls(_CALLEE) if call_of(call) == call_id), None)
    if seen is None:
        raise StackError(f"{call_id} has not rung within {HEARD_WITHIN_S:.0f} s")
    heard_at, ended_at = victim.heard_at.get(call_id), seen["ended_at"]
    return Felt(
        request=request_ms,
        call=1000 * (float(seen["invited_at"]) - asked_at),
        webhook=None if heard_at is None or ended_at is None else 1000 * (heard_at - float(ended_at)),
        hook=hook_ms,
    )


async def _hook_ms(victim: Rig) -> float:
    """An event of a room that nobody knows, which is looked for and passed by."""
    event = {"event": "room_finished", "room": {"name": NOBODYS_ROOM, "sid": "RM_1"}, "id": "EV_1"}
    body = json.dumps(event).encode()
    headers = {"Authorization": _signed(victim.stack, body), "Content-Type": "application/webhook+json"}
    asked_at = time.monotonic()
    async with victim.web.post(victim.stack.hooks_url, data=body, headers=headers) as answer:
        await answer.read()
        answer.raise_for_status()
    return 1000 * (time.monotonic() - asked_at)


def _signed(stack: Stack, body: bytes) -> str:
    now = int(time.time())
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    claims = {"iss": stack.livekit_api_key, "nbf": now, "exp": now + _HOOK_LIVES_S, "sha256": digest}
    return jwt.encode(claims, stack.livekit_api_secret, algorithm="HS256")
