"""The agents: when they come and go, what they do with their call, and what they report of it over HTTP.

An agent tells in the order in which things happen and repeats what was not answered; a report may be lost for good,
doubled or late.
"""

from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from ringline.calls.model.call import VoicemailPolicy
from ringline.calls.model.events import (
    AgentHangsUp,
    AgentReady,
    SilenceHeard,
    TranscriptKept,
    Transferred,
    UserSpoke,
    VoicemailHeard,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.signals.agent_reports import Report
from simulation.actors.phones import LOST_AFTER_MS, Agent, Leg, Phones, Room
from simulation.kernel.chance import Odds
from simulation.kernel.processes import Process
from simulation.kernel.world import World
from simulation.plan.planned import PlannedCall

SPEAKS_AFTER_MS = 700
"""When a callee who speaks says the first word, at the latest."""

DEED_TAKES_MS = 6_000
"""What an agent does behind its report, it does so much later: it waits for the answer."""

_TRIES = 3
_FIRST_WAIT_MS = 1000
_TIMEOUT_S = 10
_ODDS: Odds = (("report_lost", 0.04), ("report_twice", 0.03), ("report_late", 0.03))

_MACHINES = {"voicemail", "forwarded"}
_CAN_REPORT = ("user_spoke", "silence", "voicemail", "transcript")
_NOBODY = _MACHINES | {"greeting"}

type Hear = Callable[[str, list[Report]], Coroutine[Any, Any, bool]]
"""Hears reports of the agent in a room."""


class Agents:
    def __init__(self, world: World, phones: Phones, hear: Hear) -> None:
        self._world = world
        self._phones = phones
        self._hear = hear
        self._untold: dict[str, deque[Report]] = {}
        self._telling: set[str] = set()
        phones.agents = self

    # --- coming and going --------------------------------------------------------------------------------------------

    def dispatch(self, room: Room, plan: PlannedCall) -> None:
        room.plan = plan
        if plan.agent == "absent":
            return
        delay = self._world.chance.between(f"agent/{room.name}", 280, 400)
        if plan.agent == "slow":
            delay = self._world.chance.between(f"agent/{room.name}", 1_000, 25_000)
        self._world.after(delay, self.joins, room)

    def joins(self, room: Room) -> None:
        if not self._phones.is_open(room):
            return
        agent = Agent(self._phones.new_sid("PA_agent"), self._world.now)
        room.agents.append(agent)
        self._phones.alone_since.pop(room.name, None)
        self._world.trace(f"agent {agent.sid} joins {room.name}")
        self._phones.livekit.agent_joined(room, agent)
        if room.plan is not None and room.plan.hears:
            self.tells(room.name, "ready", lambda at, attempt: AgentReady(at, attempt, _CAN_REPORT))

    def leaves(self, room: Room, agent: Agent, reason: str) -> None:
        if agent in room.agents and self._phones.server_is_up:
            room.agents.remove(agent)
            if not room.agents:
                self._phones.alone_since[room.name] = self._world.now
            self._world.trace(f"agent {agent.sid} leaves {room.name}: {reason}")
            self._phones.livekit.agent_left(room, agent, reason)

    # --- the conversation --------------------------------------------------------------------------------------------

    def answered(self, leg: Leg) -> None:
        """Somebody, or something, is on the line."""
        world, plan = self._world, leg.plan
        world.after(plan.agent_acts_after, self._acts, leg)
        if not plan.hears:
            return
        if leg.callee in _MACHINES:
            world.after(world.chance.between(f"beep/{leg.identity}", 2_000, 8_000), self._hears_voicemail, leg)
        elif leg.callee not in _NOBODY:
            spoke_after = min(plan.talks_for // 2, SPEAKS_AFTER_MS)
            world.after(spoke_after, self._tells_of, leg, "user_spoke", UserSpoke)

    def over(self, leg: Leg) -> None:
        """The phone call is over: what was said in it is kept, which comes late."""
        if leg.plan.hears and leg.answered_at is not None:
            turns = self._world.chance.between(f"turns/{leg.identity}", 0, 40)
            spoke = turns > 1 and leg.callee not in _NOBODY
            self.tells(leg.room_name, "transcript", lambda at, n: TranscriptKept(at, n, turns, "table", spoke, True))

    def _present(self, leg: Leg) -> tuple[Room, Agent] | None:
        room = self._phones.rooms.get(leg.room_name)
        if room is None or leg.phone != "talking" or not room.agents or not self._phones.server_is_up:
            return None
        return (room, room.agents[0]) if room.agents[0].alive else None

    def _acts(self, leg: Leg) -> None:
        """What the agent does some time after the answer, unless it just talks."""
        present = self._present(leg)
        if present is None:
            return
        room, agent = present
        match leg.plan.agent:
            case "hangs_up":
                self._phones.close(room, "ROOM_DELETED")
            case "leaves" | "succeeded":
                self.leaves(room, agent, "CLIENT_INITIATED")
                if leg.plan.agent == "succeeded":
                    self._world.after(
                        self._world.chance.between(f"successor/{leg.identity}", 200, 9_000), self.joins, room
                    )
            case "crashes":
                agent.alive = False
                lost = self._world.chance.between(f"lost/{leg.identity}", *LOST_AFTER_MS)
                self._world.after(lost, self.leaves, room, agent, "CONNECTION_TIMEOUT")
            case "there" if leg.callee not in _MACHINES:
                self._does(leg, room, agent)

    def _does(self, leg: Leg, room: Room, agent: Agent) -> None:
        """What it does by its reports, or with them."""
        match leg.plan.deed:
            case "says_bye":
                self._hangs_up(leg, EndReason.AGENT_HUNG_UP, "goodbye")
            case "minds_silence":
                self._tells_of(leg, "silence", lambda at, n: SilenceHeard(at, n, 5.0))
                self._hangs_up(leg, EndReason.AGENT_HUNG_UP_SILENCE_DETECTED, "silence")
            case "flees_silence":
                self._tells_of(leg, "silence", lambda at, n: SilenceHeard(at, n, 5.0))
                self._world.after(DEED_TAKES_MS, self._phones.close, room, "ROOM_DELETED")
            case "transfers":
                self._hands_over(leg)
                self._world.after(DEED_TAKES_MS, self._phones.refer, leg)
            case "stays_out":
                self._hands_over(leg)
                self._world.after(DEED_TAKES_MS, self.leaves, room, agent, "CLIENT_INITIATED")

    def _hands_over(self, leg: Leg) -> None:
        self._tells_of(leg, "transfer", lambda at, n: Transferred(at, n, "+15550100888", False))

    def _hangs_up(self, leg: Leg, reason: EndReason, words: str) -> None:
        self._tells_of(leg, "hang_up", lambda at, n: AgentHangsUp(at, n, reason, words))

    def _hears_voicemail(self, leg: Leg) -> None:
        present = self._present(leg)
        if present is None:
            return
        self._tells_of(leg, "voicemail", lambda at, n: VoicemailHeard(at, n, "a beep"))
        if leg.call.voicemail_policy is VoicemailPolicy.LEAVE_MESSAGE:
            message_ms = self._world.chance.between(f"message/{leg.identity}", 3_000, 8_000)
            self._world.after(message_ms, self._phones.close, present[0], "ROOM_DELETED")

    # --- telling -----------------------------------------------------------------------------------------------------

    def _tells_of(self, leg: Leg, kind: str, event: Callable[[int, int], Any]) -> None:
        if self._present(leg) is not None:
            self.tells(leg.room_name, kind, event)

    def tells(self, room: str, kind: str, event: Callable[[int, int], Any]) -> None:
        fault = self._world.faults.one_of(f"report/{room}", _ODDS)
        if fault == "report_lost":
            self._world.trace(f"the agent of {room} does not get through with {kind}")
            return
        self._world.counts["reports"] += 1
        report = Report(kind, self._world.now, event)
        if fault == "report_late":
            late_ms = self._world.chance.between(f"report late/{room}", 500, 30_000)
            self._world.after(late_ms, self._posts, room, report, 0, None)
            return
        untold = self._untold.setdefault(room, deque())
        untold.extend([report] * (2 if fault == "report_twice" else 1))
        if room not in self._telling:
            self._telling.add(room)
            self._world.after(self._world.chance.between(f"report/{room}", 5, 60), self._next, room, untold)

    def _next(self, room: str, untold: deque[Report]) -> None:
        if untold:
            self._posts(room, untold.popleft(), 0, untold)
        else:
            self._telling.discard(room)

    def _posts(self, room: str, report: Report, tries: int, untold: deque[Report] | None) -> None:
        """Those in the queue are told one after the other, each until it was answered or given up."""

        def answered(_process: Process, well: bool) -> None:
            if not well and tries + 1 < _TRIES:
                self._world.after(_FIRST_WAIT_MS * 2**tries, self._posts, room, report, tries + 1, untold)
            elif untold is not None:
                self._world.after(1, self._next, room, untold)

        account_id = room.partition(".")[0]
        work = partial(self._hear, room, [report])
        self._world.spawn("agent", room, work, answered, account_id=account_id, timeout_s=_TIMEOUT_S)
