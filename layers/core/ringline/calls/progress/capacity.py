"""Whether a call that waits has room under the caps of its agent, pipe and number, and which number of its pipe's pool
it would go out on."""

from collections.abc import Iterable
from copy import replace
from dataclasses import dataclass, field
from typing import Protocol

from ringline.calls.capacity.counters import Counter, Kind, counter_name, day_of, kind_of, names_of
from ringline.calls.capacity.pools import CallerIdPolicy, choices
from ringline.calls.model.call import Call
from ringline.calls.model.events import CallerId
from ringline.calls.tables.limits.counters import Counters
from ringline.calls.tables.store import Gate, QueueEntry
from ringline.record import Record
from ringline.runtime.clock import Clock

POOL = "POOL"
"""Stands in place of a counter's kind where it is the pool of a pipe that has no number left."""


class Pool(Protocol):
    """What of a pipe tells the numbers that its calls go out on."""

    @property
    def caller_ids(self) -> tuple[str, ...]: ...

    @property
    def caller_id_policy(self) -> str | None: ...

    @property
    def trunk_id(self) -> str | None: ...


class OwnNumber(Protocol):
    @property
    def trunk_id(self) -> str | None: ...


class Pools(Protocol):
    def pipe(self, account_id: str, pipe_id: str) -> Pool | None: ...

    def number(self, account_id: str, number: str) -> OwnNumber | None: ...


class Room(Record):
    """The counters that the call must count in, on which day if one of them is its number's, and the number it goes out
    on where that comes from a pool."""

    counters: tuple[str, ...] = ()
    counted_on: int | None = None
    caller_id: CallerId | None = None


class NoRoom(Record):
    """What is full: a counter's name, or a pool's."""

    name: str


@dataclass(slots=True)
class Known:
    """What was read in one search: each counter, pipe and number once."""

    counters: dict[str, Counter] = field(default_factory=dict)
    pools: dict[str, Pool | None] = field(default_factory=dict)
    numbers: dict[str, OwnNumber | None] = field(default_factory=dict)

    def takes(self, room: Room) -> None:
        """A call is about to count there: whoever is looked for besides it finds one place less."""
        for name in room.counters:
            counter, is_dialled_from = self.counters[name], room.counted_on is not None and kind_of(name) is Kind.NUMBER
            self.counters[name] = replace(counter, in_use=counter.in_use + 1, today=counter.today + is_dialled_from)


class Capacity(Record):
    counters: Counters
    pools: Pools
    clock: Clock

    def what_is_full(self, account_id: str, entry: QueueEntry, gate: Gate, known: Known) -> str | None:
        """What an entry's call waits for, by the name of a counter or of a pool; None if it may go. Costs nothing where
        the account has no caps and its pipe no pool."""
        if gate.caps_version:
            self._read(account_id, entry.counters, known)
            for name in entry.counters:
                if not known.counters[name].has_room:
                    return name
        pool = None if entry.pool_of is None else self._pool(account_id, entry.pool_of, known)
        if pool is None or self._choice(account_id, pool, "", known) is not None:
            return None
        return _pool_name(entry.pool_of) if self._has_numbers(account_id, pool, known) else None

    def own_choice(self, account_id: str, entry: QueueEntry, known: Known) -> CallerId | None:
        """The number of its pool that an entry's call would go out on, where that depends on whom it calls. None where
        all calls of the pool would take the same one now, or the entry does not tell whom."""
        pool = None if entry.pool_of is None else self._pool(account_id, entry.pool_of, known)
        if pool is None or entry.callee is None or pool.caller_id_policy != CallerIdPolicy.STICKY:
            return None
        return self._choice(account_id, pool, entry.callee, known)

    def has_lost_its_number(self, call: Call, gate: Gate, known: Known) -> bool:
        """Whether the number that the call was accepted with, and is to go out on, is its account's no more: one of a
        pool goes out on it where none of the pool's numbers is left. Costs nothing where the account gave up none
        since, and where a number of the pool may be called from."""
        if call.from_number is None:
            return False
        pool = self._pool(call.account_id, call.pipe_id or "", known) if call.from_pool else None
        if pool is not None and pool.caller_ids:
            if self._choice(call.account_id, pool, call.to_number or "", known) is not None:
                return False
            if self._has_numbers(call.account_id, pool, known):
                return False
        elif gate.numbers_left_at is None or call.created_at > gate.numbers_left_at:
            return False
        return self._number(call.account_id, call.from_number, known) is None

    def room_for(self, call: Call, gate: Gate, known: Known) -> Room | NoRoom:
        """What the call must take to be claimed now."""
        caller_id, always = None, set[str]()
        pool = self._pool(call.account_id, call.pipe_id or "", known) if call.from_pool else None
        if pool is not None:
            caller_id = self._choice(call.account_id, pool, call.to_number or "", known)
            if caller_id is None and self._has_numbers(call.account_id, pool, known):
                return NoRoom(_pool_name(call.pipe_id))
            if caller_id is not None and pool.caller_id_policy == CallerIdPolicy.LEAST_USED:
                always = {counter_name(Kind.NUMBER, caller_id.number)}
        names = names_of(call, None if caller_id is None else caller_id.number)
        if gate.caps_version:
            self._read(call.account_id, names, known)
        taken = tuple(name for name in names if name in always or known.counters.get(name, _FREE).is_capped)
        full = next((name for name in taken if not known.counters[name].has_room), None)
        if full is not None:
            return NoRoom(full)
        is_counted = any(kind_of(name) is Kind.NUMBER for name in taken)
        return Room(taken, day_of(self.clock()) if is_counted else None, caller_id)

    def _choice(self, account_id: str, pool: Pool, callee: str, known: Known) -> CallerId | None:
        if pool.caller_id_policy == CallerIdPolicy.LEAST_USED:
            self._read(account_id, (counter_name(Kind.NUMBER, number) for number in pool.caller_ids), known)

        def look(number: str) -> Counter:
            name = counter_name(Kind.NUMBER, number)
            self._read(account_id, [name], known)
            return known.counters[name]

        for number in choices(pool.caller_ids, pool.caller_id_policy, callee, look, self.clock()):
            own = self._number(account_id, number, known)
            if own is not None:
                return CallerId(number, own.trunk_id or pool.trunk_id)
        return None

    def _has_numbers(self, account_id: str, pool: Pool, known: Known) -> bool:
        """Whether any number of the pool is still its account's. Those that were given up stay in the pipe's list."""
        return any(self._number(account_id, number, known) is not None for number in pool.caller_ids)

    def _pool(self, account_id: str, pipe_id: str, known: Known) -> Pool | None:
        if pipe_id not in known.pools:
            known.pools[pipe_id] = self.pools.pipe(account_id, pipe_id)
        return known.pools[pipe_id]

    def _number(self, account_id: str, number: str, known: Known) -> OwnNumber | None:
        if number not in known.numbers:
            known.numbers[number] = self.pools.number(account_id, number)
        return known.numbers[number]

    def _read(self, account_id: str, names: Iterable[str], known: Known) -> None:
        unknown = [name for name in names if name not in known.counters]
        if len(unknown) == 1:
            known.counters[unknown[0]] = self.counters.look(account_id, unknown[0])
        elif unknown:
            known.counters |= self.counters.look_at(account_id, unknown)


_FREE = Counter()


def _pool_name(pipe_id: str | None) -> str:
    return f"{POOL}#{pipe_id}"
