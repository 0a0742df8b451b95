"""`make real-livekit`: every outcome on a real LiveKit, with its SIP bridge, telephones by SIP, the speech worker and a
runner on the official SDK.

    python -m local.trips.livekit [words of names]

It needs redis-server, livekit-server and livekit-sip on the PATH, says so where one is missing, and then does nothing.
Everything listens on 127.0.0.1 and is taken down again. Exit code 1 if a call ended otherwise than it must.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from copy import replace

from rich.console import Console

from local.stack.lifecycle import running_stack_beside
from local.stack.seed import FROM_NUMBER, let_callers_in
from local.stack.wishes import wishes_from
from local.tools.loopback import free_port
from local.tools.places import LOCAL
from local.trips.livekit.recorder import Recorder
from local.trips.livekit.scenarios import INBOUND, OUTBOUND, TROUBLED
from local.trips.livekit.servers import HOST, missing_programs, outbound_trunk, running_servers
from local.trips.livekit.sip_phones import Manner, Phones
from local.trips.livekit.speech_side import said, speech_worker
from local.trips.livekit.trip import Seen, Trip, a_trip
from local.trips.livekit.troubles import IN_CALLS, no_worker_yet

_STATE = LOCAL / "real-livekit"
_PROGRAMS = _STATE / "programs"
_ANYTHING = "Hello, are you still there?"


def the_phones() -> tuple[dict[str, Manner], bytes]:
    """How each number's phone behaves, and something for any of them to say."""
    manners = {
        each.number: replace(each.manner, says=said(each.words)) if each.words else each.manner for each in OUTBOUND
    }
    voice = said(_ANYTHING)
    return manners | dict.fromkeys(TROUBLED, Manner(says=voice, says_after_s=1.5)), voice


@asynccontextmanager
async def everything(console: Console) -> AsyncIterator[Trip]:
    """All but the speech worker. LiveKit's events are kept as it posted them, in `webhooks.jsonl` of the state
    folder."""
    phones = await Phones.opened(*await asyncio.to_thread(the_phones))
    port, recorder_port = free_port(), free_port()
    hooks = [f"http://{HOST}:{port}/hooks/livekit", f"http://{HOST}:{recorder_port}/"]
    async with Recorder(_STATE / "webhooks.jsonl").open(recorder_port):
        with running_servers(hooks, _PROGRAMS) as servers:
            trunk_id = await outbound_trunk(servers, phones.port, [FROM_NUMBER])
            await let_callers_in(servers.url, servers.key, servers.secret)
            asked = {  # as of `make up`
                "RINGLINE_PORT": str(port), "LIVEKIT_URL": servers.url, "LIVEKIT_API_KEY": servers.key,
                "LIVEKIT_API_SECRET": servers.secret, "SIP_TRUNK_ID": trunk_id,
            }  # fmt: skip
            wishes = replace(wishes_from(asked), state_dir=_STATE)
            async with running_stack_beside(wishes, console.print) as stack:
                try:
                    async with a_trip(stack, servers, phones) as trip:
                        yield trip
                finally:
                    await phones.close()


async def calls(only: str, console: Console) -> list[Seen]:
    """Those whose name or function has these words, one after the other."""
    found: list[Seen] = []

    async def see(name: str, call: Awaitable[Seen]) -> None:
        try:
            seen = await call
        except Exception as error:  # the others are called all the same
            seen = Seen(name, (), wrong=[repr(error)])
        found.append(seen)
        mark = "[green]ok[/]   " if seen.is_right else "[red]WRONG[/]"
        told = [*seen.steps, *(f"phone: {what}" for what in seen.phone), f"runner: {seen.runner_told}", *seen.wrong]
        console.print(f"{mark} {seen.name}: {seen.reason} {seen.call.get('sip_code') or ''} ({'; '.join(told)})")

    async with everything(console) as trip:
        if only in no_worker_yet.__name__:
            await see(no_worker_yet.__name__, no_worker_yet(trip, _PROGRAMS / "first"))
        worker = speech_worker(trip.stack, _PROGRAMS)
        child = await asyncio.to_thread(worker.__enter__)
        try:
            for scenario in (each for each in OUTBOUND if only in each.name):
                await see(scenario.name, trip.dial(scenario))
            for caller in (each for each in INBOUND if only in each.name):
                await see(caller.name, trip.take(caller))
            for trouble in (each for each in IN_CALLS if only in each.__name__):
                await see(trouble.__name__, trouble(trip, child))
        finally:
            await asyncio.to_thread(worker.__exit__, None, None, None)
    return found


def main() -> int:
    console = Console(width=200)
    missing = missing_programs()
    if missing:
        console.print(f"Nothing was run: no {' and no '.join(missing)} on the PATH.")
        return 0
    found = asyncio.run(calls(" ".join(sys.argv[1:]), console))
    right = sum(seen.is_right for seen in found)
    console.print(f"{right} of {len(found)} calls ended as they must")
    return 0 if found and right == len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
