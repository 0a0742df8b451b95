"""A call typed in the terminal: what you type is what the person at the phone says to your own runner.

    python -m local.trips.talk [--agent AGENT_ID] [--pipe PIPE_ID]

Needs `make up`. Each line is said at once, so that it may interrupt the agent; lines that come through a pipe are each
said when the agent has finished. At the end of the input the person hangs up.
"""

import argparse
import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any, TextIO

import aiohttp

from local.stack.record import Stack, StackRecord
from local.tools.places import default_state_dir
from local.tools.processes import StackError
from local.trips.telephone import Telephone, Words

NUMBER = "+15550100298"
"""Its phone answers at once, and says what it is told to."""

_PERSON: dict[str, Any] = {"answers_after_s": 0.5, "hangs_up_after_s": None, "person": {"lines": []}}
_LOOK_EVERY_S = 0.2
_SAID_WITHIN_S = 5.0
_TERMINAL = {"completed", "failed"}


class Talk:
    """One call to one runner, told on the terminal while it goes on."""

    def __init__(self, web: aiohttp.ClientSession, stack: Stack, telephone: Telephone) -> None:
        self._web = web
        self._stack = stack
        self._telephone = telephone

    async def run(self, whom: dict[str, str], lines: AsyncIterator[str], *, waits: bool) -> dict[str, Any]:
        """Places the call and follows it to its end, which is the answer. Raises StackError."""
        call = await self._ask("POST", "/v1/calls", {"to_number": NUMBER, **whom})
        told = ""
        prompting: asyncio.Task[None] | None = None
        try:
            while True:
                for words in await self._telephone.new_words():
                    print(as_line(words), flush=True)
                if (state := _state_of(call)) != told:
                    told = state
                    print(f"  ({told})", flush=True)
                if call["status"] in _TERMINAL:
                    return call
                if call["status"] == "active" and prompting is None:
                    prompting = asyncio.create_task(self._prompt(lines, waits=waits))
                await asyncio.sleep(_LOOK_EVERY_S)
                call = await self._ask("GET", f"/v1/calls/{call['call_id']}")
        finally:
            if prompting is not None:
                prompting.cancel()
                await asyncio.gather(prompting, return_exceptions=True)
            if call["status"] not in _TERMINAL:
                await self._ask("POST", f"/v1/calls/{call['call_id']}/hangup")

    async def _prompt(self, lines: AsyncIterator[str], *, waits: bool) -> None:
        async for line in lines:
            await self._until_told(line, waits=waits)
        await self._until_told(None, waits=waits)

    async def _until_told(self, line: str | None, *, waits: bool) -> None:
        """An agent may still be on its way to the phone."""
        for _ in range(round(_SAID_WITHIN_S / _LOOK_EVERY_S)):
            telling = self._telephone.hang_up(waits=waits) if line is None else self._telephone.say(line, waits=waits)
            if await telling:
                return
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        async with self._web.request(method, self._stack.base_url + path, json=body) as answer:
            if not answer.ok:
                raise StackError(f"{method} {path} was refused: {await answer.text()}")
            return dict(await answer.json())


def as_line(words: Words) -> str:
    """What was said, with a dash where the agent was cut off."""
    return f"{'agent' if words.who == 'agent' else 'you':>6}: {words.text}{' –' if words.cut_off else ''}"


def _state_of(call: dict[str, Any]) -> str:
    if call["status"] in _TERMINAL:
        return f"{call['status']}: {call['end_reason']}"
    if (call.get("queue") or {}).get("blocked_by") == "agent":
        return "waits for a runner: none of this agent is there, or none has a place"
    return str(call["status"])


async def _lines_of(source: TextIO) -> AsyncIterator[str]:
    """The lines of a terminal, a pipe or a file. The thread that reads them ends with this process at the latest."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        for line in source:
            loop.call_soon_threadsafe(queue.put_nowait, line)
        loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=read, name="lines", daemon=True).start()
    while (line := await queue.get()) is not None:
        if text := line.strip():
            yield text


async def talk(stack: Stack, whom: dict[str, str], source: TextIO, *, waits: bool) -> dict[str, Any]:
    """Places a call to `whom` (`agent_id`, `pipe_id`) and says the source's lines in it. The call when it is over."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    number_url = f"{stack.phones_url}/phones/numbers/{NUMBER}"
    async with aiohttp.ClientSession(headers=headers) as web:
        async with web.put(number_url, json=_PERSON) as answer:
            answer.raise_for_status()
        telephone = await Telephone.at(web, stack.phones_url or "", NUMBER)
        return await Talk(web, stack, telephone).run(whom, _lines_of(source), waits=waits)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.trips.talk", description=__doc__)
    parser.add_argument("--agent", help="the agent whose runner takes the call (default: the one of `make up`)")
    parser.add_argument("--pipe", help="the pipe to call through")
    asked = parser.parse_args(arguments)
    stack = StackRecord(default_state_dir()).stack()
    if stack is None or stack.phones_url is None:
        print("error: there is no stack with a phone network: `make up` starts one", file=sys.stderr)
        return 1
    whom = {key: value for key, value in (("agent_id", asked.agent), ("pipe_id", asked.pipe)) if value}
    try:
        asyncio.run(talk(stack, whom or {"pipe_id": stack.runner_pipe_id}, sys.stdin, waits=not sys.stdin.isatty()))
    except (StackError, aiohttp.ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
