"""The main job, start to end, on one machine: a call from the official SDK to its signed webhook.

    python -m local.trips.demo

Brings up a stack of its own, places one call with the `unpod` SDK as it is on the registry, shows its life, and
takes everything down.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import aiohttp
from rich.console import Console
from rich.json import JSON
from rich.panel import Panel
from rich.table import Table
from unpod import AsyncClient

from local.stack.lifecycle import bring_up, take_down
from local.stack.record import Stack
from local.stack.wishes import Wishes
from local.tools.places import LOCAL
from local.tools.processes import StackError
from local.trips.webhook_listener import Listener, Received, listening

CALLEE = "+15550100200"
"""Rings, answers, talks for four seconds, hangs up."""

_OVER_WITHIN_S = 30
_WEBHOOK_WITHIN_S = 10
_LOOK_EVERY_S = 0.05
_TERMINAL = {"completed", "failed"}

_WHAT_HAPPENS = {
    "pending": "accepted, waits in the queue for a free line",
    "ringing": "a line was free: room opened, agent dispatched, the phone rings",
    "active": "answered, and the agent is in the room: they talk",
    "completed": "over",
    "failed": "never became a conversation",
}
_COLOURS = {"pending": "yellow", "ringing": "cyan", "active": "green", "completed": "bold green", "failed": "bold red"}


class DemoFailed(Exception):
    """The demo did not go as it must; the message says what was missing."""


@dataclass(frozen=True, slots=True)
class Step:
    status: str
    began_s: float


class Story:
    """Tells what happens while it happens: a line per step, a spinner for the one under way."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._began = time.monotonic()

    def elapsed_s(self) -> float:
        return time.monotonic() - self._began

    def say(self, text: str) -> None:
        self.console.print(f"[dim]{self.elapsed_s():6.2f} s[/]  {text}")

    @contextmanager
    def under_way(self, text: str) -> Iterator[Any]:
        with self.console.status(text, spinner="dots") as status:
            yield status


async def follow(client: AsyncClient, call_id: str, story: Story, began: float) -> tuple[Any, list[Step]]:
    """Watches the call until it is over, telling each change of its status."""
    steps = [Step("pending", 0.0)]
    with story.under_way(_WHAT_HAPPENS["pending"]) as spinner:
        while time.monotonic() - began < _OVER_WITHIN_S:
            call = await client.calls.get(call_id)
            if call.status != steps[-1].status:
                steps.append(Step(call.status, time.monotonic() - began))
                story.say(f"[{_COLOURS[call.status]}]{call.status:<9}[/] {_WHAT_HAPPENS[call.status]}")
                spinner.update(_WHAT_HAPPENS[call.status])
            if call.status in _TERMINAL:
                return call, steps
            await asyncio.sleep(_LOOK_EVERY_S)
    raise DemoFailed(f"the call was still {steps[-1].status} after {_OVER_WITHIN_S} s")


def life_of(steps: list[Step], call: Any, webhook_after_s: float) -> Table:
    table = Table(title="The life of the call", title_justify="left")
    table.add_column("status")
    table.add_column("lasted", justify="right")
    table.add_column("what happened")
    for step, following in pairwise(steps):
        lasted = f"{following.began_s - step.began_s:.2f} s"
        table.add_row(f"[{_COLOURS[step.status]}]{step.status}[/]", lasted, _WHAT_HAPPENS[step.status])
    table.add_row(f"[{_COLOURS[call.status]}]{call.status}[/]", "", f"{call.end_reason}, ended by the {call.ended_by}")
    table.add_row("webhook", f"{webhook_after_s:.2f} s", "from the end seen by the SDK to the verified call_end")
    return table


async def rings_of(stack: Stack) -> int:
    """How often the callee's phone rang, by the phone network's own count."""
    async with aiohttp.ClientSession() as session, session.get(f"{stack.phones_url}/phones/calls") as answer:
        return len(await answer.json())


async def place_a_call(stack: Stack, listener: Listener, story: Story) -> None:
    async with AsyncClient(api_key=stack.api_key, base_url=f"{stack.base_url}/platform") as client:
        began = time.monotonic()
        call = await client.calls.create(pipe_id=stack.pipe_id, to_number=CALLEE, data={"customer_id": "C-1042"})
        story.say(f"[bold]calls.create[/] answered in {1000 * (time.monotonic() - began):.0f} ms with {call.call_id}")
        story.say(f"[{_COLOURS[call.status]}]{call.status:<9}[/] {_WHAT_HAPPENS[call.status]}")
        if call.status != "pending":
            raise DemoFailed(f"a fresh call must be pending and was {call.status}")
        call, steps = await follow(client, call.call_id, story, began)
    ended = time.monotonic()
    with story.under_way("waiting for the call_end webhook"):
        webhook = await _call_end(listener, call.call_id)
    story.say("[bold]call_end[/] received, its signature verified with the standardwebhooks library")
    rings = await rings_of(stack)
    story.console.print(Panel(JSON(json.dumps(webhook.body)), title=f"webhook {webhook.webhook_id}", expand=False))
    story.console.print(life_of(steps, call, max(0.0, time.monotonic() - ended)))
    seen = [step.status for step in steps]
    if seen != ["pending", "ringing", "active", "completed"]:
        raise DemoFailed(f"the call went {', '.join(seen)}")
    if rings != 1:
        raise DemoFailed(f"the phone rang {rings} times")
    story.say("The phone rang once. [bold green]Done.[/]")


async def _call_end(listener: Listener, call_id: str) -> Received:
    try:
        webhook = await listener.next("call_end", _WEBHOOK_WITHIN_S)
    except TimeoutError:
        raise DemoFailed(f"no call_end arrived within {_WEBHOOK_WITHIN_S} s ({listener.refused} refused)") from None
    if webhook.body["data"]["call_id"] != call_id:
        raise DemoFailed("the call_end was of another call")
    return webhook


async def demo(console: Console) -> None:
    story = Story(console)
    state_dir = LOCAL / "demo"
    async with listening() as listener:
        wishes = Wishes(state_dir=state_dir, port=0, webhook_url=listener.url)
        with story.under_way("bringing up the stack") as spinner:
            stack = await asyncio.to_thread(bring_up, wishes, spinner.update)
        try:
            listener.secret = stack.webhook_secret
            story.say(f"stack is up: template.yaml on the emulator, a phone network, the API at {stack.base_url}")
            await place_a_call(stack, listener, story)
        finally:
            with story.under_way("taking the stack down"):
                await asyncio.to_thread(take_down, state_dir)


def main() -> int:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
    try:
        asyncio.run(demo(console))
    except (DemoFailed, StackError) as error:
        console.print(f"[bold red]The demo failed:[/] {error}")
        console.print(f"Logs are in {LOCAL.name}/demo/logs.")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
