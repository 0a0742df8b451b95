"""The floods: each is one kind of request, sent on and on at a bounded pace over loopback, by an account that has a
stack to itself with the one that is measured.

A pace and not as many as fit: on one machine whoever is flooded and whoever floods share two processors, and a flood
without a bound would measure these.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from local.aws import deploy
from local.bench.fairness import count_waiting
from local.bench.rig import SILENT_AGENT, Rig
from local.stack.record import Stack
from local.tools.processes import StackError
from ringline.accounts.tables.allowances import Allowances
from ringline.calls.tables.store import CallStore
from ringline.runtime.vault.document import read_document
from ringline.runtime.vault.kept import AGENT_TOKENS
from ringline.telephony.agent_dispatch import call_token

A_SECOND = 5
"""Requests, or connections, of each flood."""
_AT_ONCE = 4
_WITHIN_S = 20.0
_ANSWERED_WITHIN_S, _DRAINED_WITHIN_S = 30.0, 30.0
_LOOK_EVERY_S = 0.1

_BUSY = "+15550100781"
_STAYS = "+15550100782"
_DEAD_ENDPOINTS = 5
_MOST_WAITING = 10
"""Of the flooder's calls, so that what a flood left is soon over: more are answered 429."""
_RUNNERS_PATH = "/v1/internal/workers"

type Send = Callable[[int], Awaitable[str]]


@dataclass(slots=True)
class Sent:
    """What was sent, by what was answered."""

    answers: Counter[str] = field(default_factory=Counter)

    @property
    def words(self) -> str:
        return ", ".join(f"{count} x {answer}" for answer, count in sorted(self.answers.items()))


@asynccontextmanager
async def flooded(send: Send, sent: Sent) -> AsyncIterator[None]:
    """While it lasts, `send` is called A_SECOND times a second, and _AT_ONCE at most are under way."""
    places, turns = asyncio.Semaphore(_AT_ONCE), itertools.count()

    async def one(turn: int) -> None:
        async with places:
            try:
                sent.answers[await asyncio.wait_for(send(turn), _WITHIN_S)] += 1
            except (aiohttp.ClientError, TimeoutError) as error:
                sent.answers[type(error).__name__] += 1

    async def pace() -> None:
        async with asyncio.TaskGroup() as under_way:
            for turn in turns:
                await places.acquire()
                places.release()
                under_way.create_task(one(turn))
                await asyncio.sleep(1 / A_SECOND)

    pacing = asyncio.create_task(pace())
    try:
        yield
    finally:
        pacing.cancel()
        with suppress(asyncio.CancelledError):
            await pacing


async def floods_of(flooder: Rig) -> Mapping[str, Send]:
    """Each kind by its name, set up: what it needs of calls and endpoints is there. Raises StackError."""
    stack, web = flooder.stack, flooder.web
    allowances = Allowances(deploy.client("dynamodb", stack.emulator_url), stack.table_name)
    await asyncio.to_thread(allowances.set, stack.account_id, {"max_waiting": _MOST_WAITING})
    await flooder.phones("PUT", f"/numbers/{_BUSY}", {"rings_after_s": None, "refusal": 486})
    key = {"Authorization": f"Bearer {stack.api_key}"}
    call = {"to_number": _BUSY, "pipe_id": stack.pipe_id}
    reports, token = await _reports_of_a_call(flooder)

    async def ask(method: str, path: str, **request: Any) -> str:
        async with web.request(method, stack.base_url + path, **request) as answer:
            await answer.read()
            return str(answer.status)

    async def create(_turn: int) -> str:
        return await ask("POST", "/v1/calls", json=call, headers=key)

    async def list_calls(_turn: int) -> str:
        return await ask("GET", "/v1/calls?limit=100", headers=key)

    async def junk(turn: int) -> str:
        return await ask(
            "POST", "/v1/calls", data=b"{" * 100, headers={"Authorization": "Bearer sk_x"} if turn % 2 else {}
        )

    async def report(turn: int) -> str:
        events = [{"type": "user_spoke", "at": turn}]
        return await ask("POST", reports, json={"events": events}, headers={"Authorization": f"Bearer {token}"})

    async def connect_and_drop(_turn: int) -> str:
        url = stack.base_url.replace("http", "ws", 1) + _RUNNERS_PATH
        headers = {"Authorization": f"Token {stack.api_key}", "Org-Handle": stack.org_handle}
        try:
            async with web.ws_connect(url, headers=headers):
                return "connected"
        except aiohttp.WSServerHandshakeError as error:
            return str(error.status)

    return {
        "creates": create,
        "lists": list_calls,
        "junk without a key": junk,
        "agents' reports": report,
        "runners that connect and drop": connect_and_drop,
        "dead endpoints": create,
    }


async def drained(flooder: Rig) -> int:
    """Takes the flooder's calls that wait out of the queue, and returns when none waits any more, or how many still do
    after half a minute. Raises StackError."""
    ends_at = time.monotonic() + _DRAINED_WITHIN_S
    while left := await asyncio.to_thread(count_waiting, flooder.stack, flooder.stack.account_id):
        if time.monotonic() > ends_at:
            return left
        for call in (await flooder.api("GET", "/v1/calls?status=pending&limit=100", None))["data"]:
            with suppress(StackError):
                # It may be dialled by now.
                await flooder.api("POST", f"/v1/calls/{call['call_id']}/cancel", None)
        await asyncio.sleep(_LOOK_EVERY_S)
    return 0


@asynccontextmanager
async def dead_endpoints(flooder: Rig) -> AsyncIterator[None]:
    """While it lasts, the flooder's account has as many endpoints as take connections and never answer."""

    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(never_answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    every = ["call_ringing", "call_active", "call_end"]
    made = [
        await flooder.api(
            "POST", "/v1/webhook-endpoints", {"url": f"http://127.0.0.1:{port}/{each}", "event_types": every}
        )
        for each in range(_DEAD_ENDPOINTS)
    ]
    try:
        yield
    finally:
        for endpoint in made:
            await flooder.api("DELETE", f"/v1/webhook-endpoints/{endpoint['endpoint_id']}", None)
        server.close()
        server.close_clients()
        await server.wait_closed()


async def _reports_of_a_call(flooder: Rig) -> tuple[str, str]:
    """Where the agent of a call that goes on and on reports, and its token."""
    stack = flooder.stack
    await flooder.phones("PUT", f"/numbers/{_STAYS}", {"answers_after_s": 0.1, "hangs_up_after_s": None} | SILENT_AGENT)
    body = {"to_number": _STAYS, "pipe_id": stack.pipe_id}
    call_id = str((await flooder.api("POST", "/v1/calls", body))["call_id"])
    ends_at = time.monotonic() + _ANSWERED_WITHIN_S
    while not any(call["answered_at"] for call in await flooder.phone_calls(_STAYS)):
        if time.monotonic() > ends_at:
            raise StackError(f"{_STAYS} was not answered within {_ANSWERED_WITHIN_S:.0f} s")
        await asyncio.sleep(_LOOK_EVERY_S)
    return f"/v1/calls/{call_id}/agent-events", await asyncio.to_thread(_token_of, stack, call_id)


def _token_of(stack: Stack, call_id: str) -> str:
    kept = deploy.client("secretsmanager", stack.emulator_url).get_secret_value(SecretId=stack.secrets_name)
    secret = read_document(kept["SecretString"]).secrets[AGENT_TOKENS][0].value
    call = CallStore(deploy.client("dynamodb", stack.emulator_url), stack.table_name).get(stack.account_id, call_id)
    if call is None:
        raise StackError(f"the flooder's call {call_id} is not there")
    return call_token(call, secret)
