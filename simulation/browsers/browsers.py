"""Callers in a browser. Their token is made by the API and honoured by LiveKit for two minutes, however often it is
used: whoever comes with it puts out who is there by it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from local.phones.model.reasons import LeftFor
from ringline.calls.model.call import Call
from simulation.actors.agents import Agents
from simulation.actors.callers import ANSWERED_AFTER_MS, PATIENCE_MS
from simulation.actors.hooks import Hooks
from simulation.actors.phones import HearsAnswers
from simulation.actors.rooms import Rooms
from simulation.actors.scene import Leg, Room, Scene
from simulation.kernel.processes import Process
from simulation.kernel.world import START, World
from simulation.plan.planned import PlannedAccount, PlannedCall

_TRIES = 3
_BACK_AFTER_MS = (200, 6_000)

type Invite = Callable[[str, PlannedCall, list[Call]], bool]
"""Asks for a token: (account, who it is for, where the call to be is put). Whether that was answered."""


class WatchesBrowsers(Protocol):
    def invited(self, call_id: str) -> None:
        """A token was made."""

    def joined(self, leg: Leg, *, by_token: bool) -> None:
        """Somebody is in the room of a call, by the token that was made for it or by LiveKit's later one."""


@dataclass(slots=True, eq=False)
class BrowserLeg(Leg):
    is_known: bool = False

    @property
    def rings_in(self) -> bool:
        return True

    @property
    def is_browser(self) -> bool:
        return True

    @property
    def was_there_before(self) -> bool:
        return self.is_known

    def is_let_in(self) -> None:
        self.is_known = True


class Browsers:
    def __init__(
        self, world: World, scene: Scene, rooms: Rooms, *, hooks: Hooks, agents: Agents, conversations: HearsAnswers,
        accounts: tuple[PlannedAccount, ...], invite: Invite, watch: WatchesBrowsers,
    ) -> None:  # fmt: skip
        self._world = world
        self._scene = scene
        self._rooms = rooms
        self._hooks = hooks
        self._conversations = conversations
        self._accounts = accounts
        self._invite = invite
        self._watch = watch
        self._others = agents.on_join
        agents.on_join = self._agent_is_there

    def will_come(self, plan: PlannedCall) -> None:
        self._world.at(START + plan.at, self._asks, plan, _TRIES)

    def _asks(self, plan: PlannedCall, tries: int) -> None:
        made: list[Call] = []

        def answered(_process: Process, well: bool) -> None:
            if well:
                self._has_token(plan, made[0])
            elif tries > 1:
                self._world.after(500, self._asks, plan, tries - 1)

        account_id = self._accounts[plan.account].account_id
        work = partial(self._invite, account_id, plan, made)
        self._world.spawn("ask", str(plan.number), work, answered, account_id=account_id)

    def _has_token(self, plan: PlannedCall, call: Call) -> None:
        browser = plan.browser
        self._world.counts["tokens"] += 1
        self._watch.invited(call.call_id)
        if browser is None or browser.habit == "never":
            return
        self._world.after(browser.comes_after, self._comes, plan, call)
        if browser.habit == "twice":
            self._world.after(browser.comes_after + browser.later, self._comes, plan, call)
        elif browser.habit == "again":
            # Long after, and LiveKit still takes the token.
            self._world.after(min(119_000, browser.comes_after + 60_000), self._comes, plan, call)

    def _comes(self, plan: PlannedCall, call: Call, known: bool = False) -> None:
        """By the token, or by the one that LiveKit gave to who was `known`."""
        scene, world = self._scene, self._world
        if not scene.server_is_up:
            return
        room = self._rooms.room(call.room_name or "")
        if room.leg(call.leg_identity) is not None:
            world.counts["tokens_used_again"] += 1
            self._rooms.make_way(room, call.leg_identity)
        sid = scene.new_sid("PA_web")
        leg = BrowserLeg(call, plan, sid, "", phone="ringing", attached=True, is_known=known, joined_at=world.now)
        scene.callers[room.name] = leg
        room.join(leg)
        world.counts["browsers"] += 1
        world.trace(f"browser {leg.sid} joins {room.name}")
        self._watch.joined(leg, by_token=not known)
        self._hooks.leg_joined(leg)
        world.after(PATIENCE_MS, self._gives_up, leg)
        if room.agents:
            self._agent_is_there(room)

    def _agent_is_there(self, room: Room) -> None:
        self._others(room)
        leg = self._scene.callers.get(room.name)
        if isinstance(leg, BrowserLeg) and leg.phone == "ringing":
            after_ms = self._world.chance.between(f"answer/{leg.sid}", *ANSWERED_AFTER_MS)
            self._world.after(after_ms, self._talks, leg, room)

    def _talks(self, leg: BrowserLeg, room: Room) -> None:
        if leg.phone != "ringing" or not room.agents:
            return
        leg.phone, leg.answered_at = "talking", self._world.now
        self._rooms.talks(leg)
        self._conversations.answered(leg)
        browser = leg.plan.browser
        if browser is not None and browser.habit in {"reconnects", "drops"} and leg.sid not in self._scene.had_agent:
            self._world.after(browser.later, self._loses_its_connection, leg)

    def _loses_its_connection(self, leg: BrowserLeg) -> None:
        if leg.phone != "talking" or not leg.attached or not self._scene.server_is_up:
            return
        self._world.counts["browsers_dropped"] += 1
        self._rooms.put_out(leg, LeftFor.SIGNAL_CLOSE)
        if leg.plan.browser is not None and leg.plan.browser.habit == "reconnects":
            after_ms = self._world.chance.between(f"back/{leg.identity}", *_BACK_AFTER_MS)
            self._world.after(after_ms, self._comes_back, leg)

    def _comes_back(self, leg: BrowserLeg) -> None:
        """Unless its room is closed: then its client is told so."""
        if leg.room_name in self._scene.rooms:
            self._comes(leg.plan, leg.call, leg.is_known)

    def _gives_up(self, leg: BrowserLeg) -> None:
        if leg.phone == "ringing":
            self._rooms.put_out(leg, LeftFor.CLIENT_INITIATED)
