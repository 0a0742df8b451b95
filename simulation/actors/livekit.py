"""LiveKit's server as calls see it: rooms, dials, questions, and the ways in which they fail. Implements
`calls.ports.Telephony`; errors take the way they take in the product, through `telephony.dial_errors`."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from local.phones.model import legs
from local.phones.model.reasons import LeftFor
from ringline.calls.model.call import AnswerFrom, Call
from ringline.calls.model.events import AgentSeen
from ringline.calls.model.outcomes import CarrierFull, DialOutcome, LivekitAway, NotSent, Unclear
from ringline.calls.model.room_view import LegView, RoomView, TelephonyDown
from ringline.calls.model.timing import ANSWER_MARGIN_S, JOINED_WITHIN_S
from ringline.telephony.dial_errors import from_twirp, room_refusal
from simulation.actors.agents import Agents
from simulation.actors.phones import Phones
from simulation.actors.rooms import Rooms
from simulation.actors.scene import COLLEAGUE, Leg, Room, Scene
from simulation.kernel.chance import Odds
from simulation.kernel.processes import Process
from simulation.kernel.world import World

_REQUEST_TIMEOUT_MS = 5_000

_ASK_ODDS: Odds = (("livekit_times_out", 0.008), ("livekit_answer_lost", 0.006), ("livekit_error", 0.004))
_ROOM_ODDS: Odds = (*_ASK_ODDS, ("rooms_over_quota", 0.004))
DIAL_ODDS: Odds = (
    ("no_servers", 0.03), ("room_not_joined", 0.01), ("over_quota", 0.01), ("dial_cut", 0.02), ("dial_hangs", 0.02),
    ("dial_error", 0.01),
)  # fmt: skip
NOT_SENT = {
    "no_servers": (legs.NO_BRIDGE.code, legs.NO_BRIDGE.message),
    "room_not_joined": ("internal", "twirp error unknown: update room failed: simulated"),
    "over_quota": ("resource_exhausted", "rate limit"),
}


class Down(Exception):
    """The connection was never made."""


class Livekit:
    def __init__(self, world: World, scene: Scene, rooms: Rooms, phones: Phones, agents: Agents) -> None:
        self._world = world
        self._scene = scene
        self._rooms = rooms
        self._phones = phones
        self._agents = agents

    # --- calls.ports.Telephony ---------------------------------------------------------------------------------------

    async def open_room(self, call: Call) -> NotSent | LivekitAway | CarrierFull | None:
        try:
            fault = await self._request("open room", call.room_name or "", _ROOM_ODDS)
        except Down:
            return LivekitAway("unavailable", "room not made: ClientConnectorError")
        process = self._world.acting()
        if fault == "livekit_error":
            return room_refusal("internal", "simulated")
        if fault == "rooms_over_quota":
            return room_refusal("resource_exhausted", "rate limit")
        if fault != "livekit_times_out" or self._world.chance.draw(f"made all the same/{call.call_id}") < 0.5:
            self._opens(call)
        process.after_effect("open room")
        if fault in {"livekit_times_out", "livekit_answer_lost"}:
            await asyncio.sleep(_REQUEST_TIMEOUT_MS / 1000)
            return LivekitAway("unavailable", "room not made: TimeoutError")
        return None

    def _opens(self, call: Call) -> None:
        """Who makes the room sends an agent there; to one that stands already it was sent before."""
        name = call.room_name or ""
        self._scene.on_agent_told(call)
        stands = name in self._scene.rooms
        room = self._rooms.room(name)
        if not stands:
            self._agents.dispatch(room, self._scene.plan_of(call))

    async def place_call(self, call: Call) -> DialOutcome:
        try:
            await self._request("dial", call.room_name or "", odds=())
        except Down:
            return LivekitAway("unavailable", "LiveKit not reached: ClientConnectorError")
        process = self._world.acting()
        fault = self._world.faults.one_of(f"dial/{call.call_id}", DIAL_ODDS)
        plan = self._scene.plan_of(call)
        if plan.callee_in(len(call.attempts) + 1) == "misconfigured":
            return from_twirp("invalid_argument", "missing sip_number", {})
        if fault in NOT_SENT or self._scene.bridge_is_down:
            await asyncio.sleep(2)
            return from_twirp(*NOT_SENT[fault if fault in NOT_SENT else "no_servers"], {})
        outcome: asyncio.Future[DialOutcome] = asyncio.get_running_loop().create_future()
        if fault != "dial_error" or self._world.chance.draw(f"dialed all the same/{call.call_id}") < 0.5:
            leg = Leg(call, plan, self._scene.new_sid("PA"), self._scene.new_sid("SCL"))
            if fault != "dial_hangs":
                leg.tell = lambda answer: tell(process, outcome, answer)
            self._phones.dial(leg)
        process.after_effect("dial")
        self._cut_short(process, outcome, call, fault)
        return await outcome

    def _cut_short(
        self, process: Process, outcome: "asyncio.Future[DialOutcome]", call: Call, fault: str | None
    ) -> None:
        """What ends the wait for an answer other than the answer."""
        world = self._world
        waits = call.answer_from is not AnswerFrom.CARRIER
        limit_ms = (call.ring_timeout_s + ANSWER_MARGIN_S if waits else JOINED_WITHIN_S) * 1000
        world.after(limit_ms, tell, process, outcome, Unclear("TimeoutError"))
        if fault == "dial_cut":
            cut = world.chance.between(f"cut/{call.leg_identity}", 50, call.ring_timeout_s * 1000)
            world.after(cut, tell, process, outcome, Unclear("ServerDisconnectedError"))
        elif fault == "dial_error":
            error = from_twirp("internal", "twirp error unknown: simulated", {})
            world.after(world.chance.between(f"cut/{call.leg_identity}", 50, 3000), tell, process, outcome, error)

    async def look(self, room: str) -> RoomView:
        await self._ask("look", room)
        return self._view(room)

    def _view(self, room: str) -> RoomView:
        found = self._scene.rooms.get(room)
        if found is None:
            return RoomView((), ())
        legs = tuple(_seen(leg) for leg in found.legs)
        if found.colleague is not None:
            legs += (LegView(COLLEAGUE, found.colleague.sid, None, found.colleague.status),)
        agents = tuple(AgentSeen(agent.sid, agent.joined_at, agent.identity) for agent in found.agents)
        return RoomView(legs, agents)

    async def send_agent(self, call: Call) -> None:
        await self._does("send agent", call.room_name or "", partial(self._sends, call))

    def _sends(self, call: Call) -> None:
        room = self._scene.rooms.get(call.room_name or "")
        if room is None:
            raise TelephonyDown("not_found")
        leg = room.leg(call.leg_identity)
        if leg is not None:
            leg.is_let_in()
        self._scene.on_agent_told(call)
        self._dispatches(room, call)

    def _dispatches(self, room: Room, call: Call) -> None:
        self._agents.dispatch(room, self._scene.plan_of(call))

    async def remove(self, room: str, identity: str) -> None:
        await self._does("remove", room, partial(self._removes, room, identity))

    def _removes(self, room: str, identity: str) -> None:
        found = self._scene.rooms.get(room)
        if found is None:
            return
        self._agents.remove(found, identity)
        leg = found.leg(identity)
        if leg is not None and leg.attached:
            self._rooms.put_out(leg, LeftFor.PARTICIPANT_REMOVED)

    async def end_room(self, room: str) -> None:
        await self._does("end room", room, partial(self._rooms.delete, room))

    async def tell_agents(self, room: str, topic: str, text: str) -> int:
        """No simulated customer tells an agent anything."""
        raise NotImplementedError

    async def stop_recordings(self, room: str, keys: Collection[str]) -> None:
        """Nor pauses a recording."""
        raise NotImplementedError

    async def rooms(self, names: Sequence[str] = ()) -> Mapping[str, int]:
        await self._ask("list rooms", "")
        return {name: room.made_at for name, room in self._scene.rooms.items() if not names or name in names}

    # --- for code without an event loop ------------------------------------------------------------------------------

    def end_room_now(self, room: str) -> None:
        """As end_room, for a synchronous handler."""
        process = self._ask_now("end room", room)
        self._rooms.delete(room)
        process.after_effect("end room")

    def take_in_now(self, call: Call) -> RoomView:
        """Sends an agent to who rings in, unless one was sent, for a synchronous handler: who is there now."""
        process = self._ask_now("take in", call.room_name or "", 4, 60)
        found = self._scene.rooms.get(call.room_name or "")
        if found is None:
            raise TelephonyDown("ClientConnectorError")
        leg = found.leg(call.leg_identity)
        if leg is not None:
            leg.is_let_in()
        if not found.dispatches:
            self._agents.dispatch(found, self._scene.plan_of(call))
        process.after_effect("take in")
        return self._view(found.name)

    def remove_later_now(self, room: str, kept_sid: str | None, identity: str) -> bool:
        """Puts an agent out of a room in which the one of that sid is, for a synchronous handler: whether it is."""
        process = self._ask_now("remove", room)
        found = self._scene.rooms.get(room)
        kept = [agent for agent in (found.agents if found else ()) if agent.sid == kept_sid]
        if kept_sid is not None and (not kept or kept[0].identity == identity):
            return False
        self._removes(room, identity)
        process.after_effect("remove")
        return True

    def remove_now(self, room: str, identity: str) -> None:
        """Puts somebody out, for a synchronous handler."""
        process = self._ask_now("remove", room)
        self._removes(room, identity)
        process.after_effect("remove")

    # --- how a request goes ------------------------------------------------------------------------------------------

    def _ask_now(self, what: str, room: str, soonest_ms: int = 2, latest_ms: int = 30) -> Process:
        """Raises TelephonyDown where there is no answer."""
        process = self._world.acting()
        process.before_effect(what)
        self._world.pass_time(self._world.chance.between(f"livekit/{room}", soonest_ms, latest_ms))
        self._world.acting()
        if not self._scene.server_is_up:
            raise TelephonyDown("ClientConnectorError")
        return process

    async def _does(self, what: str, room: str, deed: Callable[[], None]) -> None:
        """Raises TelephonyDown where there is no answer, also behind the deed."""
        fault = await self._ask(what, room, answers=False)
        deed()
        self._world.acting().after_effect(what)
        if fault is not None:
            raise TelephonyDown("TimeoutError")

    async def _ask(self, what: str, room: str, *, answers: bool = True) -> str | None:
        """A request whose answer may get lost. Raises TelephonyDown where there is no answer; with `answers` false a
        lost answer is the caller's to report, after the deed."""
        try:
            fault = await self._request(what, room)
        except Down:
            raise TelephonyDown("ClientConnectorError") from None
        if fault == "livekit_error":
            raise TelephonyDown("internal: simulated")
        if fault == "livekit_times_out":
            await asyncio.sleep(_REQUEST_TIMEOUT_MS / 1000)
            raise TelephonyDown("TimeoutError")
        if fault == "livekit_answer_lost" and answers:
            raise TelephonyDown("ServerDisconnectedError")
        return fault

    async def _request(self, what: str, room: str, odds: Odds = _ASK_ODDS) -> str | None:
        process = self._world.acting()
        process.before_effect(what)
        fault = self._world.faults.one_of(f"lk/{process.kind}/{what}/{room}", odds)
        ms = self._world.chance.between(f"livekit/{room}", 2, 30)
        if self._world.now < self._scene.server_slow_until:
            ms = self._world.chance.between(f"livekit/{room}", 500, 4_500)
        await asyncio.sleep(ms / 1000)
        if not self._scene.server_is_up:
            process.disturbed = True
            raise Down
        if fault is not None:
            process.disturbed = True
        return fault


def _seen(leg: Leg) -> LegView:
    if leg.is_browser:
        return LegView(leg.identity, leg.sid, None, None)
    return LegView(leg.identity, leg.sid, leg.sip_call_id, leg.status, joined_at=leg.joined_at)


def tell[T](process: Process, outcome: "asyncio.Future[T]", answer: T) -> None:
    """Whoever asked learns it, if they are alive and learnt nothing before."""
    if not process.dead and not outcome.done():
        outcome.set_result(answer)
