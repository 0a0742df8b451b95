"""What is asked for in one world, and how everybody behaves in it."""

from dataclasses import dataclass

from ringline.calls.model.call import AnswerFrom
from ringline.calls.model.reasons import MEANINGS, EndReason

FAULTS_FOR_S = 1500
"""After this long nothing goes wrong any more, and everything must come right."""

EARLY_MS = 5_000
"""Runners that come within so long are there for all that a world asks of them."""

SLOW_MS = 100
"""A table whose operations may take this long is slow."""

CUSTOMERS_WORD = frozenset({EndReason.CALL_CANCELED, EndReason.API_HUNG_UP})
"""Ends that the customer asked for."""

MACHINES = frozenset({"voicemail", "forwarded"})
"""Callees who are machines that record what they hear."""

NOBODY = MACHINES | {"greeting"}
"""Callees who are nobody: machines, and greetings that record nothing."""


@dataclass(frozen=True, slots=True)
class PlannedTrunk:
    """A way out. `calls_per_second` is the pace it was given, the rest what its carrier takes without having said so:
    phones at once, and INVITEs in a second. 0 is no limit."""

    trunk_id: str
    calls_per_second: int = 0
    channels: int = 0
    invites_per_second: int = 0


@dataclass(frozen=True, slots=True)
class PlannedRetry:
    """At most so many attempts, each but the first after an end that `on` names and after a wait."""

    max_attempts: int
    on: tuple[str, ...]
    delays_s: tuple[int, ...]

    def names(self, reason: EndReason) -> bool:
        """Whether the customer wants another attempt after such an end. A hang-up says that it does not."""
        if reason in CUSTOMERS_WORD:
            return False
        return reason.value in self.on or MEANINGS[reason].category.value in self.on

    def delay_s(self, attempts: int) -> int:
        """The wait after so many attempts."""
        return self.delays_s[min(attempts, len(self.delays_s)) - 1]


@dataclass(frozen=True, slots=True)
class PlannedTarget:
    """To whom a call is to be handed over: a number, or an agent of the account. `habit` is what that one does, `after`
    how long it takes (ms), and `stays_for` how long who has come stays before it goes by itself (ms)."""

    name: str
    is_agent: bool
    habit: str
    after: int
    stays_for: int


@dataclass(frozen=True, slots=True)
class PlannedHandover:
    """A wish to hand a call over, so long after its answer (ms): to the first of the targets, and where that one does
    not come to the next. Asked for by the API, or else by the agent. The agent is let go after `handoff` ms, or goes
    when it likes (None)."""

    after: int
    by_agent: bool
    is_warm: bool
    targets: tuple[PlannedTarget, ...]
    ends_call: bool
    handoff: int | None
    asks_again: bool
    """Whether it is asked for twice, with one idempotency key."""


@dataclass(frozen=True, slots=True)
class PlannedDesk:
    """How a number that somebody rings is set up: who takes its callers where nobody is free (a `pipe`, an `agent`, or
    nobody), and what the server does that decides about them (None where none is asked), in how many ms, and what
    counts where that one does not answer."""

    overflow: str | None
    decides: str | None
    after: int
    default: str | None


@dataclass(frozen=True, slots=True)
class PlannedBrowser:
    """How somebody in a browser uses the token that was made for them: `habit` once, twice, again when their call is
    over, or never; `comes_after` so long (ms); and something happens to them `later` (ms)."""

    habit: str
    comes_after: int
    later: int


