"""Lets a brain that is no runner sit in the call as if it had dialled in.

conversation --user.text--> ServedBrain --asks--> endpoint or model
            <--agent.text.delta, agent.text.end--
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from speech.bridge.local_brain import LocalBridge, LocalBridgeClosed
from speech.bridge.model.frames import EVENTS, PROTOCOL_VERSION, VERBS
from speech.worker.brains.replies import BrainFailed, Caller, Message, Replies

_log = logging.getLogger(__name__)

_VOICEMAIL = "A voicemail has answered. Leave a short message, if there is one to leave."


class ServedBrain:
    """Serves one bridge from its hello to its end. `greeting` is said first, unless the talk goes on from before."""

    def __init__(self, bridge: LocalBridge, replies: Replies, greeting: str = "") -> None:
        self._bridge = bridge
        self._replies = replies
        self._greeting = greeting
        self._caller = Caller("", "outbound", "", None, {})
        self._talk: list[Message] = []
        self._waiting: list[str] = []
        self._answering: asyncio.Task[None] | None = None
        self._failure: BrainFailed | None = None

    async def run(self) -> None:
        """Raises LocalBridgeClosed when the call is over, and BrainFailed when the brain gives no reply: then the call
        is as after the loss of a runner, and the turn is asked again."""
        await self._send("hello", protocol_version=PROTOCOL_VERSION, supported_events=EVENTS, supported_verbs=VERBS)
        receiving: asyncio.Task[str] | None = None
        try:
            while True:
                receiving = receiving or asyncio.create_task(self._bridge.recv())
                await asyncio.wait({receiving, *self._answers}, return_when=asyncio.FIRST_COMPLETED)
                if self._failure is not None:
                    raise self._failure
                if receiving.done():
                    frame, receiving = receiving.result(), None
                    await self._told(json.loads(frame))
                self._answer_next()
        finally:
            if receiving is not None:
                receiving.cancel()
            await self._stop_answering()

    @property
    def _answers(self) -> set[asyncio.Task[None]]:
        return {self._answering} if self._answering is not None else set()

    async def _told(self, frame: Mapping[str, Any]) -> None:
        match frame.get("event"):
            case "call.started":
                await self._begin(frame.get("metadata") or {})
            case "user.text":
                self._waiting.append(str(frame["text"]))
            case "state" if isinstance(frame.get("message"), Mapping):
                self._talk.append(Message("system", said_of(frame["message"])))
            case "state" if frame.get("voicemail"):
                self._talk.append(Message("system", _VOICEMAIL))
            case "user.interrupted":
                await self._interrupted(frame.get("heard_prefix"))

    async def _begin(self, metadata: Mapping[str, Any]) -> None:
        data = dict(metadata.get("data") or {})
        turns = data.pop("turns", None) or []
        data.pop("resumed", None)
        self._talk = [
            Message("user" if turn["role"] == "user" else "assistant", str(turn["content"])) for turn in turns
        ]
        self._caller = Caller(
            call_id=str(metadata.get("call_id") or ""),
            direction=str(metadata.get("direction") or "outbound"),
            user_number=str(metadata.get("user_number") or ""),
            instructions=metadata.get("instructions"),
            data=data,
        )
        if self._greeting and not metadata.get("resumed"):
            self._talk.append(Message("assistant", self._greeting))
            await self._send("agent.say", text=self._greeting)

    def _answer_next(self) -> None:
        if self._answering is not None and self._answering.done():
            self._answering = None
        if self._waiting and self._answering is None:
            self._talk.append(Message("user", self._waiting.pop(0)))
            self._answering = asyncio.create_task(self._answer())

    async def _answer(self) -> None:
        said: list[str] = []
        try:
            async for piece in self._replies.reply(tuple(self._talk), self._caller):
                said.append(piece)
                await self._send("agent.text.delta", text=piece)
        except BrainFailed as failure:
            _log.warning("a brain gave no reply", extra={"why": str(failure), "call_id": self._caller.call_id})
            self._failure = failure
            return
        except LocalBridgeClosed:
            # Whoever receives hears of it, too, and ends this brain.
            return
        finally:
            self._remember("".join(said))
        with suppress(LocalBridgeClosed):
            await self._send("agent.text.end")

    def _remember(self, said: str) -> None:
        if said:
            self._talk.append(Message("assistant", said))

    async def _interrupted(self, heard_prefix: str | None) -> None:
        """The brain is to know what was heard, not what was meant to be said."""
        if await self._stop_answering():
            await self._send("agent.text.end")
        if heard_prefix is not None and self._talk and self._talk[-1].role == "assistant":
            self._talk.pop()
            self._remember(heard_prefix)

    async def _stop_answering(self) -> bool:
        """Whether there was a reply that was not complete."""
        answering, self._answering = self._answering, None
        if answering is None or answering.done():
            return False
        answering.cancel()
        with suppress(asyncio.CancelledError):
            await answering
        return True

    async def _send(self, event: str, **fields: Any) -> None:
        await self._bridge.send(json.dumps({"event": event, **fields}))


def said_of(message: Mapping[str, Any]) -> str:
    """What somebody outside of the call tells the agent, as one turn."""
    told = [str(message["text"])] if message.get("text") else []
    if message.get("data"):
        told.append(json.dumps(message["data"], ensure_ascii=False))
    return "\n".join(told)
