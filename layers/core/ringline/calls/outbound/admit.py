"""Admits waiting calls: oldest eligible first, several of them claimed in one transaction where that is the same.

A call goes through its account's gate, under the caps of its agent, pipe and number, at its trunk's pace and at
that of LiveKit's requests, while its agent does not rest, and with a place at a runner where that is its brain. While
LiveKit is away nobody is admitted but one at a time, who finds out whether it is back.

Calls that wait behind the first one go with it while lines are free for them and nothing else is to be found out: whose
trunk has no pace and whose agent is nobody's trial. The first for whom that does not hold is the first of the next
look, so that nobody is passed who would not be passed by calls that are claimed one by one.
"""

import time
from collections.abc import Callable, Iterator
from enum import StrEnum

from aws_lambda_powertools import Logger

from ringline.calls.capacity.days import Use
from ringline.calls.model.call import AnswerFrom, Call, State
from ringline.calls.model.events import Claimed, EndAsked
from ringline.calls.model.ports import NoPlace, Place, Places, SpeechPlace
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import CAP_LOOK_S, NO_AGENT_S, RUNNER_LOOK_S
from ringline.calls.outbound.looked import Looked
from ringline.calls.outbound.queue_head import EXPIRED_AT_ONCE, ExpiredAhead, QueueHead
from ringline.calls.progress.awaited_agents import AwaitedAgents
from ringline.calls.progress.capacity import Capacity, NoRoom, Room
from ringline.calls.progress.limits_met import LimitsMet
from ringline.calls.progress.progress import GateFull, Progress, Wanted
from ringline.calls.rules.deadlines import agent_first_s
from ringline.calls.tables.agent_rests import AgentRest, trial_of
from ringline.calls.tables.limits.livekit_budget import is_near
from ringline.calls.tables.livekit_rest import Rest
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.store import CONFLICT_TRIES, CallStore, QueueEntry, TableContended, lets_others_pass_s
from ringline.record import Record
from ringline.routing.destinations import may_be_called
from ringline.runtime.clock import MS_PER_S, Clock

_TRIES = 50
"""Each lost race means that another dialer claimed a call: fifty in a row are fifty calls on their way."""

_LOOK_PAST = 500
"""How many calls behind one whose trunk or agent rests are searched for a call of another: a page of the queue, which
costs some 20 read units. A campaign is often longer; its first calls are then all that its account can dial."""

_TRIAL_SPARE_S = 10
"""How much longer than its agent may take a dial may, from its claim until it knows whether its agent is there."""

_LIVEKIT = None
"""Whose turn it is that no trunk gives: each call takes one of LiveKit's besides."""


class NoneAdmitted(StrEnum):
    """Normal ends of admitting: none is a failure, and none keeps a message in the queue."""

    GATE_FULL = "gate_full"
    DAY_SPENT = "day_spent"
    """The account has used up what it may on one day. The sweep rings for those who wait once the next has begun."""
    NOBODY_WAITS = "nobody_waits"


class Paced(Record):
    """Calls wait and lines are free, but before `until` their trunks have no turn, or their agents or LiveKit rest."""

    until: int


