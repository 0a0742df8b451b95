"""The official SDK for an account: its client, and runners which take the calls of an agent, in this process or in one
of their own."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Protocol

import aiohttp
from unpod import AgentRunner, AsyncClient, BearerAuth
from unpod.connectivity.call_context import CallContext

from local.tools import processes
from local.tools.processes import Child, StackError


class Account(Protocol):
    """Whose runner it is, and where it registers. A stack is one, for the account that it was seeded with."""

    @property
    def base_url(self) -> str: ...

    @property
    def api_key(self) -> str: ...

    @property
    def org_handle(self) -> str: ...


type Entrypoint = Callable[[CallContext], Awaitable[None]]

_REGISTERED_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.2


def runner_settings(account: Account) -> dict[str, str]:
    """The variables that the SDK's runner and its client read, for this account."""
    return {
        "UNPOD_BASE_URL": account.base_url,
        "UNPOD_PLATFORM_TOKEN": account.api_key,
        "UNPOD_ORG_HANDLE": account.org_handle,
    }


def a_client(account: Account) -> AsyncClient:
    """The SDK's own client. Its argument `api_key` would give way to a UNPOD_PLATFORM_TOKEN in the environment."""
    return AsyncClient(auth=BearerAuth(account.api_key), base_url=f"{account.base_url}/platform")


def a_runner(account: Account, agent_id: str, entrypoint: Entrypoint) -> AgentRunner:
    """The SDK's own runner, not yet running."""
    return AgentRunner(
        entrypoint,
        agent_id=agent_id,
        platform_token=account.api_key,
        org_handle=account.org_handle,
        base_url=account.base_url.replace("http", "ws", 1),
    )


@asynccontextmanager
async def running(account: Account, runner: AgentRunner) -> AsyncIterator[AgentRunner]:
    """A runner that is registered, for the time of a `with`. Its calls end with it."""
    task = asyncio.create_task(runner.run())
    try:
        await _until_registered(account, runner._worker_id, task)
        yield runner
    finally:
        # The SDK 0.5.0 lets the calls of a runner that has ended go on.
        ending = [task, *runner._jobs.values()]
        for each in ending:
            each.cancel()
        await asyncio.gather(*ending, return_exceptions=True)


@contextmanager
def runner_process(account: Account, name: str, command: list[str], log_dir: Path) -> Iterator[Child]:
    """A runner that is a process of its own, for the time of a `with`."""
    environment = processes.clean_environment(runner_settings(account))
    child = processes.start(name, [sys.executable, *command], log_dir, environment)
    try:
        yield child
    finally:
        processes.stop(child)


async def until_runners(account: Account, agent_id: str, count: int) -> list[str]:
    """The ids of the agent's runners, once so many are there. Raises StackError."""
    return await _until(account, lambda found: len(found.get(agent_id, [])) >= count, agent_id)


async def _until_registered(account: Account, worker_id: str, task: asyncio.Task[None]) -> None:
    def is_there(found: dict[str, list[str]]) -> bool:
        if task.done():
            task.result()
            raise StackError("the runner ended before it was registered")
        return any(worker_id in workers for workers in found.values())

    await _until(account, is_there, "")


async def _until(account: Account, is_so: Callable[[dict[str, list[str]]], bool], agent_id: str) -> list[str]:
    headers = {"Authorization": f"Bearer {account.api_key}"}
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + _REGISTERED_WITHIN_S
    async with aiohttp.ClientSession(account.base_url, headers=headers) as web:
        while loop.time() < ends_at:
            found = await _runners(web)
            if is_so(found):
                return found.get(agent_id, [])
            await asyncio.sleep(_LOOK_EVERY_S)
    raise StackError(f"no runner was registered within {_REGISTERED_WITHIN_S:.0f} s")


async def _runners(web: aiohttp.ClientSession) -> dict[str, list[str]]:
    """The ids of the runners that are there, by agent."""
    async with web.get("/v1/runners") as answer:
        found: dict[str, list[str]] = {}
        for runner in (await answer.json())["data"] if answer.ok else []:
            found.setdefault(runner["agent_id"], []).append(runner["worker_id"])
        return found
