"""The phone network in a process of its own, the SDK's runners in a few others, and a stand-in that brings them
together: what is heard and spoken in a call, without the functions that decide about calls."""

import asyncio
import itertools
import json
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from livekit import api

from local.bench.plane.stand_in import StandIn
from local.bench.rig import until
from local.tools import processes
from local.tools.processes import Child, StackError
from local.trips.runners import runner_process
from speech.bridge.hub import serving

_KEY, _SECRET = "devkey", "ringline-bench-secret-0123456789ab"
_AGENT_ID = "crowd"
_WITHIN_S = 60.0
_MOST_REQUESTS = 32


@dataclass(frozen=True, slots=True)
class Size:
    """So many `runners` in all, in so many `processes`, each with `places`. `time_scale` is how long a second of the
    phone network lasts."""

    runners: int
    processes: int
    places: int
    time_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class _Whose:
    """Whose runners they are, for the SDK: the stand-in takes any key."""

    base_url: str
    api_key: str = "sk_bench"
    org_handle: str = "bench"


@dataclass(frozen=True, slots=True)
class Lab:
    """Places calls, and tells what the phones saw of them. `network` is the process that holds the bridges."""

    network: Child
    stand_in: StandIn
    _plane_url: str
    _http: aiohttp.ClientSession
    _livekit: api.LiveKitAPI
    _trunk_id: str
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def call(self, number: str, manners: Mapping[str, Any]) -> str:
        """The room of a call to a phone with these manners: the agent is dispatched, and the phone rings once the agent
        is ready. Raises StackError if it does not become so."""
        turn = next(self._numbers)
        call_id = f"call_{turn}"
        await self.phones("PUT", f"/numbers/{number}", manners)
        url, room = f"{self._plane_url}/v1/calls/{call_id}", f"acct.{call_id}.1"
        told = {
            "call_id": call_id, "agent_id": _AGENT_ID, "direction": "outbound", "to_number": number, "data": {},
            "brain": "runner", "brain_url": f"{url}/brain", "agent_events_url": f"{url}/agent-events", "token": "t",
        }  # fmt: skip
        agent = api.RoomAgentDispatch(agent_name="ringline-speech", metadata=json.dumps(told))
        await self._livekit.room.create_room(api.CreateRoomRequest(name=room, agents=[agent]))
        try:
            await asyncio.wait_for(self.stand_in.ready(call_id).wait(), _WITHIN_S)
        except TimeoutError:
            raise StackError(f"the agent of {call_id} was not ready within {_WITHIN_S:.0f} s") from None
        dial = api.CreateSIPParticipantRequest(
            sip_trunk_id=self._trunk_id, sip_call_to=number, room_name=room, participant_identity=f"leg_{turn}"
        )
        await self._livekit.sip.create_sip_participant(dial)
        return room

    async def is_over(self, room: str) -> bool:
        """Whether everybody has left."""
        return not (await self._livekit.room.list_participants(api.ListParticipantsRequest(room=room))).participants

    async def seen(self, number: str) -> list[dict[str, Any]]:
        """What the phone at that number saw of its calls, oldest first."""
        calls: list[dict[str, Any]] = await self.phones("GET", f"/calls?number={number.replace('+', '%2B')}")
        return calls

    async def phones(self, method: str, path: str, body: Any = None) -> Any:
        """Raises StackError."""
        async with self._http.request(method, f"/phones{path}", json=body) as answer:
            if answer.status >= 400:
                raise StackError(f"{method} {path} answered {answer.status}: {await answer.text()}")
            return await answer.json() if answer.status == 200 else None


@asynccontextmanager
async def lab(size: Size, log_dir: Path) -> AsyncIterator[Lab]:
    """With every runner registered. Raises StackError."""
    stand_in = StandIn(_SECRET)
    async with serving(stand_in.routes(), "127.0.0.1") as port:
        plane_url = f"http://127.0.0.1:{port}"
        with _network(size, log_dir) as network, _crowds(size, plane_url, log_dir):
            url = processes.ready_line(network) or ""
            await until("every runner", lambda: stand_in.runners == size.runners, _WITHIN_S)
            connector = aiohttp.TCPConnector(limit=_MOST_REQUESTS)
            async with aiohttp.ClientSession(url, connector=connector) as http:
                async with api.LiveKitAPI(url, _KEY, _SECRET) as livekit:
                    trunks = await livekit.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())
                    yield Lab(network, stand_in, plane_url, http, livekit, trunks.items[0].sip_trunk_id)


@contextmanager
def _network(size: Size, log_dir: Path) -> Iterator[Child]:
    command = [
        sys.executable, "-m", "local.phones", "--port", "0", "--api-key", _KEY, "--api-secret", _SECRET,
        "--time-scale", str(size.time_scale), "--speech-places", str(size.runners * size.places),
    ]  # fmt: skip
    child = processes.start("lab-phones", command, log_dir, processes.clean_environment())
    try:
        processes.wait_until(child, lambda: processes.ready_line(child) is not None, _WITHIN_S)
        yield child
    finally:
        processes.stop(child)


@contextmanager
def _crowds(size: Size, plane_url: str, log_dir: Path) -> Iterator[None]:
    command = ["-m", "local.bench.plane.crowd", _AGENT_ID, str(size.runners // size.processes), str(size.places)]
    with ExitStack() as crowds:
        for turn in range(size.processes):
            crowds.enter_context(runner_process(_Whose(plane_url), f"lab-crowd-{turn}", command, log_dir))
        yield