@dataclass(frozen=True, slots=True)
class PlannedReserve:
    """How many lines an account keeps for its callers from that moment on (ms from the beginning); None for none."""

    account_id: str
    at: int
    lines: int | None


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call: who asks for it when (ms from the beginning), who is called, who talks."""

    number: int
    account: int
    at: int
    callee: str
    agent: str
    ring_timeout_s: int
    max_call_duration_s: int
    answers_after: int
    talks_for: int
    agent_acts_after: int
    scheduled_after: int | None
    expires_after: int | None
    hang_ups_after: tuple[int, ...]
    foreign_hang_up: bool
    asks_again: bool = False
    """Whether the customer sends an idempotency key and repeats a request that was not answered - or one that was."""
    trunk_id: str | None = None
    retry: PlannedRetry | None = None
    later_callees: tuple[str, ...] = ()
    """Who is met in the second attempt, the third and so on."""
    hears: bool = False
    """Whether its agents hear what is said, and report."""
    deed: str = "talks"
    leaves_message: bool = False
    rings_in: bool = False
    """Whether it is somebody who calls us: then nobody asks for the call, and `to_number` is one of ours."""
    agent_first: bool = False
    """Whether its phone rings only when its agent is there."""
    lost_dispatches: int = 0
    """So many of its dispatches find no worker with room, and are never tried again."""
    runners_agent: str | None = None
    """The agent that it names, where a runner thinks for it; its own otherwise."""
    handovers: tuple[PlannedHandover, ...] = ()
    desk: PlannedDesk | None = None
    """How the number is set up that it rings."""
    browser: PlannedBrowser | None = None
    """Whether it is somebody's in a browser, who rings no number."""

    @property
    def agent_id(self) -> str:
        """Whom it names: an agent that never comes is another one than those that do."""
        if self.runners_agent is not None:
            return self.runners_agent
        return "AGENT_ABSENT" if self.agent == "absent" else f"AGENT_{self.number % 2}"

    @property
    def to_number(self) -> str:
        """Whom it calls: no two calls have the same number."""
        return f"+1555{self.number:07d}"

    @property
    def instructions(self) -> str | None:
        """Nobody else's. Those of every third call are long."""
        return None if self.rings_in or self.browser else f"{self.number} " * (200 if self.number % 3 == 0 else 1)

    @property
    def from_number(self) -> str:
        """Whence somebody rings in."""
        return f"+1556{self.number:07d}"

    def callee_in(self, attempt: int) -> str:
        """Who is met in an attempt, counted from 1 as the customer does."""
        return (self.callee, *self.later_callees)[min(attempt - 1, len(self.later_callees))]


@dataclass(frozen=True, slots=True)
class PlannedAccount:
    account_id: str
    cap: int
    cap_changes: tuple[tuple[int, int], ...]
    """Moments (ms from the beginning) with the cap from then on."""


@dataclass(frozen=True, slots=True)
class PlannedRunner:
    """One program of a customer's. `habit` is how it answers assignments, `fates` what becomes of it when (ms after it
    came): it drops its connection, dies, vanishes without a word, or drains, and is back so much later. One that drops
    or drains comes back as the same runner, and with `later_places`; one that died as another."""

    name: str
    account_id: str
    places: int
    later_places: int
    comes_at: int
    habit: str
    fates: tuple[tuple[int, str], ...]
    back_after: int

    @property
    def is_steady(self) -> bool:
        return self.habit == "good" and not self.fates and self.comes_at <= EARLY_MS


@dataclass(frozen=True, slots=True)
class PlannedCap:
    """What a customer sets a cap on, and when (ms from the beginning). `kind` and `of` as counters are named."""

    account_id: str
    at: int
    kind: str
    of: str
    max_calls: int | None
    calls_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedPool:
    """The numbers that the calls of an account's pipe go out on."""

    account_id: str
    policy: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    scale: float
    """How hard the faults strike: 0 is a calm world."""
    accounts: tuple[PlannedAccount, ...]
    calls: tuple[PlannedCall, ...]
    outages: tuple[tuple[str, int, int], ...] = ()
    """(kind, from ms, for ms)"""
    operation_ms: int = 5
    """How long an operation of the table takes at most while nothing is slow."""
    trunks: tuple[PlannedTrunk, ...] = ()
    answer_from: AnswerFrom = AnswerFrom.DIALER
    carrier_speaks: bool = False
    """Whether the carriers report in events of their own."""
    runners: tuple[PlannedRunner, ...] = ()
    caps: tuple[PlannedCap, ...] = ()
    pools: tuple[PlannedPool, ...] = ()
    reserves: tuple[PlannedReserve, ...] = ()
    livekit_per_minute: int = 0
    """How many requests a minute LiveKit is said to take; 0 for any number."""

    def is_thought_for(self, call: PlannedCall) -> bool:
        """Whether a call has its brain without fail: a runner that is there from the beginning and stays, or an agent
        that needs none."""
        if call.runners_agent is None:
            return True
        account_id = self.accounts[call.account].account_id
        runners = [runner for runner in self.runners if runner.account_id == account_id]
        return all(runner.is_steady for runner in runners)

    def may_find_no_channel(self, call: PlannedCall) -> bool:
        """Whether whoever is called into its conversation may be refused by a carrier that takes only so many. Such a
        transfer fails, where an attempt would be put off."""
        limited = {trunk.trunk_id for trunk in self.trunks if trunk.channels or trunk.invites_per_second}
        calls_in = any(
            handover.is_warm and not target.is_agent for handover in call.handovers for target in handover.targets
        )
        return calls_in and call.trunk_id in limited

    @property
    def is_faultless(self) -> bool:
        """Whether nothing goes wrong in it: then callees, agents and customers alone decide what becomes of a call."""
        return not self.scale

    @property
    def is_calm(self) -> bool:
        """Whether nothing goes wrong in it and the table is not slow either."""
        return self.is_faultless and self.operation_ms < SLOW_MS
