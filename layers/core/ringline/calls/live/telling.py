"""Tells the agent of a conversation something that was not said in it: a message, or tones that it is to send.

Both go as data messages of LiveKit to the agents in the room. LiveKit's server cannot send tones for a participant: its
API has no such request, and a data message from the server is a message and no tone. An agent in the room can, and has
to say that it does.
"""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import DtmfAsked
from ringline.calls.model.ports import Telephony
from ringline.calls.progress.progress import Applied, Progress
from ringline.calls.tables.store import CallStore
from ringline.runtime.clock import Clock
from ringline.runtime.ids import new_id

MESSAGE_TOPIC = "ringline.message"
DTMF_TOPIC = "ringline.dtmf"


@dataclass(frozen=True, slots=True)
class Told:
    """What was sent, by its id, and to how many agents."""

    told_id: str
    agents: int


@dataclass(frozen=True, slots=True)
class NotTold:
    """Nothing was sent: `no_such_call`, `not_active`, `no_agent`, `no_phone` or `agent_cannot`."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellAgent:
    store: CallStore
    progress: Progress
    telephony: Callable[[], AbstractAsyncContextManager[Telephony]]
    clock: Clock

    async def message(self, account_id: str, call_id: str, text: str | None, data: dict[str, Any]) -> Told | NotTold:
        """Raises TelephonyDown: then nobody knows whether it was sent."""
        call = self._active(account_id, call_id)
        if isinstance(call, NotTold):
            return call
        told_id = new_id("msg")
        return await self._send(call, MESSAGE_TOPIC, told_id, {"message_id": told_id, "text": text, "data": data})

    async def dtmf(self, account_id: str, call_id: str, digits: str) -> Told | NotTold:
        """As `message`. That tones were asked for is written first; the agent's word of them follows."""
        call = self._active(account_id, call_id)
        if isinstance(call, NotTold):
            return call
        told_id = new_id("dtmf")
        asked = self.progress.apply(account_id, call_id, DtmfAsked(self.clock(), call.attempt, told_id))
        if not isinstance(asked, Applied):
            return NotTold(asked.why if asked.why in {"no_phone", "agent_cannot"} else "not_active")
        return await self._send(call, DTMF_TOPIC, told_id, {"dtmf_id": told_id, "digits": digits})

    def _active(self, account_id: str, call_id: str) -> Call | NotTold:
        call = self.store.get(account_id, call_id)
        if call is None:
            return NotTold("no_such_call")
        is_active = call.state is State.ACTIVE and call.end_asked_at is None
        return call if is_active else NotTold("not_active")

    async def _send(self, call: Call, topic: str, told_id: str, told: dict[str, Any]) -> Told | NotTold:
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        async with self.telephony() as telephony:
            agents = await telephony.tell_agents(call.room_name or "", topic, text)
        return Told(told_id, agents) if agents else NotTold("no_agent")
