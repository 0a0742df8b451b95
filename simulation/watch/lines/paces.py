"""Trunks keep their pace: each claim through one has a turn of its own, and turns lie an interval apart.

What lies between a turn and its claim is the dialer's own slowness, which no pace can mend: so turns are compared, not
claims.
"""

from ringline.calls.model.call import Call
from ringline.calls.tables.limits.livekit_budget import interval_ms as livekits_interval_ms
from ringline.calls.tables.paces import DEFAULT_TRUNK, interval_ms
from ringline.runtime.items import Item
from ringline.runtime.table import LIVEKIT_PK, LIVEKIT_REST_SK, PACE_SK, trunk_pk
from simulation.aws.rows import Rows
from simulation.kernel.processes import Process
from simulation.kernel.world import MACHINE_SKEW_MS, World
from simulation.plan.planned import PlannedTrunk
from simulation.watch.book import CallChange
from simulation.watch.findings import Findings

_SKEW_MS = 2 * MACHINE_SKEW_MS
_HELD_MS = 10_000
"""For so long a dialer may at most be slow between a turn and its claim."""


class Paces:
    def __init__(
        self, world: World, findings: Findings, rows: Rows, trunks: tuple[PlannedTrunk, ...], livekit_per_minute: int
    ) -> None:
        self._world = world
        self._findings = findings
        self._rows = rows
        self._intervals = {
            trunk.trunk_id: interval_ms(trunk.calls_per_second) for trunk in trunks if trunk.calls_per_second
        }
        self._turns: dict[tuple[Process | None, str], list[int]] = {}
        """Turns that were taken and not yet used: the moment before which none of them may be."""
        self._rests: dict[str, tuple[int, int]] = {}
        """The trunk's latest rest: until when, and the number of the write that began it."""
        self._between_ms = livekits_interval_ms(livekit_per_minute)
        self._livekits: dict[Process | None, int] = {}
        """How many of LiveKit's turns a dialer has taken and not used yet."""
        self._dials: list[int] = []
        # What a lull is worth goes at once, and a dialer may hold a turn for a moment before it claims.
        self._most_in_a_minute = 2 + (70_000 + _HELD_MS) // self._between_ms if self._between_ms else 0

    def trunk_changed(self, process: Process | None, trunk_id: str, before: Item | None, after: Item) -> None:
        """A trunk's next turn is another one: a dialer took one, or the trunk was put to rest."""
        was, now = _moment(before, "next_at"), _moment(after, "next_at")
        if was == now:
            return
        if _moment(before, "slow_until") != _moment(after, "slow_until"):
            self._world.counts["rests"] += 1
            self._rests[trunk_id] = now, self._rows.writes
            if now < was:
                self._findings.fail("rest_cut_short", f"{trunk_id}: {was} -> {now}")
            return
        if now < was + self._intervals.get(trunk_id, 0):
            self._findings.fail("too_fast", f"{trunk_id}: turns at {was} and {now}")
        self._turns.setdefault((process, trunk_id), []).append(was)

    def call_changed(self, change: CallChange) -> None:
        if change.before is not None and change.is_claim:
            self._takes_livekits_turn(change)
            self._goes_out(change.process, trunk_of(change.before), change.after.call_id)

    def livekits_turn_taken(self, process: Process | None, before: Item | None, after: Item) -> None:
        """A dialer took one of the turns that LiveKit's requests leave, or gave back one that it had taken."""
        was, now = _moment(before, "next_at"), _moment(after, "next_at")
        if now < was:
            self._gives_livekits_turn_back(process, was, now)
            return
        if now - was < self._between_ms:
            self._findings.fail("too_many_requests", f"LiveKit's turns are at {was} and {now}")
        self._livekits[process] = self._livekits.get(process, 0) + 1
        self._world.counts["livekits_turns"] += 1

    def _gives_livekits_turn_back(self, process: Process | None, was: int, now: int) -> None:
        if self._livekits.get(process, 0) < 1 or was - now != self._between_ms:
            self._findings.fail("too_many_requests", f"LiveKit's turn at {was} is given back, and {now} is the next")
            return
        self._livekits[process] -= 1
        self._world.counts["livekits_turns_given_back"] += 1

    def _takes_livekits_turn(self, change: CallChange) -> None:
        if not self._between_ms:
            return
        if self._livekits.get(change.process, 0) < 1:
            self._findings.fail("too_many_requests", f"{change.after.call_id} is dialled without a turn of LiveKit's")
            return
        self._livekits[change.process] -= 1
        now = self._world.now
        self._dials = [at for at in self._dials if at > now - 60_000] + [now]
        if len(self._dials) > self._most_in_a_minute:
            self._findings.fail("too_many_requests", f"{len(self._dials)} dials in a minute")

    def _goes_out(self, process: Process | None, trunk_id: str, call_id: str) -> None:
        now = self._world.now
        if trunk_id in self._intervals:
            turns = self._turns.get((process, trunk_id), [])
            turn = next((turn for turn in turns if turn <= now + _SKEW_MS), None)
            if turn is None:
                self._findings.fail("too_fast", f"{call_id} goes out through {trunk_id} without a turn")
                return
            turns.remove(turn)
        until, begun = self._rests.get(trunk_id, (0, 0))
        looked_at = -1 if process is None else process.read_at.get(trunk_pk(trunk_id), -1)
        if now < until - _SKEW_MS and looked_at >= begun:
            self._findings.fail("dialled_at_rest", f"{call_id} goes out through {trunk_id}, which was seen to rest")

    def tries_livekit(self, call: Call) -> bool:
        """Whether the call is claimed out of its turn, to find out whether LiveKit is back."""
        rest = self._rows.item(LIVEKIT_PK, LIVEKIT_REST_SK) or {}
        return rest.get("trial") == {"S": f"{call.call_id}#{call.attempt + 1}"}

    def may_be_passed(self, process: Process | None, trunk_id: str, other_trunk_id: str) -> bool:
        """Whether a waiting call's trunk may have had no turn near when a call of another trunk was claimed."""
        if process is None or trunk_id == other_trunk_id:
            return False
        return _moment(self._rows.item(trunk_pk(trunk_id), PACE_SK), "next_at") > process.started_at


def trunk_of(call: Call) -> str:
    """The trunk through which a call goes out."""
    return DEFAULT_TRUNK if call.trunk_id is None else call.trunk_id


def _moment(item: Item | None, name: str) -> int:
    return int(item[name]["N"]) if item is not None and name in item else 0
