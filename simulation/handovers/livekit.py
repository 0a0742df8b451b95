"""LiveKit's server as transfers see it. Implements `calls.transfers.ports.TransferTelephony`."""

import asyncio
from functools import partial

from ringline.calls.model.call import Call
from ringline.calls.model.outcomes import DialOutcome, LivekitAway, Unclear
from ringline.calls.model.timing import ANSWER_MARGIN_S, REFER_TAKES_S
from ringline.calls.model.transfers.transfer import Referred, Transfer, under_way
from ringline.telephony.dial_errors import from_twirp
from simulation.actors.agents import Agents
from simulation.actors.livekit import DIAL_ODDS, NOT_SENT, Down, Livekit, tell
from simulation.actors.phones import Phones
from simulation.actors.rooms import Rooms
from simulation.actors.scene import Room, Scene
from simulation.handovers.targets import TargetLeg, Targets
from simulation.kernel.chance import Odds
from simulation.kernel.world import World

_REFER_ODDS: Odds = (("refer_cut", 0.04), ("refer_error", 0.02))


class LivekitTransfers(Livekit):
    def __init__(
        self, world: World, scene: Scene, rooms: Rooms, phones: Phones, agents: Agents, targets: Targets
    ) -> None:
        super().__init__(world, scene, rooms, phones, agents)
        self._targets = targets

    async def refer(self, call: Call, number: str) -> Referred | DialOutcome:
        try:
            await self._request("refer", call.room_name or "", odds=())
        except Down:
            return LivekitAway("unavailable", "LiveKit not reached: ClientConnectorError")
        process, world = self._world.acting(), self._world
        room = self._scene.rooms.get(call.room_name or "")
        leg = None if room is None else room.leg(call.leg_identity)
        transfer = under_way(call.transfers)
        if transfer is None or transfer.target.name != number:
            raise ValueError(f"{call.call_id} is not handed over to {number}")
        if leg is None or leg.phone != "talking":
            return from_twirp("not_found", "participant does not exist", {})
        fault = world.faults.one_of(f"refer/{call.call_id}", _REFER_ODDS)
        if fault == "refer_error":
            return Unclear("internal: simulated")
        outcome: asyncio.Future[Referred | DialOutcome] = asyncio.get_running_loop().create_future()
        self._targets.refer(leg, transfer, lambda answer: tell(process, outcome, answer))
        process.after_effect("refer")
        world.after(REFER_TAKES_S * 1000, tell, process, outcome, Unclear("TimeoutError"))
        if fault == "refer_cut":
            world.after(world.chance.between(f"cut/{leg.identity}", 5, 5_000), tell, process, outcome, Unclear("cut"))
        return await outcome

    async def call_in(self, call: Call, transfer: Transfer) -> DialOutcome:
        try:
            await self._request("call in", call.room_name or "", odds=())
        except Down:
            return LivekitAway("unavailable", "LiveKit not reached: ClientConnectorError")
        process, world = self._world.acting(), self._world
        fault = world.faults.one_of(f"call in/{call.call_id}", DIAL_ODDS)
        if fault in NOT_SENT or self._scene.bridge_is_down:
            await asyncio.sleep(2)
            return from_twirp(*NOT_SENT[fault if fault in NOT_SENT else "no_servers"], {})
        outcome: asyncio.Future[DialOutcome] = asyncio.get_running_loop().create_future()
        if fault != "dial_error" or world.chance.draw(f"called in all the same/{call.call_id}") < 0.5:
            handover, target = self._targets.planned(transfer.target.name)
            sids = self._scene.new_sid("PA_target"), self._scene.new_sid("SCL")
            leg = TargetLeg(call, self._scene.plan_of(call), *sids, transfer=transfer, target=target, handover=handover)
            if fault != "dial_hangs":
                leg.tell = lambda answer: tell(process, outcome, answer)
            self._targets.call_in(leg)
        process.after_effect("call in")
        world.after((call.ring_timeout_s + ANSWER_MARGIN_S) * 1000, tell, process, outcome, Unclear("TimeoutError"))
        if fault in {"dial_cut", "dial_error"}:
            longest = call.ring_timeout_s * 1000 if fault == "dial_cut" else 3_000
            cut = world.chance.between(f"cut/{transfer.transfer_id}", 50, longest)
            world.after(cut, tell, process, outcome, Unclear("ServerDisconnectedError"))
        return await outcome

    async def send_target(self, call: Call) -> None:
        await self._does("send target", call.room_name or "", partial(self._sends, call))

    async def send_agent(self, call: Call) -> None:
        """Whoever has the call by now is sent again."""
        await (self.send_target(call) if self._targets.knows(call.agent_id) else super().send_agent(call))

    def _dispatches(self, room: Room, call: Call) -> None:
        if self._targets.knows(call.agent_id):
            self._targets.send_agent(room, call.agent_id or "")
        else:
            super()._dispatches(room, call)
