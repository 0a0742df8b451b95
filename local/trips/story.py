"""How the demo tells of a call while it goes on: a line for each step, and a table of its life at the end."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from rich.console import Console
from rich.table import Table
from unpod import AsyncClient

from local.trips.webhook_listener import Listener, Received

_OVER_WITHIN_S = 60
_WEBHOOK_WITHIN_S = 10
_LOOK_EVERY_S = 0.05
_TERMINAL = {"completed", "failed"}

WHAT_HAPPENS = {
    "pending": "accepted, waits in the queue for a free line",
    "ringing": "a line was free: room opened, agent dispatched, the phone rings",
    "active": "answered, and the agent is in the room: they talk",
    "completed": "over",
    "failed": "never became a conversation",
}
COLOURS = {"pending": "yellow", "ringing": "cyan", "active": "green", "completed": "bold green", "failed": "bold red"}


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


async def _nothing() -> None:
    """What happens beside a call of which only the status is told."""


async def follow(
    client: AsyncClient, call_id: str, story: Story, began: float, beside: Callable[[], Awaitable[None]] = _nothing
) -> tuple[Any, list[Step]]:
    """Watches the call until it is over, telling each change of its status. Between two looks it does what is
    `beside`."""
    steps = [Step("pending", 0.0)]
    with story.under_way(WHAT_HAPPENS["pending"]) as spinner:
        while time.monotonic() - began < _OVER_WITHIN_S:
            call = await client.calls.get(call_id)
            if call.status != steps[-1].status:
                steps.append(Step(call.status, time.monotonic() - began))
                story.say(f"[{COLOURS[call.status]}]{call.status:<9}[/] {WHAT_HAPPENS[call.status]}")
                spinner.update(WHAT_HAPPENS[call.status])
            await beside()
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
        table.add_row(f"[{COLOURS[step.status]}]{step.status}[/]", lasted, WHAT_HAPPENS[step.status])
    table.add_row(f"[{COLOURS[call.status]}]{call.status}[/]", "", f"{call.end_reason}, ended by the {call.ended_by}")
    table.add_row("webhook", f"{webhook_after_s:.2f} s", "from the end seen by the SDK to the verified call_end")
    return table


async def call_end(listener: Listener, call_id: str) -> Received:
    """The verified webhook of the call's end. Raises DemoFailed."""
    try:
        webhook = await listener.next("call_end", _WEBHOOK_WITHIN_S)
    except TimeoutError:
        raise DemoFailed(f"no call_end arrived within {_WEBHOOK_WITHIN_S} s ({listener.refused} refused)") from None
    if webhook.body["data"]["call_id"] != call_id:
        raise DemoFailed("the call_end was of another call")
    return webhook
