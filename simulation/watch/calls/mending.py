"""Bounded time to truth: once a deadline has passed, one undisturbed sweep is enough.

A sweep is undisturbed when nothing struck it, LiveKit was up all the while, and the due index had caught up with what
it is asked about. Every call is checked after every such sweep, and that it was right again within 90 s of the deadline
or of the last disturbed sweep; the sweep itself may have others to look after for longer. The deadlines here are the
design's, in the simulation's own words, and they start from what really happened to the phones, not from what the
product knows.
"""

from dataclasses import dataclass, field

from ringline.calls.model.call import AnswerFrom, Call, CallStatus, State
from ringline.calls.model.timing import (
    AGENT_FIRST_S,
    AGENT_JOIN_S,
    AGENT_SUCCESSOR_S,
    ANSWER_MARGIN_S,
    DIAL_OUTCOME_MARGIN_S,
    DIALER_SILENCE_S,
    MEDIA_SILENCE_S,
    PROMISED_WORDS_S,
    REFER_TAKES_S,
)
from ringline.calls.model.transfers.transfer import under_way
from simulation.actors.scene import Leg, Room, Scene
from simulation.aws.due_index import LONGEST_LAG_MS
from simulation.kernel.processes import Process
from simulation.kernel.world import World
from simulation.watch.book import CallBook, CallChange, CallKey
from simulation.watch.findings import Findings

TRUTH_MS = 90_000
_INDEX_LAG_MS = LONGEST_LAG_MS + 1_000
_MARGIN_MS = 100
"""A deadline that passed so shortly before a sweep is the next one's."""


@dataclass(slots=True, eq=False)
class SweepRun:
    mending: "Mending"
    started_at: int
    epoch: int
    with_livekit: bool
    owed: dict[CallKey, tuple[Call, str, int]] = field(default_factory=dict)
    """The calls that it must not leave in flight as they are: how each stood, why, and since when."""
    mended_at: dict[CallKey, int] = field(default_factory=dict)

    def ended(self, process: Process, well: bool) -> None:
        self.mending.sweep_ended(self, well and not process.disturbed)


