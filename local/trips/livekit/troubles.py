"""What goes wrong in a call on a real LiveKit, and what must become of the call."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from livekit import api

from local.tools.processes import Child
from local.trips.livekit.scenarios import TROUBLED
from local.trips.livekit.sip_phones import PhoneCall
from local.trips.livekit.speech_side import a_guest, log_of, speech_worker
from local.trips.livekit.trip import Seen, Trip

_NOT_RUNG_FOR_S = 8.0
_RUNG_WITHIN_S = 60.0
_TALKS_S = 5.0
_AUDIBLE_WITHIN_S = 20.0

type Trouble = Callable[[Trip, Child], Awaitable[Seen]]


async def no_worker_yet(trip: Trip, log_dir: Path) -> Seen:
    """A call is asked for before there is a worker: nobody is rung until there is one. It runs without a worker, and
    leaves none."""
    number = TROUBLED[0]
    seen = Seen("no worker: nobody is rung until there is one", ("USER_HUNG_UP_IN_CALL",))
    call_id = await trip.place(number)
    await asyncio.sleep(_NOT_RUNG_FOR_S)
    if trip.phones.of(number):
        seen.wrong.append("rung for nobody")
    waits = await trip.show(call_id)
    seen.steps.append(f"{waits['status']}, blocked by {(waits.get('queue') or {}).get('blocked_by')}")
    worker = speech_worker(trip.stack, log_dir)
    await asyncio.to_thread(worker.__enter__)
    try:
        await _then_hang_up(trip, call_id, number, seen)
    finally:
        await asyncio.to_thread(worker.__exit__, None, None, None)
    return seen


async def job_killed(trip: Trip, worker: Child) -> Seen:
    """The process that speaks in the call dies: another one goes on, and is heard."""
    number = TROUBLED[1]
    seen = Seen("the speech worker's job dies: another goes on", ("USER_HUNG_UP_IN_CALL",))
    call_id = await trip.place(number)
    phone = await trip.answered(number)
    await asyncio.sleep(_TALKS_S)
    os.kill(_job_of(worker, call_id), signal.SIGKILL)
    await asyncio.sleep(1.0)
    await _talks_on(trip, phone, seen)
    trip.phones.hang_up(phone, trip.servers.bridge)
    await trip.follow(call_id, seen)
    seen.phone = phone.seen
    return seen


async def one_agent_too_many(trip: Trip, _: Child) -> Seen:
    """A second agent joins the room: it is put out, the first talks on."""
    number = TROUBLED[2]
    seen = Seen("a second agent: it is put out", ("USER_HUNG_UP_IN_CALL",))
    call_id = await trip.place(number)
    phone = await trip.answered(number)
    await asyncio.sleep(_TALKS_S)
    room = (await trip.show(call_id))["room_name"]
    token = (
        api.AccessToken(trip.servers.key, trip.servers.secret)
        .with_identity("agent-too-many")
        .with_kind("agent")
        .with_grants(api.VideoGrants(room_join=True, room=room, agent=True))
        .to_jwt()
    )
    async with a_guest(trip.servers.url, token, 20) as guest:
        if not await guest.until("over PARTICIPANT_REMOVED", 15):
            seen.wrong.append(f"the second agent met {guest.met}")
    if (await trip.show(call_id))["status"] != "active":
        seen.wrong.append("the call did not go on")
    trip.phones.hang_up(phone, trip.servers.bridge)
    await trip.follow(call_id, seen)
    seen.phone = phone.seen
    return seen


async def a_browser(trip: Trip, _: Child) -> Seen:
    """Somebody joins with a token of `sessions.create_token`, hears the agent and leaves."""
    seen = Seen("a caller in a browser", ("USER_HUNG_UP_IN_CALL",))
    async with trip.web.post("/v1/sessions/token", json={"pipe_id": trip.stack.runner_pipe_id}) as answer:
        given = await answer.json()
    async with a_guest(given["url"], given["token"], 8) as guest:
        if not await guest.until("heard", 15):
            seen.wrong.append(f"the browser met {guest.met}")
        await guest.until("over", 15)
    await trip.follow(given["call_id"], seen)
    seen.phone = guest.met
    return seen


async def server_restarted(trip: Trip, _: Child) -> Seen:
    """LiveKit's server dies and comes back: the phone call, which goes on, ends as its person ends it."""
    number = TROUBLED[3]
    seen = Seen("LiveKit's server restarts: the call goes on", ("USER_HUNG_UP_IN_CALL",))
    call_id = await trip.place(number)
    phone = await trip.answered(number)
    await asyncio.sleep(_TALKS_S)
    await asyncio.to_thread(trip.servers.restart_server)
    await asyncio.sleep(15.0)
    seen.steps.append(f"{(await trip.show(call_id))['status']} after the restart")
    if not phone.over.is_set():
        await _talks_on(trip, phone, seen)
        trip.phones.hang_up(phone, trip.servers.bridge)
    await trip.follow(call_id, seen)
    seen.phone = phone.seen
    return seen


async def bridge_killed(trip: Trip, _: Child) -> Seen:
    """The SIP bridge dies in the call."""
    number = TROUBLED[4]
    seen = Seen("the SIP bridge dies in the call", ("CONNECTION_LOST",))
    call_id = await trip.place(number)
    phone = await trip.answered(number)
    await asyncio.sleep(_TALKS_S)
    os.kill(trip.servers.sip.pid, signal.SIGKILL)
    await trip.follow(call_id, seen)
    seen.phone = phone.seen
    return seen


IN_CALLS: tuple[Trouble, ...] = (job_killed, one_agent_too_many, a_browser, server_restarted, bridge_killed)
"""The last of them leaves no SIP bridge."""


async def _talks_on(trip: Trip, phone: PhoneCall, seen: Seen) -> None:
    """The person says something, and an agent has to be heard after that."""
    sound = phone.sound
    assert sound is not None
    heard = sound.loud_packets
    sound.say(trip.phones.voice)

    async def audible() -> bool:
        return sound.loud_packets > heard

    if not await trip.until(audible, _AUDIBLE_WITHIN_S):
        seen.wrong.append("nobody was heard any more")


async def _then_hang_up(trip: Trip, call_id: str, number: str, seen: Seen) -> None:
    async def rings() -> bool:
        return bool(trip.phones.of(number))

    if await trip.until(rings, _RUNG_WITHIN_S):
        phone = await trip.answered(number)
        await asyncio.sleep(_TALKS_S)
        trip.phones.hang_up(phone, trip.servers.bridge)
        seen.phone = phone.seen
    await trip.follow(call_id, seen)


def _job_of(worker: Child, call_id: str) -> int:
    """The process that has the call, by the worker's log."""
    for line in reversed(log_of(worker).splitlines()):
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            if told.get("call_id") == call_id and "pid" in told:
                return int(told["pid"])
    raise LookupError(call_id)
