"""Two hundred runners and two thousand calls, and whether a frame is lost: every line that is said at a phone must be
answered there exactly once, and in order.

The phone network is the sandbox's, in a process of its own, with its time made shorter; the runners are the SDK's own,
many in each of a few processes; a stand-in gives them the calls. Each call says lines of its own, so that an answer at
another one's phone would be seen.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from livekit import api

from local.bench.plane.ledger import Tally, tally
from local.bench.plane.stand_in import StandIn
from local.bench.report import Reading, Section, at_most, counts_of, shown
from local.bench.rig import Noise, until
from local.tools import processes
from local.tools.processes import Child
from local.trips.runners import runner_process
from speech.bridge.hub import serving

RUNNERS, PROCESSES, CALLS = 200, 4, 2_000
_AT_ONCE = 500
_PLACES = 20
_LINES = 3
_TIME_SCALE = 0.5
_KEY, _SECRET = "devkey", "ringline-bench-secret-0123456789ab"
_AGENT_ID = "crowd"
_REGISTERED_WITHIN_S, _ANSWERED_WITHIN_S, _ENDS_WITHIN_S = 60.0, 30.0, 420.0
_MANNERS = {"rings_after_s": 0.1, "answers_after_s": 0.1, "hangs_up_after_s": None}


@dataclass(frozen=True, slots=True)
class _Whose:
    """Whose runners they are, for the SDK: the stand-in takes any key."""

    base_url: str
    api_key: str = "sk_bench"
    org_handle: str = "bench"


class _Flood:
    """Places calls at the phone network and waits for their end."""

    def __init__(
        self, web_session: aiohttp.ClientSession, livekit: api.LiveKitAPI, url: str, stand_in: StandIn
    ) -> None:
        self._web = web_session
        self._livekit = livekit
        self._url = url
        self._stand_in = stand_in
        self._places = asyncio.Semaphore(_AT_ONCE)
        self.trunk_id = ""

    async def call(self, turn: int, plane_url: str) -> bool:
        """One call: its agent is dispatched, and its phone rings once the agent is ready. Whether it came to its
        end."""
        async with self._places:
            number, call_id = _number(turn), f"call_{turn}"
            await self._put(number, _MANNERS | {"person": {"lines": lines_of(turn), "hangs_up": True}})
            url = f"{plane_url}/v1/calls/{call_id}"
            told = {
                "call_id": call_id, "agent_id": _AGENT_ID, "direction": "outbound", "to_number": number, "data": {},
                "brain": "runner", "brain_url": f"{url}/brain", "agent_events_url": f"{url}/agent-events", "token": "t",
            }  # fmt: skip
            agent = api.RoomAgentDispatch(agent_name="ringline-speech", metadata=json.dumps(told))
            await self._livekit.room.create_room(api.CreateRoomRequest(name=f"acct.{call_id}.1", agents=[agent]))
            try:
                async with asyncio.timeout(_ANSWERED_WITHIN_S):
                    await self._stand_in.ready(call_id).wait()
                dial = api.CreateSIPParticipantRequest(
                    sip_trunk_id=self.trunk_id, sip_call_to=number, room_name=f"acct.{call_id}.1",
                    participant_identity=f"leg_{turn}",
                )  # fmt: skip
                await self._livekit.sip.create_sip_participant(dial)
                async with asyncio.timeout(_ENDS_WITHIN_S):
                    await self._until_over(f"acct.{call_id}.1")
            except TimeoutError:
                return False
            return True

    async def _until_over(self, room: str) -> None:
        while True:
            await asyncio.sleep(2 * _TIME_SCALE)
            listed = await self._livekit.room.list_participants(api.ListParticipantsRequest(room=room))
            if not listed.participants:
                return

    async def _put(self, number: str, manners: dict[str, Any]) -> None:
        async with self._web.put(f"{self._url}/phones/numbers/{number}", json=manners) as answer:
            answer.raise_for_status()

    async def ledger(self, turn: int) -> list[dict[str, Any]]:
        async with self._web.get(f"{self._url}/phones/calls", params={"number": _number(turn)}) as answer:
            return list(await answer.json())


def lines_of(turn: int) -> list[str]:
    """What is said in one call, and in no other."""
    return [f"{word}-{turn}" for word in ("one", "two", "three")]


def _number(turn: int) -> str:
    return f"+15557{turn:06d}"


async def measure(log_dir: Path) -> Section:
    """Ends by itself, some minutes at most after it began. Raises StackError if network or runners do not come."""
    stand_in, noise, began_s = StandIn(_SECRET), Noise(), time.monotonic()
    async with serving(stand_in.routes(), "127.0.0.1") as port:
        plane_url = f"http://127.0.0.1:{port}"
        with _network(log_dir) as network, _crowds(plane_url, log_dir):
            await until("every runner", lambda: stand_in.runners == RUNNERS, _REGISTERED_WITHIN_S)
            registered_s = time.monotonic() - began_s
            async with _flood(network, stand_in) as flood:
                began_s = time.monotonic()
                done = await asyncio.gather(*(flood.call(turn, plane_url) for turn in range(CALLS)))
                taken_s = time.monotonic() - began_s
                counted = Tally()
                for turn in range(CALLS):
                    counted += tally(await flood.ledger(turn), lines_of(turn))
    return _section(counted, sum(done), stand_in, registered_s, taken_s, noise.words())


@contextmanager
def _network(log_dir: Path) -> Iterator[Child]:
    command = [
        sys.executable, "-m", "local.phones", "--port", "0", "--api-key", _KEY, "--api-secret", _SECRET,
        "--time-scale", str(_TIME_SCALE), "--speech-places", str(CALLS),
    ]  # fmt: skip
    child = processes.start("flood-phones", command, log_dir, processes.clean_environment())
    try:
        processes.wait_until(child, lambda: processes.ready_line(child) is not None, _REGISTERED_WITHIN_S)
        yield child
    finally:
        processes.stop(child)


@contextmanager
def _crowds(plane_url: str, log_dir: Path) -> Iterator[None]:
    command = ["-m", "local.bench.plane.crowd", _AGENT_ID, str(RUNNERS // PROCESSES), str(_PLACES)]
    with ExitStack() as crowds:
        for turn in range(PROCESSES):
            crowds.enter_context(runner_process(_Whose(plane_url), f"flood-crowd-{turn}", command, log_dir))
        yield


@asynccontextmanager
async def _flood(network: Child, stand_in: StandIn) -> AsyncIterator[_Flood]:
    url = processes.ready_line(network) or ""
    connector = aiohttp.TCPConnector(limit=32)
    async with aiohttp.ClientSession(connector=connector) as session, api.LiveKitAPI(url, _KEY, _SECRET) as livekit:
        flood = _Flood(session, livekit, url, stand_in)
        flood.trunk_id = (
            (await livekit.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())).items[0].sip_trunk_id
        )
        yield flood


def _section(counted: Tally, done: int, stand_in: StandIn, registered_s: float, taken_s: float, noise: str) -> Section:
    asked = {why: count for why, count in stand_in.why_asked.items() if why != "join"}
    return Section(
        f"{RUNNERS} runners in {PROCESSES} processes, {CALLS} calls, {_AT_ONCE} at once: is a frame lost?",
        (
            Reading("lines said at phones", shown(counted.lines), f"{_LINES} a call"),
            Reading("answered there once and in order", str(counted.answered)),
            at_most("lines without their answer", counted.unanswered, 0),
            at_most("answers too many, or out of order", counted.out_of_order, 0),
            at_most("calls that did not come to their end", CALLS - done, 0),
            at_most("runners lost or not dialling", sum(asked.values()), 0, note=counts_of(asked)),
            at_most("assignments refused", stand_in.refusals, 0),
            Reading("taken", shown(taken_s, " s"), f"after {registered_s:.1f} s until every runner was registered"),
            Reading("noise meanwhile", "", noise),
        ),
    )
