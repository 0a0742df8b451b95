"""Who thinks for a call: one runner at a time, and the one whose place it has; a phone rings only when it is there; and
where it is lost in the call another takes over in time, if there is one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ringline.runtime.items import Item
from ringline.runtime.table import beat_sk, runners_pk
from simulation.actors.scene import Leg, Room, Scene
from simulation.aws.rows import Rows
from simulation.kernel.world import World
from simulation.plan.runners import AGENT
from simulation.runners.bridges import Brain
from simulation.watch.book import CallBook, CallChange
from simulation.watch.findings import Findings

_TOGETHER_MS = 3_000
"""How long two may think for one call where nothing goes wrong: as long as two agents may be in its room."""
_ELSEWHERE_MS = 5_000
"""How long one may think for a call whose place is another's."""
_LOOKS_EVERY_MS = 200
_MOST_UNNOTICED = 1
"""So many runners that are gone without anybody's knowing may be asked in vain within the grace: two seconds each."""


@dataclass(slots=True)
class _Live:
    room: Room
    worker_id: str
    job_id: str
    since: int
    elsewhere_since: int | None = None


class Brains:
    def __init__(
        self, world: World, findings: Findings, scene: Scene, rows: Rows, book: CallBook, *, calm: bool
    ) -> None:
        self._world = world
        self._scene = scene
        self._findings = findings
        self._rows = rows
        self._book = book
        self._calm = calm
        self._live: dict[str, _Live] = {}
        self._had_brain: set[str] = set()
        self._spare: dict[str, set[str]] = {}
        """For each line whose runner was lost: those that were there with a free place ever since."""
        self.good_runners: Callable[[str], Iterable[str]] = lambda _account_id: ()
        """Who of an account's runners is there at this moment and as good as runners are."""

    def invited(self, leg: Leg) -> None:
        call = leg.call
        if call.brain is not None and call.agent_first and leg.room_name not in self._had_brain:
            self._findings.fail("rang_without_brain", f"{call.call_id} dial {call.attempt} rings, and nobody thinks")

    # --- one at a time, and the right one ----------------------------------------------------------------------------

    def greeted(self, room: Room, url: str, runner: Brain, job_id: str) -> None:
        self._world.counts["bridges"] += 1
        if url in self._spare:
            self._world.counts["taken_over"] += 1
            del self._spare[url]
        self._had_brain.add(room.name)
        self._live[url] = live = _Live(room, runner.worker_id, job_id, self._world.now)
        self._compare(live)

    def thinks_at(self, job_id: str) -> str | None:
        """The bridge by which a runner thinks for its call by that job; None where none does."""
        return next((url for url, live in self._live.items() if live.job_id == job_id), None)

    def gone(self, url: str) -> None:
        live = self._live.pop(url, None)
        if live is None:
            return
        now = self._world.now
        others = [other for other in self._live.values() if other.room.name == live.room.name]
        together_ms = max((now - max(live.since, other.since) for other in others), default=0)
        if self._calm and together_ms > _TOGETHER_MS:
            self._findings.fail("two_brains", f"two thought for {live.room.name} for {together_ms} ms")
        elsewhere_ms = 0 if live.elsewhere_since is None else now - live.elsewhere_since
        may_be_elsewhere = self._had_two(live.room) or self._was_to_be_anothers(live.room)
        if self._calm and elsewhere_ms > _ELSEWHERE_MS and not may_be_elsewhere:
            told = f"{live.worker_id} thought for {live.room.name} for {elsewhere_ms} ms without a place"
            self._findings.fail("brain_without_place", told)

    def _had_two(self, room: Room) -> bool:
        """Whether two speech workers came to one room. The one that is put out of it has asked, too, and the place of
        the call stays with the runner that it was given."""
        return room.name in self._scene.together_ms or room.name in self._scene.two_since

    def _was_to_be_anothers(self, room: Room) -> bool:
        """Whether another agent was asked for. With that the call's runner gives its place back, and thinks on until
        the agent is there. The place stays given back where it does not come."""
        whose = self._book.attempt_in(room.name)
        call = None if whose is None else self._book.calls.get((whose.account_id, whose.call_id))
        return call is not None and any(transfer.is_to_agent for transfer in call.transfers)

    def call_changed(self, change: CallChange) -> None:
        before, after = change.before, change.after
        if before is None or before.runner_id == after.runner_id:
            return
        for live in self._live.values():
            if live.room.name == before.room_name:
                self._compare(live)

    def _compare(self, live: _Live) -> None:
        whose = self._book.attempt_in(live.room.name)
        call = None if whose is None else self._book.calls.get((whose.account_id, whose.call_id))
        if call is None or not call.in_flight or call.room_name != live.room.name:
            return
        if call.runner_id == live.worker_id:
            live.elsewhere_since = None
        elif live.elsewhere_since is None:
            live.elsewhere_since = self._world.now

    # --- lost in the call --------------------------------------------------------------------------------------------

    def lost(self, room: Room, url: str) -> None:
        self._world.counts["runner_lost_in_call"] += 1
        whose = self._book.attempt_in(room.name)
        if self._calm and whose is not None:
            self._spare[url] = self._with_room(whose.account_id)
            self._world.after(_LOOKS_EVERY_MS, self._looks, whose.account_id, url)

    def _looks(self, account_id: str, url: str) -> None:
        if url in self._spare:
            self._spare[url] &= self._with_room(account_id)
            self._world.after(_LOOKS_EVERY_MS, self._looks, account_id, url)

    def given_up(self, room: Room, url: str) -> None:
        self._world.counts["brains_given_up"] += 1
        spare = self._spare.pop(url, set())
        if spare and not self._had_two(room):
            self._findings.fail("not_taken_over", f"{room.name} was given up, and {sorted(spare)} were there for it")

    def _with_room(self, account_id: str) -> set[str]:
        """The runners that are there with a free place, and would be asked in time."""
        good, pk = set(self.good_runners(account_id)), runners_pk(account_id)
        rows = [item for item in self._rows.partition(pk, limit=1_000) if "max_concurrent" in item]
        looks_there = {row["worker_id"]["S"] for row in rows if self._is_heard(pk, row)}
        if len(looks_there - good) > _MOST_UNNOTICED:
            return set()
        free = {row["worker_id"]["S"] for row in rows if int(row["in_use"]["N"]) < int(row["max_concurrent"]["N"])}
        return good & looks_there & free

    def _is_heard(self, pk: str, row: Item) -> bool:
        beat = self._rows.item(pk, beat_sk(AGENT, row["worker_id"]["S"]))
        return beat is not None and beat.get("connection_id") == row["connection_id"]