class Mending:
    def __init__(self, world: World, findings: Findings, scene: Scene, book: CallBook) -> None:
        self._world = world
        self._findings = findings
        self._scene = scene
        self._book = book
        self._disturbed_at = 0
        self._under_way: list[SweepRun] = []
        self.late_ms: list[int] = []

    def sweep_begins(self) -> SweepRun:
        run = SweepRun(self, self._world.now, self._scene.epoch, self._scene.server_is_up)
        if self._scene.server_is_up:
            for call in self._book.in_flight():
                deadline = self._deadline(call)
                if deadline is not None and deadline[1] < self._world.now - _MARGIN_MS:
                    run.owed[call.account_id, call.call_id] = call, *deadline
        self._under_way.append(run)
        return run

    def call_changed(self, change: CallChange) -> None:
        """Notes when a sweep, or whoever was faster, has mended a call."""
        for run in self._under_way:
            if change.key in run.owed and change.key not in run.mended_at and self._is_mended(run, change.key):
                run.mended_at[change.key] = self._world.now

    def sweep_ended(self, run: SweepRun, undisturbed: bool) -> None:
        self._under_way.remove(run)
        if not undisturbed or self._scene.epoch != run.epoch or not run.with_livekit:
            self._disturbed_at = max(self._disturbed_at, run.started_at)
            return
        self._world.counts["undisturbed_sweeps"] += 1
        for key, (call, why, deadline) in run.owed.items():
            late_ms = run.mended_at.get(key, self._world.now) - max(deadline, self._disturbed_at)
            self.late_ms.append(late_ms)
            if not self._is_mended(run, key):
                state = self._book.calls[key].state
                self._findings.fail("not_mended", f"{call.call_id} is {state} after a sweep: {why}")
            if late_ms > TRUTH_MS:
                self._findings.fail("mended_late", f"{call.call_id} after {late_ms / 1000:.1f} s: {why}")

    def _is_mended(self, run: SweepRun, key: CallKey) -> bool:
        """Whether the call is over, dialled anew, or not owed the same any more."""
        before, why, _ = run.owed[key]
        now = self._book.calls[key]
        if now.attempt != before.attempt or not now.in_flight:
            return True
        again = self._deadline(now)
        # What was put right may fall due later for the same reason.
        return again is None or again[0] != why or again[1] >= run.started_at

    def _deadline(self, call: Call) -> tuple[str, int] | None:
        """Why the call must not be in flight any more, and since when the sweep can know."""
        seen_from = (call.due_at or 0) + _INDEX_LAG_MS
        name = call.room_name or ""
        room, gone_at = self._scene.rooms.get(name), self._scene.closed_at.get(name)
        if (unconditional := _at_once(call, seen_from)) is not None:
            return unconditional
        leg = self._scene.leg_of(call)
        known = min((at for at in (call.evidence.leg_left_at, call.evidence.room_finished_at) if at), default=None)
        # Known, and true: a leg that reconnected has left under its old sid and talks on.
        is_known_to_be_gone = known is not None and (leg is None or not leg.is_up)
        if call.answered_at is None and not (call.comes_in and is_known_to_be_gone):
            if call.answer_from is AnswerFrom.CARRIER and leg is not None and _shows_an_answer(leg):
                return "nobody told of its answer", max(seen_from, leg.answered_at or 0)
            outcome_s = call.ring_timeout_s + ANSWER_MARGIN_S + DIAL_OUTCOME_MARGIN_S
            return "its dial has no outcome", max(seen_from, (call.dialed_at or 0) + outcome_s * 1000)
        of_its_transfer = _of_its_transfer(call, seen_from)
        is_transfer_due = of_its_transfer is not None and of_its_transfer[1] < self._world.now
        if is_transfer_due and call.evidence.leg_left_at is None and call.evidence.room_finished_at is not None:
            # Nobody has told that the leg left, only that it is missed: the look behind the transfer's sees to that.
            return of_its_transfer
        if known is not None and is_known_to_be_gone:
            waits_s = PROMISED_WORDS_S if call.reports.has_promised_transcript else DIALER_SILENCE_S
            return "its leg or room is known to be gone", max(seen_from, known + waits_s * 1000)
        if known is not None:
            # Nobody was told that it is back: who may be going has their time to say so before anything else is owed.
            seen_from = max(seen_from, known + DIALER_SILENCE_S * 1000)
        if room is None and gone_at is not None:
            return "its room is gone", max(seen_from, gone_at)
        of_its_transfer = _of_its_transfer(call, seen_from)
        if of_its_transfer is not None and of_its_transfer[1] < self._world.now:
            # What else is owed a look sees that comes behind it.
            return of_its_transfer
        if call.carrier.ended_at is not None and (leg is None or not leg.is_up):
            return "its carrier said that it is over", max(seen_from, self._unheard_of_since(call, leg))
        return self._limit(call, seen_from, room) or of_its_transfer

    def _unheard_of_since(self, call: Call, leg: Leg | None) -> int:
        """When LiveKit has missed the sound of a leg that is over, and lists it no more. The carrier may have told of
        an end before it was true, of another place; and a server that has just come back lists who was there before."""
        was_over_at = 0 if leg is None else leg.over_at or 0
        since = max(call.carrier.ended_at or 0, was_over_at, self._scene.server_back_at)
        return since + MEDIA_SILENCE_S * 1000

    def _limit(self, call: Call, seen_from: int, room: Room | None) -> tuple[str, int] | None:
        answered_at = call.answered_at or 0
        if self._world.now > answered_at + call.max_call_duration_s * 1000:
            return "it lasted too long", max(seen_from, answered_at + call.max_call_duration_s * 1000)
        if (room is not None and room.is_company) or (call.handed_over_at is not None and call.other_left_at is None):
            return None
        if under_way(call.transfers) is not None:
            # Somebody is being asked for: what is owed is an outcome of that.
            return None
        if call.carrier.believed_end_at is not None and not call.carrier.end_is_failure:
            # Its carrier spoke of an end, of another place perhaps: LiveKit has a while to tell of it too. That a place
            # failed keeps nobody waiting.
            seen_from = max(seen_from, call.carrier.believed_end_at + DIALER_SILENCE_S * 1000)
        if call.state is not State.ACTIVE:
            return "no agent came", max(seen_from, answered_at + AGENT_JOIN_S * 1000)
        if call.agent_left_at is not None:
            asked_until = max((each.ended_at or 0 for each in call.transfers), default=0)
            left_at = max(call.agent_left_at, call.other_left_at or 0, asked_until)
            # Who lost the connection, and nothing else, may be back.
            is_missed = call.other_left_at is not None and call.other_may_come_back
            waits_s = DIALER_SILENCE_S if is_missed else AGENT_SUCCESSOR_S
            # Whoever looks takes for company whom LiveKit has not missed yet.
            missed_at = 0 if room is None else room.lists_the_lost_until
            return "nobody is left to talk to", max(seen_from, missed_at, left_at + waits_s * 1000)
        return None


def _at_once(call: Call, seen_from: int) -> tuple[str, int] | None:
    """What is owed whoever is in its room."""
    if call.end_asked_at is not None:
        return "its end was asked", max(seen_from, call.end_asked_at)
    if call.awaits_agent_since is not None:
        # Nothing has rung, and the ringing has its time from the agent's coming on.
        waits_s = (call.agent_join_timeout_s or AGENT_FIRST_S) + DIAL_OUTCOME_MARGIN_S
        return "its agent has not come", max(seen_from, call.awaits_agent_since + waits_s * 1000)
    return None


def _of_its_transfer(call: Call, seen_from: int) -> tuple[str, int] | None:
    """What a transfer that somebody has begun is owed, in an order that a look can follow."""
    transfer = under_way(call.transfers)
    if transfer is None or transfer.begun_at is None:
        return None
    # Where it came to nothing, another may be under way, which has its own time.
    named = transfer.transfer_id
    if transfer.joined_at is not None:
        handoff_ms = 0 if transfer.is_to_agent else transfer.warm_handoff_ms
        return (
            None
            if handoff_ms is None
            else (f"{named}: its agent is not let go", max(seen_from, transfer.joined_at + handoff_ms))
        )
    comes_within_s = call.ring_timeout_s + ANSWER_MARGIN_S
    if transfer.is_refer:
        comes_within_s = REFER_TAKES_S
    elif transfer.is_to_agent:
        comes_within_s = AGENT_JOIN_S
    told_by = transfer.begun_at + (comes_within_s + DIAL_OUTCOME_MARGIN_S) * 1000
    return f"{named}: it has no outcome", max(seen_from, told_by)


def _shows_an_answer(leg: Leg) -> bool:
    """Whether whoever looks into the room sees that somebody answered."""
    return leg.phone == "talking" and leg.attached and leg.status == CallStatus.ACTIVE
