"""What an agent does in a conversation, and reports of it."""

from collections.abc import Callable

from local.phones.model.reasons import LeftFor
from ringline.calls.model.call import VoicemailPolicy
from ringline.calls.model.events import (
    AgentHangsUp,
    Event,
    SilenceHeard,
    Transferred,
    UserSpoke,
    VoicemailHeard,
)
from ringline.calls.model.reasons import EndReason
from simulation.actors.agents import Agents
from simulation.actors.reports import Reports
from simulation.actors.rooms import Rooms
from simulation.actors.scene import LOST_AFTER_MS, Agent, Leg, Room, Scene
from simulation.kernel.world import World
from simulation.plan.planned import MACHINES, NOBODY

SPEAKS_AFTER_MS = 700
"""When a callee who speaks says the first word, at the latest."""

BEEPS_AFTER_MS = (2_000, 8_000)
"""When a machine beeps, by which an agent is sure of a voicemail."""

LENT_FOR_MS = 12_000
"""How long a colleague talks to whom an agent has brought to them for a while."""

DEED_TAKES_MS = 6_000
"""What an agent does behind its report, it does so much later: it waits for the answer."""


class Conversations:
    def __init__(self, world: World, scene: Scene, rooms: Rooms, agents: Agents, reports: Reports) -> None:
        self._world = world
        self._scene = scene
        self._rooms = rooms
        self._agents = agents
        self._reports = reports

    def answered(self, leg: Leg) -> None:
        """Somebody, or something, is on the line."""
        world, plan = self._world, leg.plan
        world.after(plan.agent_acts_after, self._acts, leg)
        if not plan.hears:
            return
        if leg.callee in MACHINES:
            world.after(world.chance.between(f"beep/{leg.identity}", *BEEPS_AFTER_MS), self._hears_voicemail, leg)
        elif leg.callee not in NOBODY:
            spoke_after = min(plan.talks_for // 2, SPEAKS_AFTER_MS)
            world.after(spoke_after, self._tells_of, leg, "user_spoke", UserSpoke)

    def _present(self, leg: Leg) -> tuple[Room, Agent] | None:
        room = self._scene.rooms.get(leg.room_name)
        if room is None or leg.phone != "talking" or not room.agents or not self._scene.server_is_up:
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
                self._rooms.close(room, LeftFor.ROOM_DELETED)
            case "leaves" | "succeeded":
                self._agents.leaves(room, agent, LeftFor.CLIENT_INITIATED)
                if leg.plan.agent == "succeeded":
                    self._world.after(
                        self._world.chance.between(f"successor/{leg.identity}", 200, 9_000), self._agents.joins, room
                    )
            case "crashes":
                agent.alive = False
                self._scene.agents_changed(room)
                lost = self._world.chance.between(f"lost/{leg.identity}", *LOST_AFTER_MS)
                self._world.after(lost, self._agents.leaves, room, agent, LeftFor.CONNECTION_TIMEOUT)
            case "there" | "busy" if leg.callee not in MACHINES:
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
                self._world.after(DEED_TAKES_MS, self._rooms.close, room, LeftFor.ROOM_DELETED)
            case "transfers":
                self._hands_over(leg)
                self._world.after(DEED_TAKES_MS, self._rooms.refer, leg)
            case "stays_out":
                self._hands_over(leg)
                self._brings_in(room, agent)
            case "brings_in":
                self._brings_in(room, agent)
            case "lends":
                self._brings_in(room, agent)
                self._world.after(DEED_TAKES_MS + LENT_FOR_MS, self._agents.colleague_leaves, room)
            case "deserts":
                self._hands_over(leg)
                self._world.after(DEED_TAKES_MS, self._agents.leaves, room, agent, LeftFor.CLIENT_INITIATED)
            case "begins":
                self._hands_over(leg, only_started=True)
                self._world.after(DEED_TAKES_MS, self._agents.leaves, room, agent, LeftFor.CLIENT_INITIATED)

    def _brings_in(self, room: Room, agent: Agent) -> None:
        """It stays for a moment with the two whom it has brought together."""
        self._agents.brings_in(room)
        self._world.after(DEED_TAKES_MS, self._agents.leaves, room, agent, LeftFor.CLIENT_INITIATED)

    def _hands_over(self, leg: Leg, *, only_started: bool = False) -> None:
        told = "+15550100888"
        self._tells_of(leg, "transfer", lambda at, n: Transferred(at, n, told, failed=False, only_started=only_started))

    def _hangs_up(self, leg: Leg, reason: EndReason, words: str) -> None:
        self._tells_of(leg, "hang_up", lambda at, n: AgentHangsUp(at, n, reason, words))

    def _hears_voicemail(self, leg: Leg) -> None:
        present = self._present(leg)
        if present is None:
            return
        self._tells_of(leg, "voicemail", lambda at, n: VoicemailHeard(at, n, "a beep"))
        if leg.call.voicemail_policy is VoicemailPolicy.LEAVE_MESSAGE:
            message_ms = self._world.chance.between(f"message/{leg.identity}", 3_000, 8_000)
            self._world.after(message_ms, self._rooms.close, present[0], LeftFor.ROOM_DELETED)

    def _tells_of(self, leg: Leg, kind: str, event: Callable[[int, int], Event]) -> None:
        if self._present(leg) is not None:
            self._reports.tells(leg.room_name, kind, event)
