"""Customers of a running stack: each an account of its own, with the official SDK and a phone network to look at."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import aiohttp
import botocore.session
import httpx
from unpod import AsyncClient
from unpod.management._auth import Auth, JWTAuth, TokenAuth

from local.aws.deploy import client
from local.stack.record import Stack
from local.stack.seed import seed
from local.trips.runners import a_client
from local.trips.webhook_listener import Listener, Received
from ringline.calls.tables.store import CallStore, Gate
from ringline.runtime.vault.document import read_document
from ringline.runtime.vault.kept import AGENT_TOKENS

TERMINAL = {"completed", "failed"}

PATIENCE_S = 150.0
"""How long a test waits where nothing says when something must have happened. On a busy machine all takes longer, and
what then comes too late is made good by the sweep of the next minute."""

_numbers = itertools.count(1)


def token_secret_of(stack: Stack) -> str:
    """What the stack makes the tokens of agents with."""
    text = client("secretsmanager", stack.emulator_url).get_secret_value(SecretId=stack.secrets_name)["SecretString"]
    return read_document(text).secrets[AGENT_TOKENS][0].value


@dataclass(frozen=True, slots=True)
class Customer:
    stack: Stack
    account_id: str
    api_key: str
    org_handle: str
    pipe_id: str
    agent_id: str
    from_number: str
    runner_pipe_id: str
    runner_agent_id: str
    webhook_secret: str | None

    @property
    def base_url(self) -> str:
        return self.stack.base_url

    def client(self, *, mode: str = "bearer") -> AsyncClient:
        """The official SDK, in direct mode (an API key) or in proxy mode (a token with its organisation)."""
        base_url = f"{self.stack.base_url}/platform"
        proxied: dict[str, Callable[[str, str], Auth]] = {"token": TokenAuth, "jwt": JWTAuth}
        if mode in proxied:
            return AsyncClient(auth=proxied[mode](self.api_key, self.org_handle), base_url=base_url)
        return a_client(self)

    @property
    def store(self) -> CallStore:
        return CallStore(emulator_client(self.stack, "dynamodb"), self.stack.table_name)

    def gate(self) -> Gate:
        return self.store.gate(self.account_id)


def a_customer(stack: Stack, *, cap: int = 5, webhook_url: str | None = None, org_handle: str = "acme") -> Customer:
    made = seed(stack.table_name, stack.emulator_url, cap, webhook_url=webhook_url, org_handle=org_handle)
    return Customer(
        stack=stack,
        account_id=str(made["account_id"]),
        api_key=str(made["api_key"]),
        org_handle=str(made["org_handle"]),
        pipe_id=str(made["pipe_id"]),
        agent_id=str(made["agent_id"]),
        from_number=str(made["from_number"]),
        runner_pipe_id=str(made["runner_pipe_id"]),
        runner_agent_id=str(made["runner_agent_id"]),
        webhook_secret=made["webhook_secret"],
    )


def emulator_client(stack: Stack, service: str, endpoint_url: str | None = None) -> Any:
    return _client_of(service, endpoint_url or stack.emulator_url)


@cache
def _client_of(service: str, endpoint_url: str) -> Any:
    """Made once: botocore reads for a twentieth of a second what the service takes."""
    return botocore.session.get_session().create_client(
        service,
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


async def asked(customer: Customer, method: str, path: str, body: Any = None) -> Any:
    """What the API answers to a request that it does not refuse."""
    headers = {"Authorization": f"Bearer {customer.api_key}"}
    async with httpx.AsyncClient(base_url=customer.base_url, headers=headers, timeout=PATIENCE_S) as client:
        answer = await client.request(method, path, json=body)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def until_over(client: AsyncClient, call_id: str, within_s: float = PATIENCE_S) -> tuple[Any, list[str]]:
    """The call when it is over, and each status it was seen in. Raises TimeoutError."""
    seen: list[str] = []

    def is_over(call: Any) -> bool:
        if not seen or seen[-1] != call.status:
            seen.append(call.status)
        return call.status in TERMINAL

    return await until(client, call_id, is_over, within_s), seen


async def all_over(client: AsyncClient, calls: int) -> list[Any]:
    """The account's calls once so many are over, the newest first. One look tells of all of them. Raises
    TimeoutError."""

    async def look() -> list[Any] | None:
        made = await client.calls.list()
        return made if [call.status in TERMINAL for call in made] == [True] * calls else None

    return await eventually(look)


async def until(client: AsyncClient, call_id: str, is_so: Callable[[Any], bool], within_s: float = PATIENCE_S) -> Any:
    """The call as soon as it is as wanted. Raises TimeoutError."""

    async def look() -> Any:
        call = await client.calls.get(call_id)
        return call if is_so(call) else None

    return await eventually(look, within_s)


async def eventually[T](look: Callable[[], Awaitable[T | None]], within_s: float = PATIENCE_S) -> T:
    """What `look` finds as soon as it finds anything. Raises TimeoutError.

    Whoever has waited for long looks less often: each look costs the stack work, for which other tests wait."""
    began_at = time.monotonic()
    async with asyncio.timeout(within_s):
        while True:
            if found := await look():
                return found
            waited_s = time.monotonic() - began_at
            await asyncio.sleep(min(max(0.05, waited_s / 20), 0.5))


async def phones(stack: Stack, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One request to the phone network's control interface."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{stack.phones_url}/phones/{path}", json=body) as answer,
    ):
        assert answer.status < 300, await answer.text()
        return await answer.json() if answer.content_length else None


async def a_callee(stack: Stack, number: str, **does: Any) -> str:
    """A number whose phone does what the test says."""
    await phones(stack, "PUT", f"numbers/{number}", does)
    return number


def a_number() -> str:
    """A number of the sandbox that no other test dials."""
    return f"+15550107{next(_numbers):03}"


async def a_quick_callee(stack: Stack, **does: float) -> str:
    """Rings for 0.2 s, answers, talks for 0.5 s, hangs up, unless told otherwise."""
    return await a_callee(stack, a_number(), **{"answers_after_s": 0.2, "hangs_up_after_s": 0.5} | does)


async def told(listener: Listener, call_id: str, event_type: str = "call_end") -> Received:
    """The webhook of that type about that call."""
    while True:
        got = await listener.next(event_type, PATIENCE_S)
        if got.body["data"]["call_id"] == call_id:
            return got


async def rung(stack: Stack, number: str) -> list[dict[str, Any]]:
    """Every call that a number's phone saw, in the order they came. A leg that has joined its room and sent no INVITE
    yet is none."""
    calls: list[dict[str, Any]] = await phones(stack, "GET", f"calls?number={number.replace('+', '%2B')}")
    invited = [call for call in calls if call["invited_at"] is not None]
    return sorted(invited, key=lambda call: call["invited_at"])


def sweep_now(stack: Stack) -> None:
    """Runs the deployed sweep once, as its schedule does each minute."""
    answer = emulator_client(stack, "lambda").invoke(FunctionName=stack.functions["SweepFunction"], Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()
