"""Calls every number of the sandbox and compares how each call ended with what the table promises.

    python -m local.trips.outcomes

A stack of its own is brought up and taken down again. Eight calls are side by side and the others wait for a line, so
it takes little longer than the slowest of them, some minutes. Exit code 1 if one ended otherwise, or if a reason was
not reached by any, but for those that no number brings about.
"""

import asyncio
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table

from local.phones.numbers import beyond
from local.phones.numbers.beyond import BEYOND_NUMBERS
from local.phones.numbers.book import NUMBERS
from local.phones.numbers.sandbox_number import SandboxNumber, Wish
from local.stack.lifecycle import running_stack
from local.stack.record import Stack
from local.stack.wishes import Wishes
from local.tools.places import LOCAL
from local.tools.processes import StackError
from local.trips.outcome_runners import runners_of_the_book
from ringline.calls.model.call import Status
from ringline.calls.model.reasons import EndReason

_OVER_WITHIN_S = 600
_SEEN_WITHIN_S = 30
_LOOK_EVERY_S = 0.5
_TALKS_S = 10
_REFUSED_FOR_S = 20
_CALLER = "+15550190000"
_RINGS_IN: Mapping[Wish, Mapping[str, Any]] = {
    Wish.INBOUND: {"hang_up_after_s": 4.0},
    Wish.RUNNER_INBOUND: {"person": {"hangs_up": True}},
}
"""How long somebody stays who calls, or until when."""

_LAST = frozenset({"+15550102503", "+15550103503", "+15550100226", "+15550100321"})
"""Numbers whose carrier takes no more calls, or that no SIP bridge dials. The trunk, or LiveKit, that all calls share
rests after them, so they come last."""

_WITHOUT_AGENT = frozenset({"+15550100350", "+15550100351"})
"""Numbers whose agent is missing. The one agent that all calls share rests after them, so they come after all
others."""

_OTHERS = {entry.number for entry in NUMBERS} - _LAST - _WITHOUT_AGENT

_SLOWEST = ("+15550100230",)
_START_EVERY_S = 2.0
"""The first calls start one after the other, and with them the functions' processes."""

_LINES = 8
"""Each call under way has processes of the emulator's to itself; more of them than that wait for each other here, and
LiveKit drops what waits for 30 s."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`seen` is None for a call that was not over in time."""

    entry: SandboxNumber
    seen: str | None
    took_s: float

    @property
    def is_as_promised(self) -> bool:
        return self.seen in self.entry.end_reason.split(" or ")


async def outcomes(stack: Stack) -> list[Outcome]:
    """Calls every number once, or has it call, and follows each call to its end."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    entries = sorted(NUMBERS, key=lambda entry: entry.number not in _SLOWEST)
    found: list[Outcome] = []
    async with (
        aiohttp.ClientSession(stack.base_url, headers=headers) as web,
        runners_of_the_book(stack) as pipes,
    ):
        for together in (_OTHERS, _LAST, _WITHOUT_AGENT):
            found += await _called(web, stack, pipes, [entry for entry in entries if entry.number in together])
    return found


async def _called(
    web: aiohttp.ClientSession, stack: Stack, pipes: Mapping[Wish, str], entries: list[SandboxNumber]
) -> list[Outcome]:
    """One look at all calls tells of each: asking for every call by itself would keep the machine busy with that."""
    under_way: dict[str, SandboxNumber] = {}
    for turn, entry in enumerate(entries):
        under_way[await _placed(web, stack, pipes, entry)] = entry
        if turn < _LINES:
            await asyncio.sleep(_START_EVERY_S)
    ends_at = time.monotonic() + _OVER_WITHIN_S
    acted: set[str] = set()
    found: dict[str, Outcome] = {}
    while len(found) < len(under_way) and time.monotonic() < ends_at:
        for call in await _calls(web):
            call_id = call["call_id"]
            if call_id not in under_way or call_id in found:
                continue
            if call["end_reason"] is not None:
                found[call_id] = Outcome(under_way[call_id], call["end_reason"], _lasted_s(call))
            elif call_id not in acted and (act := _ACTS.get((under_way[call_id].wish, Status(call["status"])))):
                acted.add(call_id)
                async with web.post(f"/v1/calls/{call_id}/{act}") as answer:
                    answer.raise_for_status()
        await asyncio.sleep(_LOOK_EVERY_S)
    return [found.get(call_id, Outcome(entry, None, _OVER_WITHIN_S)) for call_id, entry in under_way.items()]


async def _calls(web: aiohttp.ClientSession) -> list[dict[str, Any]]:
    async with web.get("/v1/calls", params={"limit": "200"}) as answer:
        # A look may find no processor free in time: the next one will.
        return list((await answer.json())["data"]) if answer.ok else []


async def _placed(web: aiohttp.ClientSession, stack: Stack, pipes: Mapping[Wish, str], entry: SandboxNumber) -> str:
    """The id of a call to the number, or from somebody to it where it is one of ours."""
    if entry.wish in _RINGS_IN:
        return await _ring_in(web, stack, entry)
    return await _create(web, pipes.get(entry.wish, stack.pipe_id), entry)


async def _create(web: aiohttp.ClientSession, pipe_id: str, entry: SandboxNumber) -> str:
    body = {"pipe_id": pipe_id, "to_number": entry.number, **_asks(entry.wish)}
    async with web.post("/v1/calls", json=body) as answer:
        if answer.status != 201:
            raise StackError(f"{entry.number} was not accepted: {await answer.text()}")
        return str((await answer.json())["call_id"])


def _asks(wish: Wish) -> Mapping[str, Any]:
    """What the request for a call says besides number and pipe, so that the number's wish comes true."""
    match wish:
        case Wish.SHORT_LIMIT:
            return {"max_call_duration_s": _TALKS_S}
        case Wish.SHORT_EXPIRY | Wish.NO_RUNNER:
            return {"expires_at": (datetime.now(UTC) + timedelta(seconds=_REFUSED_FOR_S)).isoformat()}
        case Wish.RING_ALONE:
            return {"agent_first": False}
        case Wish.RECORD:
            return {"recording": True}
        case _:
            return {}


