"""Calls every method of the official SDK once, against a stack, and says what became of each: `make sdk-table`.

Nothing of the SDK is changed. The two clients (`AsyncClient`, `Client`) and the two ways to show a key (Bearer, and
Token with Org-Handle) lead to the same routes by different paths, so each pair of them is a tour of its own.
"""

import asyncio
import inspect
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table
from unpod import AsyncClient, Client
from unpod.management._auth import Auth, BearerAuth, TokenAuth

from local.stack.lifecycle import running_stack
from local.stack.record import Stack
from local.stack.wishes import Wishes
from local.tools.places import LOCAL
from local.trips.sdk.methods import NOT_SERVED, SERVED, Journey, Stop

_ACTIVE_WITHIN_S = 60
_NOT_SERVED_STATUS = 501


class Way(StrEnum):
    """A client of the SDK, and how it shows its key."""

    ASYNC_BEARER = "async, Bearer"
    ASYNC_TOKEN = "async, Token"
    BLOCKING_BEARER = "blocking, Bearer"
    BLOCKING_TOKEN = "blocking, Token"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one method did. `fault` is why that is not what was promised, None where it is."""

    method: str
    did: str
    fault: str | None = None


def tour(stack: Stack, way: Way) -> list[Seen]:
    """Every method once, in order. A method that fails does not end the tour: later ones may do without it."""
    suffix = f"{list(Way).index(way)}{int(time.time()) % 10_000:04}"
    journey = Journey(stack.account_id, stack.pipe_id, suffix, _numbers(stack, suffix))
    auth: Auth = BearerAuth(stack.api_key) if "Bearer" in way else TokenAuth(stack.api_key, stack.org_handle)
    with _asking(stack, way, auth) as ask:
        return [
            *(_served(ask, stop, journey) for stop in SERVED),
            *(_refused(ask, stop, journey) for stop in NOT_SERVED),
        ]


type Ask = Callable[[Callable[[Any], Any]], Any]


class _asking:
    """Calls a method of a client of the SDK, whichever the two kinds of client is it, and gives its answer."""

    def __init__(self, stack: Stack, way: Way, auth: Auth) -> None:
        self._base_url = f"{stack.base_url}/platform"
        self._is_async = way.startswith("async")
        self._auth = auth
        self._runner = asyncio.Runner()
        self._client: Any = None

    def __enter__(self) -> Ask:
        kind = AsyncClient if self._is_async else Client
        self._client = kind(base_url=self._base_url, auth=self._auth)
        return self._ask

    def __exit__(self, *_: object) -> None:
        self._answer(self._client.close())
        self._runner.close()

    def _ask(self, take: Callable[[Any], Any]) -> Any:
        return self._answer(take(self._client))

    def _answer(self, result: Any) -> Any:
        return self._runner.run(result) if inspect.iscoroutine(result) else result


def _numbers(stack: Stack, suffix: str) -> tuple[str, ...]:
    """Two numbers of the account's own for one tour: the SDK has no method that brings one."""
    numbers = tuple(f"+1555{suffix}{n:02}" for n in (61, 62))
    for number in numbers:
        httpx.post(
            f"{stack.base_url}/v1/numbers",
            json={"number": number},
            headers={"authorization": f"Bearer {stack.api_key}"},
            timeout=30,
        )
    return numbers


def _served(ask: Ask, stop: Stop, journey: Journey) -> Seen:
    try:
        if stop.in_the_call:
            _wait_until_active(ask, journey)
        if stop.method == "transcripts.list":
            _wait_until_words_are_kept(ask)
        answer = ask(lambda client: stop.take(client, journey))
    except httpx.HTTPStatusError as error:
        return Seen(stop.method, str(error.response.status_code), f"{error.response.text[:200]}")
    except Exception as error:
        # Whatever the SDK raises over an answer is what its user would see.
        return Seen(stop.method, type(error).__name__, f"{error}"[:300])
    journey.gave[stop.method] = answer
    fault = _fault(stop, answer)
    return Seen(stop.method, _shown(answer), fault)


def _refused(ask: Ask, stop: Stop, journey: Journey) -> Seen:
    try:
        ask(lambda client: stop.take(client, journey))
    except httpx.HTTPStatusError as error:
        status, document = error.response.status_code, error.response.json()
        is_told = status == _NOT_SERVED_STATUS and document.get("help")
        return Seen(stop.method, str(status), None if is_told else f"{document}")
    return Seen(stop.method, "answered", "must be refused with 501")


def _wait_until_active(ask: Ask, journey: Journey) -> None:
    call_id = journey.gave["calls.create"].call_id
    until = time.monotonic() + _ACTIVE_WITHIN_S
    while ask(lambda client: client.calls.get(call_id)).status != "active" and time.monotonic() < until:
        time.sleep(0.2)


def _wait_until_words_are_kept(ask: Ask) -> None:
    """What was said is reported behind the end of the call."""
    until = time.monotonic() + _ACTIVE_WITHIN_S
    while not ask(lambda client: client.transcripts.list()) and time.monotonic() < until:
        time.sleep(0.2)


def _fault(stop: Stop, answer: Any) -> str | None:
    """Why an answer is not what the SDK says that its method gives."""
    if stop.gives is None:
        return None if answer is None else f"gave {answer!r}, and must give nothing"
    rows = answer if isinstance(answer, list) and stop.gives is not list else [answer]
    if not rows:
        return "gave an empty list"
    strange = [row for row in rows if not isinstance(row, stop.gives)]
    return f"gave {type(strange[0]).__name__}" if strange else None


def _shown(answer: Any) -> str:
    if isinstance(answer, list):
        return f"{len(answer)} rows"
    return "nothing" if answer is None else type(answer).__name__


def _table(tours: dict[Way, list[Seen]]) -> Table:
    table = Table("method", *(way.value for way in tours), title="unpod 0.5.0, method by method")
    for row in zip(*tours.values(), strict=True):
        cells = [f"[red]{seen.did}: {seen.fault}[/]" if seen.fault else seen.did for seen in row]
        table.add_row(row[0].method, *cells)
    return table


def _tours(stack: Stack) -> Iterator[tuple[Way, list[Seen]]]:
    for way in Way:
        yield way, tour(stack, way)


def main() -> int:
    console = Console(width=200)
    with running_stack(Wishes(state_dir=LOCAL / "sdk-table", port=0, cap=5), console.print) as stack:
        tours = dict(_tours(stack))
    console.print(_table(tours))
    faults = sum(seen.fault is not None for seens in tours.values() for seen in seens)
    served, refused = len(SERVED), len(NOT_SERVED)
    console.print(f"{served + refused} methods: {served} served, {refused} out of scope (501); faults: {faults}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
