"""An agent on the official SDK for calls of the deployed stack, and what was said in them."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from unpod.connectivity.call_context import CallContext

from examples.attach_end_reason import attach_end_reason
from examples.echo_runner import Echo
from local.stack.record import Stack
from tests.stack.callers import PATIENCE_S, a_callee, a_number, eventually, rung

LINES = ("Hello?", "And then?", "Good bye.")
TALKER: dict[str, Any] = {
    "answers_after_s": 0.2,
    "hangs_up_after_s": None,
    "person": {"lines": LINES, "hangs_up": True},
}
"""Three short turns, and the person hangs up."""


class Attentive(Echo):
    """An echo that remembers what it was told of interruptions."""

    def __init__(self) -> None:
        self.heard: list[str | None] = []

    def mark_interrupted(self, heard_text: str | None = None) -> None:
        self.heard.append(heard_text)


@dataclass(slots=True)
class Agent:
    """The customer's program. `ended` gets the call and the reason that each `call_end` hook saw."""

    adapter: Attentive = field(default_factory=Attentive)
    asked: list[str] = field(default_factory=list)
    contexts: list[CallContext] = field(default_factory=list)
    ended: asyncio.Queue[tuple[str, Any]] = field(default_factory=asyncio.Queue)

    async def answer(self, ctx: CallContext) -> None:
        attach_end_reason(ctx)
        self.contexts.append(ctx)

        @ctx.session.on("user_turn")
        async def on_turn(text: str) -> None:
            self.asked.append(text)

        @ctx.session.on("call_end")
        async def on_end(outcome: str) -> None:
            self.ended.put_nowait((ctx.call_id, ctx.session.data.get("end_reason")))

        ctx.session.dialog_machine = self.adapter
        await ctx.session.run()

    async def next_end(self) -> tuple[str, Any]:
        """Raises TimeoutError."""
        return await asyncio.wait_for(self.ended.get(), PATIENCE_S)


async def a_talker(stack: Stack, **person: Any) -> str:
    """A number whose person talks three short turns and hangs up, unless told otherwise."""
    return await a_callee(stack, a_number(), **TALKER | {"person": {**TALKER["person"], **person}})


async def said_at(stack: Stack, number: str) -> list[list[tuple[str, str]]]:
    """Who said what in each call that the number's phone saw."""
    return [[(each["who"], each["text"]) for each in call["words"]] for call in await rung(stack, number)]


async def until_said(stack: Stack, number: str, text: str) -> None:
    """Returns as soon as that was said at the number's phone. Raises TimeoutError."""

    async def was_said() -> bool:
        return any(text in line for call in await said_at(stack, number) for _, line in call)

    await eventually(was_said)