class Admit(Record):
    store: CallStore
    paces: TrunkPaces
    places: Places
    capacity: Capacity
    progress: Progress
    limits: LimitsMet
    clock: Clock
    log: Logger
    pause: Callable[[float], None] = time.sleep
    answer_from: AnswerFrom | None = None

    @property
    def _awaited(self) -> AwaitedAgents:
        return AwaitedAgents(self.paces.agents, self.places, self.clock)

    @property
    def _head(self) -> QueueHead:
        return QueueHead(self.store, self.progress, self._awaited, self.clock)

    def next(self, account_id: str, most: int = 1) -> list[Call] | NoneAdmitted | Paced | ExpiredAhead:
        """Claims the account's oldest eligible call, waiting for its trunk's turn if that is near, and with it those
        behind it that wait for nothing but a line, `most` in all. When the gate is full, the turn is far, the agent
        rests or no runner has a place, the call stays where it is, in its place, and LiveKit's turn is given back.
        Raises TableContended if others were faster each time."""
        looked = Looked()
        try:
            admitted = self._next(account_id, looked, most)
        except TableContended:
            self._give_back_turn(looked)
            raise
        if not isinstance(admitted, list):
            self._give_back_turn(looked)
        return admitted

    def _give_back_turn(self, looked: Looked) -> None:
        if looked.livekits_turn is not None:
            self.paces.budget.give_back(looked.livekits_turn)

    def _next(self, account_id: str, looked: Looked, most: int) -> list[Call] | NoneAdmitted | Paced | ExpiredAhead:
        for _ in range(_TRIES):
            looked.forget()
            call = self._first_waiting(account_id, looked, most)
            if call is None:
                continue
            if not isinstance(call, Call):
                return call
            room = self._room_for(call, looked)
            if room is None or not self._has_its_turns(call, _trunk_of(call, room), looked):
                continue
            if not self.paces.livekit.may_dial(call, looked.rest, self.clock()):
                continue
            claimed = self._claim(call, room, looked, most)
            if claimed is not None:
                return claimed
        raise TableContended

    def _first_waiting(
        self, account_id: str, looked: Looked, most: int
    ) -> Call | NoneAdmitted | Paced | ExpiredAhead | None:
        """The call that is to be dialled, or why none is; None where the queue must be looked at again, because others
        were faster. A call that turns out not to be dialled any more is ended, one of a later release is left alone:
        neither is such a race."""
        ended = 0
        while ended < EXPIRED_AT_ONCE:
            first = self._first_that_may_go(account_id, looked, most)
            if not isinstance(first, QueueEntry):
                return first
            looked.rest = self.paces.livekit.look()
            if not looked.rest.is_over(self.clock()):
                return Paced(looked.rest.next_at)
            livekits_turn_at = looked.turns.get(_LIVEKIT) or self.paces.budget.next_turn_at()
            if not is_near(livekits_turn_at, self.clock()):
                return Paced(livekits_turn_at)
            if looked.rest.is_on_trial(self.clock()):
                first, looked.behind = self._one_that_tries(account_id, looked.rest, first, looked), ()
            call = self._waiting(account_id, first, looked)
            if call is None and first.call_id not in looked.without_room:
                return None
            why_over = None if call is None else self._why_over(call, looked)
            if call is not None and why_over is None:
                return call
            if call is None and len(looked.without_room) >= _LOOK_PAST:
                return Paced(self.clock() + CAP_LOOK_S * MS_PER_S)
            if call is not None and why_over is not None:
                self.progress.apply(account_id, call.call_id, EndAsked(self.clock(), why_over))
                ended += 1
            looked.forget()
        return ExpiredAhead()

    def _claim(self, call: Call, room: Room, looked: Looked, most: int) -> list[Call] | NoneAdmitted | None:
        """The claimed calls, or why none is; None where the queue must be looked at again."""
        tries_agent = self._is_to_try_its_agent(call, looked)
        trial = trial_of(call.call_id, call.attempt + 1)
        first = self._wanted(call, room, looked, tries_agent=tries_agent)
        if first is None:
            return None
        if tries_agent and not self._is_the_one_that_tries(call, trial):
            return None
        wanted = [first, *self._behind(call.account_id, looked, most - 1)]
        # Who finds something out for all the others keeps its turn at that, and writes the same again.
        once = not (tries_agent or looked.rest.is_on_trial(self.clock()))
        try:
            outcome = self.progress.apply_together(wanted, looked.gate.caps_version, once=once)
        except TableContended:
            if not once:
                raise
            self._let_others_pass(looked)
            return None
        if isinstance(outcome, list):
            return [applied.call for applied in outcome]
        if tries_agent:
            self.paces.agents.untried(call.account_id, call.agent_id, trial, self.clock())
        return NoneAdmitted.GATE_FULL if isinstance(outcome, GateFull) else None

    def _let_others_pass(self, looked: Looked) -> None:
        """Waits for those who were met at the gate: calls that are being claimed, or end. What was read is out of date
        once they are through, and there may be lines for several. Raises TableContended if somebody is met each
        time."""
        looked.met += 1
        if looked.met == CONFLICT_TRIES:
            raise TableContended
        self.pause(lets_others_pass_s(looked.met - 1))

    def _wanted(self, call: Call, room: Room, looked: Looked, *, tries_agent: bool) -> Wanted | None:
        """The call's claim; None where there is no place for it. What it takes is taken for whoever is looked for
        besides it."""
        place = self._place_for(call, looked)
        speech = None if call.brain is None else self._speech_place(looked)
        if isinstance(place, NoPlace) or isinstance(speech, NoPlace):
            return None
        looked.caps.takes(room)
        if place is not None:
            looked.runners_taken[place.runner_id] += 1
            looked.places.clear()
        if speech is not None:
            looked.speech_taken[speech.row] += 1
            looked.speech_was_looked_for = False
        claim = Claimed(
            self.clock(),
            self.answer_from,
            tries_agent,
            None if place is None else place.runner_id,
            None if speech is None else speech.row,
            counters=room.counters,
            counted_on=room.counted_on,
            caller_id=room.caller_id,
        )
        return Wanted(call, claim, self._is_to_new_number(call, looked))

    def _behind(self, account_id: str, looked: Looked, most: int) -> Iterator[Wanted]:
        """The claims of those behind the first who can go with it, in their order. Who waits for something of their own
        is passed, as they would be as the first; and whoever has to find something out goes as the first."""
        free = min(most, looked.gate.free_lines - 1)
        # Where LiveKit's requests are limited each dial needs a turn of its own.
        if free <= 0 or self.paces.budget.interval_ms or looked.rest.is_on_trial(self.clock()):
            return
        entries = [entry for entry in looked.behind if not entry.has_expired(self.clock())][:free]
        unread: list[str] = []
        calls = (
            {}
            if not entries
            else {
                call.call_id: call
                for call in self.store.get_many([(account_id, each.call_id) for each in entries], unread)
            }
        )
        for entry in entries:
            if not self._may_go(account_id, entry, looked):
                continue
            wanted = self._wanted_plainly(calls.get(entry.call_id), entry, looked)
            if wanted is None:
                return
            yield wanted

    def _wanted_plainly(self, call: Call | None, entry: QueueEntry, looked: Looked) -> Wanted | None:
        """The claim of a call that needs nothing but its line and its places; None where it needs more, or is not to be
        dialled."""
        if call is None or not self._still_waits(call, entry, looked) or self._why_over(call, looked) is not None:
            return None
        room = self.capacity.room_for(call, looked.gate, looked.caps)
        if isinstance(room, NoRoom) or not self._is_unpaced(_trunk_of(call, room), looked):
            return None
        if self._is_to_try_its_agent(call, looked):
            return None
        return self._wanted(call, room, looked, tries_agent=False)

    def _first_that_may_go(
        self, account_id: str, looked: Looked, most: int
    ) -> QueueEntry | NoneAdmitted | Paced | ExpiredAhead:
        entries = self.store.eligible(account_id, self.clock(), most)
        if not entries:
            return NoneAdmitted.NOBODY_WAITS
        # A look at the gate costs a tenth of a refused claim: ten thousand doorbells at a full gate stay cheap.
        looked.gate = self.store.gate(account_id)
        if not looked.gate.has_free_line:
            return NoneAdmitted.GATE_FULL
        spent = looked.gate.daily.stopped_by(self.clock())
        if spent is not None:
            self.limits.is_spent(account_id, spent, looked.gate.daily)
            return NoneAdmitted.DAY_SPENT
        if not entries[0].has_expired(self.clock()) and self._may_go(account_id, entries[0], looked):
            looked.behind = entries[1:]
            return entries[0]
        return self._first_near_its_turn(account_id, looked)

    def _first_near_its_turn(self, account_id: str, looked: Looked) -> QueueEntry | NoneAdmitted | Paced | ExpiredAhead:
        """The oldest call that has not expired, whose trunk has a turn soon and whose agent does not rest. A call that
        waits for one of them does not hold up those of others."""
        waiting = self._waiting_ahead(account_id, looked)
        if isinstance(waiting, ExpiredAhead):
            return waiting
        for place, entry in enumerate(waiting):
            if self._may_go(account_id, entry, looked):
                looked.behind = waiting[place + 1 :]
                return entry
        return Paced(min(looked.resting.values())) if looked.resting else NoneAdmitted.NOBODY_WAITS

    def _waiting_ahead(self, account_id: str, looked: Looked) -> list[QueueEntry] | ExpiredAhead:
        """The first calls that may be dialled and have not expired. Which of their numbers are new no more is read
        where that decides: a number's second call waits for no day that its first one was counted on."""
        waiting = self._head.waiting(account_id, _LOOK_PAST)
        if not isinstance(waiting, ExpiredAhead) and looked.gate.daily.is_spent(Use.NEW_NUMBERS, self.clock()):
            numbers = {entry.new_number for entry in waiting if entry.new_number is not None} - looked.asked_about
            looked.called |= self.store.which_were_called(account_id, numbers)
            looked.asked_about |= numbers
        return waiting

    def _one_that_tries(self, account_id: str, rest: Rest, first: QueueEntry, looked: Looked) -> QueueEntry:
        """The call that finds out whether LiveKit is back: after each one that failed another. If it is only that one
        call which LiveKit never takes, it holds up nobody."""
        waiting = self._waiting_ahead(account_id, looked)
        if isinstance(waiting, ExpiredAhead):
            return first
        near = [entry for entry in waiting if self._may_go(account_id, entry, looked)]
        return near[rest.rests % len(near)] if near else first

    def _may_go(self, account_id: str, entry: QueueEntry, looked: Looked) -> bool:
        return (
            self._has_room(account_id, entry, looked)
            and self._agent_is_awake(account_id, entry, looked)
            and self._speech_has_room(entry, looked)
            and self._runner_has_place(account_id, entry, looked)
            and self._is_near(account_id, entry, looked)
        )

    def _has_room(self, account_id: str, entry: QueueEntry, looked: Looked) -> bool:
        """Whether the entry's agent, pipe, number or pool has room for one call more. A call that ends rings the bell
        for the next one."""
        full = self.capacity.what_is_full(account_id, entry, looked.gate, looked.caps)
        is_new = entry.is_new_number and entry.new_number not in looked.called
        if is_new and looked.gate.daily.is_spent(Use.NEW_NUMBERS, self.clock()):
            self.limits.is_spent(account_id, Use.NEW_NUMBERS, looked.gate.daily)
            full = full or Use.NEW_NUMBERS
        if full is None and entry.call_id in looked.without_room:
            full = entry.call_id
        if full is not None:
            looked.resting["cap", full] = self.clock() + CAP_LOOK_S * MS_PER_S
        return full is None

    def _room_for(self, call: Call, looked: Looked) -> Room | None:
        """An entry of the release before does not name its counters, so its call may turn out to have no room."""
        room = self.capacity.room_for(call, looked.gate, looked.caps)
        if isinstance(room, NoRoom):
            looked.without_room.add(call.call_id)
            return None
        return room

    def _agent_is_awake(self, account_id: str, entry: QueueEntry, looked: Looked) -> bool:
        """Whether the entry's agent may be waited for. One that is found at rest is noted with the end of its rest, and
        a call that has waited for it for too long is ended."""
        if entry.agent_id is None:
            return True
        rest = self._rest_of(account_id, entry.agent_id, looked)
        # A rest that ends during the search lets nobody pass those that it held up before.
        if ("agent", entry.agent_id) not in looked.resting and rest.is_over(self.clock()):
            return True
        looked.resting["agent", entry.agent_id] = rest.next_at
        self._end_if_missing_for_long(account_id, entry, rest)
        return False

    def _rest_of(self, account_id: str, agent_id: str | None, looked: Looked) -> AgentRest:
        name = agent_id or ""
        if name not in looked.agents:
            looked.agents[name] = self.paces.agents.look(account_id, agent_id)
        return looked.agents[name]

    def _speech_has_room(self, entry: QueueEntry, looked: Looked) -> bool:
        """Whether LiveKit will find a speech worker for the entry's call, if it needs one. A dispatch that none has
        room for is lost, so the call waits; a worker with room for one rings the bell."""
        if entry.brain is None:
            return True
        is_full = isinstance(self._speech_place(looked), NoPlace)
        if is_full:
            looked.resting["speech", ""] = self.clock() + RUNNER_LOOK_S * MS_PER_S
        return not is_full

    def _speech_place(self, looked: Looked) -> SpeechPlace | NoPlace | None:
        if not looked.speech_was_looked_for:
            looked.speech, looked.speech_was_looked_for = self.places.speech_place(looked.speech_taken), True
        return looked.speech

    def _runner_has_place(self, account_id: str, entry: QueueEntry, looked: Looked) -> bool:
        """Whether the entry's call could have a place at a runner now, if it needs one. A runner that registers and a
        place that comes free ring the bell; a call that no runner was there for in a long time is ended."""
        if entry.runner_of is None:
            return True
        place = self._place_of(account_id, entry.runner_of, looked)
        if isinstance(place, Place):
            return True
        looked.resting["runner", entry.runner_of] = self.clock() + RUNNER_LOOK_S * MS_PER_S
        self._end_if_alone_since(account_id, entry, place.last_seen_at or entry.eligible_at)
        return False

    def _place_for(self, call: Call, looked: Looked) -> Place | NoPlace | None:
        return self._place_of(call.account_id, call.agent_id or "", looked) if call.needs_place else None

    def _place_of(self, account_id: str, agent_id: str, looked: Looked) -> Place | NoPlace:
        if agent_id not in looked.places:
            looked.places[agent_id] = self.places.least_loaded(account_id, agent_id, looked.runners_taken)
        return looked.places[agent_id]

    def _end_if_missing_for_long(self, account_id: str, entry: QueueEntry, rest: AgentRest) -> None:
        if rest.missing_since is not None:
            self._end_if_alone_since(account_id, entry, rest.missing_since)

    def _end_if_alone_since(self, account_id: str, entry: QueueEntry, since: int) -> None:
        now = self.clock()
        if now - max(since, entry.eligible_at) >= NO_AGENT_S * MS_PER_S:
            self.progress.apply(account_id, entry.call_id, EndAsked(now, EndReason.NO_AGENT_AVAILABLE))

    def _is_near(self, account_id: str, entry: QueueEntry, looked: Looked) -> bool:
        """Whether the entry's trunk has a turn soon. A trunk that is found at rest is noted with its next turn, and one
        without a pace needs not be asked for a turn. Which trunk it is that a pool's number calls through shows once
        the number is chosen."""
        if entry.pool_of is not None:
            return self._pool_is_near(account_id, entry.pool_of, entry, looked)
        trunk = self.paces.trunk(entry.trunk_id)
        if ("trunk", trunk) in looked.resting:
            return False
        if trunk not in looked.turns:
            pace = self.paces.look(trunk)
            if not pace.is_near(self.clock()):
                looked.resting["trunk", trunk] = pace.next_at
                return False
            if pace.interval_at(self.clock()) == 0:
                looked.turns[trunk] = pace.next_at
                looked.unpaced.add(trunk)
        return True

    def _pool_is_near(self, account_id: str, pool_of: str, entry: QueueEntry, looked: Looked) -> bool:
        """Whether nothing is known of a rest of the trunk through which the number calls that the entry's call would
        get from its pool."""
        rests = looked.pools_at_rest[pool_of]
        own = self.capacity.own_choice(account_id, entry, looked.caps) if rests else None
        if own is not None:
            # One look at the queue finds all trunks at rest through which calls of the pool would go.
            trunk = self.paces.trunk(own.trunk_id)
            pace = None if trunk in rests or trunk in looked.turns else self.paces.look(trunk)
            if pace is not None and not pace.is_near(self.clock()):
                rests[trunk] = pace.next_at
            rests = {trunk: rests[trunk]} if trunk in rests else {}
        # Where the number is the same for all, all of them wait: a call behind it must not pass the one whose number's
        # trunk has its turn later.
        looked.resting.update({("pool", f"{pool_of}#{trunk}"): until for trunk, until in rests.items()})
        return not rests

    def _is_unpaced(self, trunk_id: str | None, looked: Looked) -> bool:
        """Whether a call through that trunk may be claimed this moment without taking a turn."""
        trunk, now = self.paces.trunk(trunk_id), self.clock()
        if trunk not in looked.unpaced and trunk not in looked.turns:
            pace = self.paces.look(trunk)
            if pace.interval_at(now) == 0:
                looked.turns[trunk] = pace.next_at
                looked.unpaced.add(trunk)
        return trunk in looked.unpaced and looked.turns[trunk] <= now

    def _has_its_turns(self, call: Call, trunk_id: str | None, looked: Looked) -> bool:
        """Whether the call may be claimed this moment, through that trunk. A turn that was taken is kept for the next
        look at the queue: while this dialer waited, the call may have gone and another be the first. A call whose
        number was chosen from a pool may have to wait for a trunk that its entry does not name."""
        trunk, turns = self.paces.trunk(trunk_id), looked.turns
        if trunk not in turns:
            turn = self.paces.take(trunk, self.clock())
            if turn is None:
                pace = self.paces.look(trunk)
                if call.from_pool and not pace.is_near(self.clock()):
                    looked.pools_at_rest[call.pipe_id or ""][trunk] = pace.next_at
                return False
            turns[trunk] = turn
        if _LIVEKIT not in turns:
            looked.livekits_turn = self.paces.budget.take(self.clock())
            if looked.livekits_turn is None:
                return False
            turns[_LIVEKIT] = looked.livekits_turn.at
        wait_ms = max(turns[trunk], turns[_LIVEKIT]) - self.clock()
        if wait_ms <= 0:
            return True
        self.pause(wait_ms / MS_PER_S)
        return False

    def _is_to_try_its_agent(self, call: Call, looked: Looked) -> bool:
        """Whether the call's agent was missed lately, so that only one call at a time may wait for it."""
        return call.agent_first and self._rest_of(call.account_id, call.agent_id, looked).is_on_trial(self.clock())

    def _is_the_one_that_tries(self, call: Call, trial: str) -> bool:
        within_s = agent_first_s(call) + _TRIAL_SPARE_S
        return self.paces.agents.try_one(call.account_id, call.agent_id, trial, self.clock(), within_s)

    def _why_over(self, call: Call, looked: Looked) -> EndReason | None:
        """Why a call that waits is not to be dialled any more."""
        if call.has_expired(self.clock()):
            return self._awaited.why_expired(call)
        if self.capacity.has_lost_its_number(call, looked.gate, looked.caps):
            return EndReason.SIP_FAILED_ACCOUNT
        listed = looked.gate.allowed_prefixes
        # Without a list the number was looked at when the call was made.
        if listed is None or may_be_called(call.to_number or "", listed, tuple):
            return None
        return EndReason.DESTINATION_NOT_ALLOWED

    def _waiting(self, account_id: str, entry: QueueEntry, looked: Looked) -> Call | None:
        """The call of an entry, if it still waits there."""
        call = self.store.get(account_id, entry.call_id)
        if call is None:
            self.log.error("queue entry without its call", extra={"call_id": entry.call_id})
            self.store.drop_entry(account_id, entry)
            return None
        return call if self._still_waits(call, entry, looked) else None

    def _still_waits(self, call: Call, entry: QueueEntry, looked: Looked) -> bool:
        """Whether the call waits where its entry says, and may be dialled by what is known here."""
        if not call.is_understood:
            self.log.warning("call of a later release left alone", extra={"call_id": call.call_id})
            looked.without_room.add(call.call_id)
            return False
        if call.state is not State.QUEUED or call.eligible_at != entry.eligible_at:
            # Another dialer took the call between the two reads. It may even be queued again, for later.
            return False
        if self._is_to_new_number(call, looked) and looked.gate.daily.is_spent(Use.NEW_NUMBERS, self.clock()):
            # Its entry is older than the cap, or it was the first to its number and is dialled again.
            looked.without_room.add(call.call_id)
            return False
        return True

    def _is_to_new_number(self, call: Call, looked: Looked) -> bool:
        """Whether it matters that the account calls the number for the first time, and it does."""
        if looked.gate.daily.cap(Use.NEW_NUMBERS) is None:
            return False
        return not self.store.was_called(call.account_id, call.to_number or "")


def _trunk_of(call: Call, room: Room) -> str | None:
    return call.trunk_id if room.caller_id is None else room.caller_id.trunk_id
