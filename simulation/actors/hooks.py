"""LiveKit's webhooks, in a line for each room name. The lines are in memory: a server that dies takes them along."""

from collections.abc import Callable
from copy import replace
from dataclasses import dataclass, field

from local.phones.model.legs import LegStatus
from local.phones.model.post import Line, wait_after
from local.phones.model.reasons import LeftFor
from ringline.calls.model.livekit_event import Kind, LivekitEvent, What
from simulation.actors.scene import COLLEAGUE, Agent, Colleague, Leg, Room
from simulation.kernel.chance import Odds
from simulation.kernel.processes import Process
from simulation.kernel.world import World

_SECOND_MS = 1000

_ODDS: Odds = (("hook_lost", 0.04), ("hook_twice", 0.03), ("hook_astray", 0.03))

type Receive = Callable[[LivekitEvent], bool]
"""Hears one event and says whether it was taken."""


@dataclass(slots=True)
class _RoomQueue:
    events: Line[LivekitEvent] = field(default_factory=Line)
    sending: bool = False


class Hooks:
    def __init__(self, world: World, receive: Receive) -> None:
        self._world = world
        self._receive = receive
        self._queues: dict[str, _RoomQueue] = {}
        self.failing_until = 0
        self.account_of_room: dict[str, str] = {}
        """Whose each room is that LiveKit has named."""

    def leg_joined(self, leg: Leg) -> None:
        self._post(What.JOINED, leg.room_name, Kind.SIP, leg.sid, status=leg.status, identity=leg.identity, leg=leg)

    def leg_left(self, leg: Leg, sid: str, reason: str) -> None:
        self._post(What.LEFT, leg.room_name, Kind.SIP, sid, reason, leg.status, identity=leg.identity, leg=leg)

    def agent_joined(self, room: Room, agent: Agent) -> None:
        self._post(What.JOINED, room.name, Kind.AGENT, agent.sid, identity=agent.identity)

    def agent_left(self, room: Room, agent: Agent, reason: str) -> None:
        self._post(What.LEFT, room.name, Kind.AGENT, agent.sid, reason, identity=agent.identity)

    def colleague_left(self, room: Room, colleague: Colleague) -> None:
        self._post(
            What.LEFT,
            room.name,
            Kind.SIP,
            colleague.sid,
            LeftFor.CLIENT_INITIATED,
            LegStatus.HANGUP,
            identity=COLLEAGUE,
        )

    def room_finished(self, room: Room) -> None:
        self._post(What.ROOM_FINISHED, room.name)

    def _post(
        self, what: What, room: str, kind: Kind = Kind.OTHER, sid: str = "", reason: str | None = None,
        status: str | None = None, identity: str = "", leg: Leg | None = None,
    ) -> None:  # fmt: skip
        created_at = self._world.now // 1000 * 1000
        event = LivekitEvent(
            what, room, created_at, kind, sid, disconnect_reason=reason, call_status=status, identity=identity
        )
        if leg is not None and leg.is_browser:
            event = replace(event, kind=Kind.STANDARD, call_status=None, was_there_before=leg.was_there_before)
        elif leg is not None:
            our_number, their_number = leg.numbers
            event = replace(
                event,
                rule_id="SDR_1" if leg.rings_in else None,
                sip_call_id=leg.sip_call_id,
                our_number=our_number,
                their_number=their_number,
            )
        fault = self._world.faults.one_of(f"hook/{room}", _ODDS)
        if fault == "hook_lost":
            self._world.trace(f"LiveKit loses {what} of {kind} {sid} in {room}")
            return
        if fault == "hook_astray":
            # Another node, another queue: late and out of order.
            self._world.after(self._world.chance.between(f"astray/{room}", 200, 45_000), self._attempt, event, 1, None)
            return
        queue = self._queues.setdefault(room, _RoomQueue())
        for _ in range(2 if fault == "hook_twice" else 1):
            queue.events.put(event, self._world.now / _SECOND_MS)
        if not queue.sending:
            queue.sending = True
            self._world.after(self._world.chance.between(f"hook/{room}", 2, 30), self._next, queue)

    def forget(self) -> None:
        """The server died: what it had not sent is lost."""
        for queue in self._queues.values():
            queue.events.forget()
            queue.sending = False
        self._queues.clear()

    def _next(self, queue: _RoomQueue) -> None:
        event = queue.events.take(self._world.now / _SECOND_MS, self._is_too_old)
        if event is None:
            queue.sending = False
        else:
            self._attempt(event, 1, queue)

    def _is_too_old(self, _event: LivekitEvent) -> None:
        self._world.counts["hooks_too_old"] += 1

    def _attempt(self, event: LivekitEvent, tries: int, queue: _RoomQueue | None) -> None:
        def ended(_process: Process | None, well: bool) -> None:
            wait_s = None if well else wait_after(tries)
            if wait_s is not None:
                self._world.after(round(wait_s * _SECOND_MS), self._attempt, event, tries + 1, queue)
            elif queue is not None:
                self._world.after(1, self._next, queue)

        if self._world.now < self.failing_until:
            ended(None, False)
            return
        receive = self._receive
        account_id = self.account_of_room.get(event.room_name) or event.room_name.partition(".")[0]
        self._world.spawn("hook", event.room_name, lambda: receive(event), ended, account_id=account_id)