async def _ring_in(web: aiohttp.ClientSession, stack: Stack, entry: SandboxNumber) -> str:
    rings = {"from": _CALLER, "to": entry.number, **_RINGS_IN[entry.wish]}
    async with web.post(f"{stack.phones_url}/phones/inbound", json=rings) as answer:
        answer.raise_for_status()
    ends_at = time.monotonic() + _SEEN_WITHIN_S
    while time.monotonic() < ends_at:
        for call in await _calls(web):
            if call["direction"] == "inbound" and call["to_number"] == entry.number:
                return str(call["call_id"])
        await asyncio.sleep(_LOOK_EVERY_S)
    raise StackError(f"nobody saw the call to {entry.number}")


# What is to be done to a call, by the wish of its number and the status that the call is in.
_ACTS = {(Wish.CANCEL_RINGING, Status.RINGING): "cancel", (Wish.HANG_UP_ACTIVE, Status.ACTIVE): "hangup"}


def _lasted_s(call: Mapping[str, Any]) -> float:
    """How long the call took from its first dial to its end; a call that was never dialled, from its acceptance."""
    begun = call["attempts"][0]["dialed_at"] if call["attempts"] else call["created"]
    return (datetime.fromisoformat(call["ended_at"]) - datetime.fromisoformat(begun)).total_seconds()


def table_of(found: list[Outcome]) -> Table:
    table = Table("number", "the phone", "promised", "seen", "s")
    for outcome in found:
        colour = "green" if outcome.is_as_promised else "bold red"
        seen = f"[{colour}]{outcome.seen or 'not over'}[/]"
        table.add_row(outcome.entry.number, outcome.entry.does, outcome.entry.end_reason, seen, f"{outcome.took_s:.1f}")
    return table


def main() -> int:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    try:
        with (
            console.status(f"calling {len(NUMBERS)} numbers"),
            running_stack(Wishes(state_dir=LOCAL / "outcomes", port=0, cap=_LINES)) as stack,
        ):
            found = asyncio.run(outcomes(stack))
    except StackError as error:
        console.print(f"[bold red]error:[/] {error}")
        return 1
    console.print(table_of(found))
    wrong = [outcome for outcome in found if not outcome.is_as_promised]
    unseen = not_reached(found)
    console.print(f"{len(found) - len(wrong)} passed, {len(wrong)} failed")
    console.print("every reason of a number was reached" if not unseen else f"not reached: {', '.join(unseen)}")
    others = ", ".join(each.end_reason for each in BEYOND_NUMBERS)
    console.print(f"of no number: {others} (docs/sandbox.md, {beyond.TITLE!r})")
    return 1 if wrong or unseen else 0


def not_reached(found: Iterable[Outcome]) -> list[str]:
    """The reasons that a number promises, or should, and no call ended with."""
    without = {each.end_reason for each in BEYOND_NUMBERS}
    return sorted({reason.value for reason in EndReason} - without - {outcome.seen for outcome in found})


if __name__ == "__main__":
    sys.exit(main())
