"""How many calls something has that somebody set a cap on, and whether it has room for one more.

A capped thing has a counter, named by its kind and id. A call counts there for as long as its attempt lasts: it takes
its place in the transaction that claims it, and remembers it, so that whatever is changed about the cap meanwhile it
gives back what it took.
"""

from ringline.calls.model.call import Call, Direction
from ringline.later import StoredWord
from ringline.record import Record

_MS_A_DAY = 24 * 3600 * 1000


class Kind(StoredWord):
    """What a cap can be set on, as counters are named."""

    AGENT = "AGENT"
    PIPE = "PIPE"
    NUMBER = "NUMBER"


class Counter(Record):
    """`in_use` is how many calls count here, `max_calls` how many may; None for as many as want to. `calls_per_day` is
    how often a number may be dialled from on one day (UTC), and `today` how often it was. A number of a pool is not
    chosen before `rests_until` (ms), for the reason `rests_for`."""

    in_use: int = 0
    max_calls: int | None = None
    calls_per_day: int | None = None
    today: int = 0
    rests_until: int = 0
    rests_for: str | None = None

    @property
    def is_capped(self) -> bool:
        return self.max_calls is not None or self.calls_per_day is not None

    @property
    def has_room(self) -> bool:
        """Whether one more call may count here."""
        return (self.max_calls is None or self.in_use < self.max_calls) and not self.day_is_spent

    @property
    def day_is_spent(self) -> bool:
        return self.calls_per_day is not None and self.today >= self.calls_per_day

    def rests(self, now: int) -> bool:
        return now < self.rests_until


NO_COUNTER = Counter()
"""Of what nobody ever set a cap on."""


def counter_name(kind: Kind, of: str) -> str:
    return f"{kind}#{of}"


def kind_of(name: str) -> Kind:
    return Kind.kept(name.partition("#")[0])


def names_of(call: Call, from_number: str | None = None) -> tuple[str, ...]:
    """The counters that the call counts in, as far as what they are of is capped; going out on `from_number` if that is
    another than the call's own. A caller whom the overflow of their number has taken is none of the number's: it is
    there for more callers than that may have."""
    number: str | None = from_number or call.from_number
    if call.direction is Direction.INBOUND:
        number = None if is_overflow(call) else call.to_number
    named = ((Kind.AGENT, call.agent_id), (Kind.PIPE, call.pipe_id), (Kind.NUMBER, number))
    return tuple(counter_name(kind, of) for kind, of in named if of)


OVERFLOW = "overflow"
"""What is noted of a caller whom the overflow of their number has taken."""


def is_overflow(call: Call) -> bool:
    return any(note.what.endswith(f"_{OVERFLOW}") for note in call.notes)


def day_of(moment: int) -> int:
    """The day (UTC) of a moment in milliseconds, counted since 1970."""
    return moment // _MS_A_DAY
