"""What the store of calls answers."""

from enum import StrEnum

from ringline.calls.capacity.days import NO_DAY, Daily
from ringline.calls.model.call import Call
from ringline.record import Record
from ringline.runtime.items import Contended


class Committed(StrEnum):
    """What came of a commit. Only DONE changed anything."""

    DONE = "done"
    STALE = "stale"
    """Somebody else changed the call since it was read: read again and decide again."""
    GATE_FULL = "gate_full"
    PLACE_TAKEN = "place_taken"
    """The runner has no place left, or is gone."""
    CAP_REACHED = "cap_reached"
    """The call's agent, pipe or number has as many calls as its cap allows."""


class Change(Record):
    """A call's change, as `commit` takes it."""

    before: Call
    after: Call
    caps_version: int | None = None
    is_new_number: bool = False


class TableContended(Contended):
    """Others kept changing the same calls, or their account's gate."""


class Once(Record):
    """An idempotency key and the body it came with, both as hashes."""

    key_hash: str
    body_hash: str


class CreatedBefore(Record):
    """The call an idempotency key was used for, and the body it came with then. `under_way` where that call had been
    there before."""

    call_id: str
    body_hash: str
    under_way: bool = False


class InTheWay(Record):
    """The call that a number is taken by, among calls that are unique to theirs."""

    call_id: str


USUAL_MAX_WAITING = 10_000


class Gate(Record):
    """An account's lines. `line_ms` is how long all its calls together held one, and `line_ends` how many calls those
    were. `caps_version` counts how often something of the account was given a cap of its own, or lost one: 0 where
    nothing ever had one.

    With an `inbound_reserve` callers hold lines, too, and outbound calls are let in while fewer than `outbound_cap` are
    in use: the cap without the reserve, and with the lines that callers hold. None where callers hold none.

    `allowed_prefixes` is what the numbers it may call begin with; None where that goes by its own numbers.
    `requests_per_minute` is what each of its keys may ask for; and `max_waiting` how
    many of its calls may wait; None where that is as usual. `daily` is what it uses up by the day. Calls that were made
    before `numbers_left_at` may have been given a number that the account has given up since; None where it never gave
    one up."""

    in_use: int
    cap: int
    line_ms: int = 0
    line_ends: int = 0
    caps_version: int = 0
    inbound_reserve: int | None = None
    outbound_cap: int | None = None
    allowed_prefixes: tuple[str, ...] | None = None
    requests_per_minute: int | None = None
    max_waiting: int | None = None
    numbers_left_at: int | None = None
    daily: Daily = NO_DAY

    @property
    def has_free_line(self) -> bool:
        """Whether an outbound call may take a line."""
        return self.has_line_for_caller and (self.outbound_cap is None or self.in_use < self.outbound_cap)

    @property
    def free_lines(self) -> int:
        """How many outbound calls may take a line."""
        return max(0, min(self.cap, self.cap if self.outbound_cap is None else self.outbound_cap) - self.in_use)

    @property
    def has_line_for_caller(self) -> bool:
        return self.in_use < self.cap

    @property
    def most_waiting(self) -> int:
        """How many of its calls may wait, be it for later."""
        return USUAL_MAX_WAITING if self.max_waiting is None else self.max_waiting

    @property
    def mean_line_ms(self) -> float | None:
        """How long a call of this account holds its line, on average; None where none has ended yet."""
        return self.line_ms / self.line_ends if self.line_ends else None


class QueueEntry(Record):
    """A call that waits for a line. `agent_id` is the agent that must be there before it rings; None where none
    must. `runner_of` is the agent one of whose runners must have a place for it; None where its brain is none. One that
    has a `brain` is spoken for by a speech worker. `counters` are those that the call will count in where they are
    capped, but for that of the number it goes out on where that is chosen from the pool of the pipe `pool_of`; such a
    call is to the `callee`, which an entry of the release before does not tell.
    `is_new_number` where the account had not called its number when it was made, and has a cap on such numbers;
    `new_number` is that number, which an entry of the release before does not tell."""

    eligible_at: int
    call_id: str
    trunk_id: str | None = None
    agent_id: str | None = None
    runner_of: str | None = None
    brain: str | None = None
    counters: tuple[str, ...] = ()
    pool_of: str | None = None
    callee: str | None = None
    is_new_number: bool = False
    new_number: str | None = None
    expires_at: int | None = None

    def has_expired(self, now: int) -> bool:
        """Whether the call is not to be dialled any more. An entry of the release before does not say so."""
        return self.expires_at is not None and self.expires_at <= now
