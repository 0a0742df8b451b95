"""A recorded trace, played in the world of the crash tests: its phones and its stand-in for LiveKit's client, on the
clock that is moved by hand. No function of the product is at work."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from unittest import mock

from livekit import api

from local.phones.numbers import book
from local.phones.numbers.callees import Callee
from ringline.calls.model.call import AnswerFrom, Call
from ringline.calls.model.outcomes import Connected, Placed
from ringline.telephony.dial_errors import from_twirp
from ringline.telephony.hook import read
from ringline.telephony.livekit import CALL_HEADER
from tests.builders import NOW
from tests.component.crash.rig.livekit import Client
from tests.component.crash.rig.phones import Leg, Phones
from tests.contract.replay.heard import Trace, a_hook
from tests.contract.replay.played import LOOK_EVERY_MS, Played
from tests.contract.replay.trace_replay import INBOUND_NUMBER, INBOUND_RINGING_TIMEOUT_S
from tests.fakes import HandClock

_TURNS = 8
"""So many turns the client's requests have at each step of the clock."""
_sleep = asyncio.sleep


@dataclass
class _TracedPhones(Phones):
    """Phones whose owners do what those of the recordings did."""

    callee: Callable[[str], Callee] = book.callee_for

    def _meets(self, leg: Leg, request: api.CreateSIPParticipantRequest, *_: Any) -> None:
        callee = self.callee(request.sip_call_to)
        super()._meets(leg, request, callee.fate(has_credentials=False), callee.hangs_up_after_s)


class PlayedInCrashWorld(Played):
    def __init__(self, trace: Trace) -> None:
        super().__init__(trace)
        self._clock = HandClock()
        self._phones = _TracedPhones(self._clock, callees_hang_up=False, callers_wait_s=INBOUND_RINGING_TIMEOUT_S)
        self._phones.callee = self.callee
        self._phones.on_join = self._worker_joined
        self._client = Client(self._phones)
        self._room = ""
        self._requests: list[asyncio.Task[None]] = []

    # --- the clock ---------------------------------------------------------------------------------------------------

    @property
    def at_s(self) -> float:
        return (self._clock.now - NOW) / 1000

    def run(self) -> Trace:
        with mock.patch.object(asyncio, "sleep", self._pass_time):
            asyncio.run(self._live())
        return self.told()

    async def _pass_time(self, seconds: float) -> None:
        until = self._clock.now + round(seconds * 1000)
        while self._clock.now < until:
            await _sleep(0)

    async def _live(self) -> None:
        moves = list(self.moves)
        while self.at_s < self.lasts_s:
            self._phones.happen()
            while moves and moves[0].at_s <= self.at_s:
                self.make(moves.pop(0))
            for _ in range(_TURNS):
                await _sleep(0)
            while (hook := self._phones.hooks.lose_next()) is not None:
                heard = a_hook(self.at_s, read(json.dumps(hook.document).encode()))
                self.heard += [] if heard is None else [heard]
            self.look()
            self._clock.move(LOOK_EVERY_MS / 1000)
        for request in self._requests:
            request.cancel()
        await asyncio.gather(*self._requests, return_exceptions=True)

    def _asks(self, request: Coroutine[Any, Any, None]) -> None:
        self._requests.append(asyncio.get_running_loop().create_task(request))

    # --- what is done ------------------------------------------------------------------------------------------------

    def create_room(self) -> None:
        self._room = "call.traced.1"
        empty_s, departure_s = self.terms
        does, _ = self.worker_does
        agents = [] if does == "absent" else [api.RoomAgentDispatch(agent_name="lab-agent", metadata=does)]
        request = api.CreateRoomRequest(
            name=self._room, empty_timeout=empty_s, departure_timeout=departure_s, agents=agents
        )
        self._asks(self._client.create_room(request))

    def _worker_joined(self, _room: str, _told: str) -> None:
        does, after_s = self.worker_does
        if does == "leave":
            self._phones.after(after_s, self._phones.agent_leaves)

    def dial(self, call: Call) -> None:
        request = api.CreateSIPParticipantRequest(
            sip_call_to=call.to_number or "",
            sip_number=call.from_number or "",
            room_name=self._room,
            participant_identity=call.leg_identity,
            wait_until_answered=call.answer_from is AnswerFrom.DIALER,
            headers={CALL_HEADER: self._room},
        )
        request.ringing_timeout.seconds = call.ring_timeout_s
        request.max_call_duration.seconds = call.ring_timeout_s + call.max_call_duration_s
        self._asks(self._dials(request))

    async def _dials(self, request: api.CreateSIPParticipantRequest) -> None:
        try:
            leg = await self._client.create_sip_participant(request, timeout=60)
        except api.TwirpError as error:
            self.learns(from_twirp(error.code, error.message, error.metadata))
        else:
            waits = request.wait_until_answered
            self.learns(Connected(leg.participant_id, leg.sip_call_id) if waits else Placed())

    def drop_the_dialer(self) -> None:
        self._requests[-1].cancel()

    def delete_room(self) -> None:
        self._asks(self._client.delete_room(api.DeleteRoomRequest(room=self._room)))

    def remove(self, identity: str) -> None:
        self._asks(self._client.remove_participant(api.RoomParticipantIdentity(room=self._room, identity=identity)))

    def call_in(self, number: str) -> None:
        if number != INBOUND_NUMBER:
            return
        self._phones.ring_in(number)
        ((self._room, room),) = self._phones.rooms.items()
        # The rule of the recordings gives its rooms other terms than ours.
        room.empty_timeout, room.departure_timeout = (1000 * each for each in self.terms)

    def hang_up(self) -> None:
        self._phones.hang_up()

    def agent_joins(self, identity: str) -> None:
        self._phones.agent_joins(self._room, identity.replace("agent-AJ_", "PA_agent_"))

    def agent_leaves(self, identity: str) -> None:
        self._phones.agent_leaves()

    def restart_server(self, away_s: float) -> None:
        self._phones.restart(away_s)

    def people(self) -> dict[str, tuple[str, str | None]]:
        room = self._phones.rooms.get(self._room)
        if room is None:
            return {}
        people: dict[str, tuple[str, str | None]] = {agent.identity: (agent.sid, None) for agent in room.agents}
        return people | {leg.identity: (leg.sid, leg.status) for leg in room.legs}

    def room_exists(self) -> bool:
        return self._room in self._phones.rooms
