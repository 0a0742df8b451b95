"""The main job, start to end, on one machine: a call from the official SDK to its signed webhook, and one whose agent
is a runner on the official SDK.

    python -m local.trips.demo

Brings up a stack of its own, places two calls with the `unpod` SDK as it is on the registry, shows their life, and
takes everything down.
"""

import asyncio
import json
import signal
import sys
import time
from contextlib import AsyncExitStack

import aiohttp
from rich.console import Console
from rich.json import JSON
from rich.panel import Panel

from local.stack.lifecycle import running_stack_beside
from local.stack.record import Stack
from local.stack.wishes import Wishes
from local.tools.places import LOCAL
from local.tools.processes import StackError
from local.trips.runner_demo import let_a_runner_talk
from local.trips.runners import a_client
from local.trips.story import COLOURS, WHAT_HAPPENS, DemoFailed, Story, call_end, follow, life_of
from local.trips.webhook_listener import Listener, listening

CALLEE = "+15550100200"
"""Rings, answers, talks for four seconds, hangs up."""


async def rings_of(stack: Stack) -> int:
    """How often the callee's phone rang, by the phone network's own count."""
    async with aiohttp.ClientSession() as session, session.get(f"{stack.phones_url}/phones/calls") as answer:
        return len(await answer.json())


async def place_a_call(stack: Stack, listener: Listener, story: Story) -> None:
    async with a_client(stack) as client:
        began = time.monotonic()
        call = await client.calls.create(pipe_id=stack.pipe_id, to_number=CALLEE, data={"customer_id": "C-1042"})
        story.say(f"[bold]calls.create[/] answered in {1000 * (time.monotonic() - began):.0f} ms with {call.call_id}")
        story.say(f"[{COLOURS[call.status]}]{call.status:<9}[/] {WHAT_HAPPENS[call.status]}")
        if call.status != "pending":
            raise DemoFailed(f"a fresh call must be pending and was {call.status}")
        call, steps = await follow(client, call.call_id, story, began)
    ended = time.monotonic()
    with story.under_way("waiting for the call_end webhook"):
        webhook = await call_end(listener, call.call_id)
    story.say("[bold]call_end[/] received, its signature verified with the standardwebhooks library")
    rings = await rings_of(stack)
    story.console.print(Panel(JSON(json.dumps(webhook.body)), title=f"webhook {webhook.webhook_id}", expand=False))
    story.console.print(life_of(steps, call, max(0.0, time.monotonic() - ended)))
    seen = [step.status for step in steps]
    if seen != ["pending", "ringing", "active", "completed"]:
        raise DemoFailed(f"the call went {', '.join(seen)}")
    if rings != 1:
        raise DemoFailed(f"the phone rang {rings} times")
    story.say("The phone rang once.")


async def demo(console: Console) -> None:
    story = Story(console)
    me = asyncio.current_task()
    assert me is not None
    # As Ctrl-C does: what was started is taken down.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    async with listening() as listener, AsyncExitStack() as held:
        wishes = Wishes(state_dir=LOCAL / "demo", port=0, webhook_url=listener.url)
        with story.under_way("bringing up the stack") as spinner:
            stack = await held.enter_async_context(running_stack_beside(wishes, spinner.update))
        listener.secret = stack.webhook_secret
        story.say(f"stack is up: template.yaml on the emulator, a phone network, the API at {stack.base_url}")
        await place_a_call(stack, listener, story)
        await let_a_runner_talk(stack, listener, story)
        story.say("[bold green]Done.[/]")


def main() -> int:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
    try:
        asyncio.run(demo(console))
    except (DemoFailed, StackError) as error:
        console.print(f"[bold red]The demo failed:[/] {error}")
        console.print(f"Logs are in {LOCAL.name}/demo/logs.")
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
