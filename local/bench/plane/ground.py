"""What the plane's benches stand on: an account of their own on the stack, whose agent's calls runners take, and people
who talk for as long as they are wanted."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import replace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.bench.rig import Rig
from local.stack.seed import add_runner_agent, seed
from local.tools.processes import Child, StackError
from local.trips.runners import runner_process, until_runners

LINES = 200
"""More than anybody gets to say in a bench."""
_TALKER: dict[str, Any] = {"rings_after_s": 0.1, "answers_after_s": 0.2, "hangs_up_after_s": None}
_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Ground:
    """An account of its own with `agent_id`, whose calls are placed by the `rig`."""

    rig: Rig
    agent_id: str

    @asynccontextmanager
    async def crowd(self, name: str, runners: int, places: int) -> AsyncIterator[Child]:
        """So many runners in a process of their own, registered, for the time of a `with`."""
        command = ["-m", "local.bench.plane.crowd", self.agent_id, str(runners), str(places)]
        with runner_process(self.rig.stack, name, command, Path(self.rig.stack.log_dir)) as child:
            await until_runners(self.rig.stack, self.agent_id, runners)
            yield child

    async def talkers(self, number: str, calls: int) -> list[dict[str, Any]]:
        """So many calls of people who talk and talk in single words, as the phones see them once each was answered by
        its agent. Raises StackError."""
        person = {"lines": ["Hello"] * LINES}
        await self.rig.phones("PUT", f"/numbers/{number}", _TALKER | {"person": person})
        talking: list[dict[str, Any]] = []
        earlier = {call["id"] for call in await self.rig.phone_calls(number)}
        for turn in range(calls):  # one after the other: each start of a function's process would hold up the others
            await self.rig.create_call(number)
            talking = await self._until_talking(number, turn + 1, earlier)
        return talking

    async def _until_talking(self, number: str, calls: int, earlier: set[int]) -> list[dict[str, Any]]:
        ends_at = asyncio.get_running_loop().time() + _WITHIN_S
        while asyncio.get_running_loop().time() < ends_at:
            found = [call for call in await self.rig.phone_calls(number) if call["id"] not in earlier]
            talking = [call for call in found if any(words["who"] == "agent" for words in call["words"])]
            if len(talking) >= calls:
                return talking
            await asyncio.sleep(_LOOK_EVERY_S)
        raise StackError(f"not all of {calls} calls were talking within {_WITHIN_S:.0f} s")

    async def hang_up(self, calls: Sequence[dict[str, Any]]) -> None:
        """The people hang up, and the phones know of the end. Raises StackError."""
        await asyncio.gather(*(self.rig.phones("POST", f"/calls/{call['id']}/hangup") for call in calls))
        ends_at = asyncio.get_running_loop().time() + _WITHIN_S
        for call in calls:
            while (await self.rig.phones("GET", "/calls", room=call["room"]))[0]["ended_at"] is None:
                if asyncio.get_running_loop().time() > ends_at:
                    raise StackError(f"the calls were not over within {_WITHIN_S:.0f} s")
                await asyncio.sleep(_LOOK_EVERY_S)


async def ground(rig: Rig, cap: int, agent_id: str) -> Ground:
    """A new account on the rig's stack, with so many lines and an agent of that id."""
    stack = rig.stack
    made = await asyncio.to_thread(seed, stack.table_name, stack.emulator_url, cap)
    pipe_id = await asyncio.to_thread(
        add_runner_agent, stack.table_name, stack.emulator_url, str(made["account_id"]), agent_id, stack.from_number
    )
    theirs = replace(
        stack,
        api_key=str(made["api_key"]),
        account_id=str(made["account_id"]),
        org_handle=str(made["org_handle"]),
        pipe_id=pipe_id,
    )
    return Ground(replace(rig, stack=theirs), agent_id)
