"""LiveKit's webhooks: one queue for each room name, five tries, and what waited over 30 s is never sent. The queues are
in memory: a server that dies takes them along."""

from collections import deque
from collections.abc import Callable
from copy import replace
from dataclasses import dataclass, field

from ringline.calls.model.call import CallStatus
from ringline.calls.model.livekit_event import Kind, LivekitEvent, What
from simulation.actors.scene import COLLEAGUE, Agent, Colleague, Leg, Room
from simulation.kernel.chance import Odds
from simulation.kernel.processes import Process
from simulation.kernel.world import World

TRIES = 5
MAX_AGE_MS = 30_000
_FIRST_WAIT_MS = 1000

_ODDS: Odds = (("hook_lost", 0.04), ("hook_twice", 0.03), ("hook_astray", 0.03))

type Receive = Callable[[LivekitEvent], bool]
"""Hears one event and says whether it was taken."""


@dataclass(slots=True)
class _RoomQueue:
    events: deque[tuple[int, LivekitEvent]] = field(default_factory=deque)
    sending: bool = False


class Hooks:
    def __init__(self, world: World, receive: Receive) -> None:
        self._world = world
        self._receive = receive
        self._queues: dict[str, _RoomQueue] = {}
        self._numbers = 0
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
            What.LEFT, room.name, Kind.SIP, colleague.sid, "CLIENT_INITIATED", CallStatus.HANGUP, identity=COLLEAGUE
        )

    def room_finished(self, room: Room) -> None:
        self._post(What.ROOM_FINISHED, room.name)

    def _post(
        self, what: What, room: str, kind: Kind = Kind.OTHER, sid: str = "", reason: str | None = None,
        status: str | None = None, identity: str = "", leg: Leg | None = None,
    ) -> None:  # fmt: skip
        self._numbers += 1
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
            self._world.after(self._world.chance.between(f"astray/{room}", 200, 45_000), self._attempt, event, 0, None)
            return
        queue = self._queues.setdefault(room, _RoomQueue())
        for _ in range(2 if fault == "hook_twice" else 1):
            queue.events.append((self._world.now, event))
        if not queue.sending:
            queue.sending = True
            self._world.after(self._world.chance.between(f"hook/{room}", 2, 30), self._next, queue)

    def forget(self) -> None:
        """The server died: what it had not sent is lost."""
        for queue in self._queues.values():
            queue.events.clear()
            queue.sending = False
        self._queues.clear()

    def _next(self, queue: _RoomQueue) -> None:
        while queue.events:
            posted_at, event = queue.events.popleft()
            if self._world.now - posted_at <= MAX_AGE_MS:
                self._attempt(event, 0, queue)
                return
            self._world.counts["hooks_too_old"] += 1
        queue.sending = False

    def _attempt(self, event: LivekitEvent, tries: int, queue: _RoomQueue | None) -> None:
        def ended(_process: Process | None, well: bool) -> None:
            if well or tries + 1 >= TRIES:
                if queue is not None:
                    self._world.after(1, self._next, queue)
                return
            self._world.after(_FIRST_WAIT_MS * 2**tries, self._attempt, event, tries + 1, queue)

        if self._world.now < self.failing_until:
            ended(None, False)
            return
        receive = self._receive
        account_id = self.account_of_room.get(event.room_name) or event.room_name.partition(".")[0]
        self._world.spawn("hook", event.room_name, lambda: receive(event), ended, account_id=account_id)
