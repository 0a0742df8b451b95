"""The second call of the demo: its agent is a runner on the official SDK, with an adapter of ten lines, and the person
at the phone talks to it."""

import asyncio
import time
from typing import Any

import aiohttp
from rich.table import Table
from unpod.connectivity.call_context import CallContext

from examples.attach_end_reason import attach_end_reason
from examples.echo_runner import Echo
from local.stack.record import Stack
from local.trips.runners import a_client, a_runner, running
from local.trips.story import DemoFailed, Story, call_end, follow
from local.trips.telephone import Telephone, Words
from local.trips.webhook_listener import Listener

TALKER = "+15550100240"
"""Answers, talks three turns, hangs up."""

_TURNS = 3
_HOOK_WITHIN_S = 10


class EchoingAgent:
    """The agent's program: an entrypoint for each call, as the SDK wants one."""

    def __init__(self) -> None:
        self.ended: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    async def answer(self, ctx: CallContext) -> None:
        """Talks to the end of the call, and sees in its hook why it ended."""
        attach_end_reason(ctx)

        @ctx.session.on("call_end")
        async def on_end(outcome: str) -> None:
            self.ended.put_nowait((ctx.call_id, ctx.session.data.get("end_reason")))

        ctx.session.dialog_machine = Echo()
        await ctx.session.run()


class Conversation:
    """What is said on the phone, told while it is said."""

    def __init__(self, telephone: Telephone, story: Story) -> None:
        self._telephone = telephone
        self._story = story
        self.words: list[Words] = []

    async def tell(self) -> None:
        """Tells what was said since the last time."""
        for words in await self._telephone.new_words():
            self.words.append(words)
            who, colour = ("runner", "magenta") if words.who == "agent" else ("person", "blue")
            cut_off = " [dim](cut off)[/]" if words.cut_off else ""
            self._story.say(f"          [{colour}]{who}:[/] {words.text}{cut_off}")


async def let_a_runner_talk(stack: Stack, listener: Listener, story: Story) -> None:
    """A runner registers, is given a call, and talks. Raises DemoFailed if one of these does not come about."""
    agent = EchoingAgent()
    story.console.rule("a call to a runner of your own")
    async with running(stack, a_runner(stack, stack.runner_agent_id, agent.answer)):
        story.say(f"AgentRunner of the SDK registered for the agent `{stack.runner_agent_id}`")
        async with (
            aiohttp.ClientSession() as web,
            a_client(stack) as client,
        ):
            conversation = Conversation(await Telephone.at(web, stack.phones_url or "", TALKER), story)
            began = time.monotonic()
            made = await client.calls.create(pipe_id=stack.runner_pipe_id, to_number=TALKER)
            story.say(f"[bold]calls.create[/] answered with {made.call_id}")
            call, steps = await follow(client, made.call_id, story, began, beside=conversation.tell)
            await conversation.tell()
        webhook = await call_end(listener, made.call_id)
        seen = await _seen_by(agent)
    reason = webhook.body["data"]["end_reason"]
    story.console.print(_told(webhook.webhook_id, reason, seen))
    if [step.status for step in steps] != ["pending", "ringing", "active", "completed"]:
        raise DemoFailed(f"the call went {', '.join(step.status for step in steps)}")
    if sum(words.who == "agent" for words in conversation.words) != _TURNS:
        raise DemoFailed("the runner did not answer each line")
    if seen != (made.call_id, reason) or reason != call.end_reason:
        raise DemoFailed(f"the runner's hook saw {seen}, the webhook said {reason}")


async def _seen_by(agent: EchoingAgent) -> tuple[str, Any]:
    try:
        return await asyncio.wait_for(agent.ended.get(), _HOOK_WITHIN_S)
    except TimeoutError:
        raise DemoFailed(f"the runner's hook saw no end within {_HOOK_WITHIN_S} s") from None


def _told(webhook_id: str, reason: str, seen: tuple[str, Any]) -> Table:
    table = Table(title="Why it ended", title_justify="left")
    table.add_column("who was told")
    table.add_column("what")
    table.add_row(f"call_end, signed ({webhook_id})", reason)
    table.add_row(f"the runner's call_end hook ({seen[0]})", str(seen[1]))
    return table
