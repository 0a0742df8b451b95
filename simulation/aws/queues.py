"""The doorbell's queue and the queue of looks (SQS), and how they wake the functions that take from them.

Both deliver at least once. A hint may be late, doubled or, as its contract allows, lost; a message that a dead
handler left is delivered again.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from ringline.calls.model.ports import Share
from ringline.runtime.sqs import LONGEST_DELAY_S
from simulation.kernel.chance import Odds
from simulation.kernel.processes import Process, Work
from simulation.kernel.world import World

# As in the template, to which a test ties them.
VISIBILITY_S = 1080
LOOK_VISIBILITY_S = 300
TRANSFER_VISIBILITY_S = 780
MAX_RECEIVES = 5

_RING_ODDS: Odds = (("bell_lost", 0.02), ("bell_late", 0.03), ("bell_twice", 0.03), ("bell_refused", 0.005))
_LOOK_ODDS: Odds = (("look_lost", 0.03), ("look_late", 0.03), ("look_twice", 0.03), ("look_refused", 0.01))
_TRANSFER_ODDS: Odds = (
    ("transfer_lost", 0.02), ("transfer_late", 0.04), ("transfer_twice", 0.06), ("transfer_refused", 0.02),
)  # fmt: skip


@dataclass(slots=True)
class Message:
    account_id: str
    receives: int = 0
    deleted: bool = False


class _Queue:
    def __init__(self, world: World) -> None:
        self._world = world

    def _send(
        self, what: str, odds: Odds, site: str, then: Callable[..., None], *message: Any, after_s: int = 0,
        soon: tuple[str, int, int], late: tuple[str, int, int] | None = None,
    ) -> None:  # fmt: skip
        """A message, which is there `after_s` and what is drawn for `soon` later, unless it is lost. Raises
        ConnectionError where it is refused."""
        world = self._world
        process = world.acting()
        process.before_effect(what)
        strikes = (world.faults.one_of(site, odds) or "").rpartition("_")[2]
        if strikes == "refused":
            process.disturbed = True
            raise ConnectionError("simulated")
        for _ in range({"lost": 0, "twice": 2}.get(strikes, 1)):
            delay = min(after_s, LONGEST_DELAY_S) * 1000 + world.chance.between(*soon)
            if strikes == "late" and late is not None:
                delay += world.chance.between(*late)
            world.after(delay, then, *message)
        process.after_effect(what)

    def _take(self, taker: "_Taker", site: str, work: Work, account_id: str | None = None, receives: int = 1) -> None:
        """Whoever takes from the queue gets the message, and again where they die of it."""

        def ended(_process: Process, well: bool) -> None:
            if not well and receives < MAX_RECEIVES:
                self._world.counts[taker.redelivered] += 1
                hidden_ms = taker.visibility_s * 1000
                self._world.after(hidden_ms, self._take, taker, site, work, account_id, receives + 1)

        self._world.counts[taker.taken] += 1
        self._world.spawn(taker.kind, site, work, ended, account_id=account_id)


@dataclass(frozen=True, slots=True)
class _Taker:
    kind: str
    taken: str
    redelivered: str
    visibility_s: int


_LOOKS = _Taker("look", "looks", "looks_redelivered", LOOK_VISIBILITY_S)
_SHARES = _Taker("look", "shares", "looks_redelivered", LOOK_VISIBILITY_S)
_TRANSFERS = _Taker("transfer", "transfers_taken", "transfers_redelivered", TRANSFER_VISIBILITY_S)


type Dial = Callable[[list[str]], Coroutine[Any, Any, bool]]


class DoorbellQueue(_Queue):
    """The doorbell as the use cases ring it, and the event source that wakes dialers."""

    def __init__(self, world: World, dial: Dial) -> None:
        super().__init__(world)
        self._dial = dial
        self._visible: list[Message] = []
        self._polls = 0

    def ring(self, account_id: str, after_s: int = 0) -> None:
        soon, late = ("bell", 3, 40), ("bell late", 1_000, 90_000)
        site, then = f"ring/{account_id}", self._appears
        self._send("a ring", _RING_ODDS, site, lambda: then(Message(account_id)), after_s=after_s, soon=soon, late=late)

    def _appears(self, message: Message) -> None:
        if message.deleted:
            return
        self._visible.append(message)
        if len(self._visible) == 1:
            self._world.after(self._world.chance.between("poll", 0, 20), self._poll)

    def _poll(self) -> None:
        batch, self._visible = self._visible[:10], self._visible[10:]
        if self._visible:
            self._world.after(1, self._poll)
        for message in batch:
            message.receives += 1
        accounts = sorted({message.account_id for message in batch})
        self._polls += 1

        def ended(process: Process, well: bool) -> None:
            for message in batch:
                if well:
                    message.deleted = True
                elif message.receives < MAX_RECEIVES:
                    self._world.counts["redelivered"] += 1
                    self._world.after(VISIBILITY_S * 1000, self._appears, message)

        work = self._dial
        self._world.spawn("dial", accounts[0], lambda: work(accounts), ended)


type Look = Callable[[tuple[str, str]], Coroutine[Any, Any, bool]]
type WorkOn = Callable[[Share], Coroutine[Any, Any, bool]]


class LookQueue(_Queue):
    """Calls to look at out of turn, and shares of the sweep's work: messages that become visible after their delay."""

    def __init__(self, world: World, look: Look, work_on: WorkOn) -> None:
        super().__init__(world)
        self._look = look
        self._work_on = work_on

    def look_again(self, account_id: str, call_id: str, after_s: int) -> None:
        work, site = partial(self._look, (account_id, call_id)), f"look/{call_id}"
        soon, late = (site, 3, 200), (f"look late/{call_id}", 1_000, 90_000)
        message = _LOOKS, call_id, work, account_id
        self._send("a look", _LOOK_ODDS, site, self._take, *message, after_s=after_s, soon=soon, late=late)

    def hand_out(self, share: Share) -> None:
        # Others do what this run would have done, and may be later than its end.
        self._world.acting().disturbed = True
        work, site = partial(self._work_on, share), f"share/{share.list_key}"
        self._send("a share", _LOOK_ODDS, site, self._take, _SHARES, share.list_key, work, soon=(site, 3, 200))


type CarryOut = Callable[[str, str, str], Coroutine[Any, Any, bool]]


class TransferQueue(_Queue):
    """Transfers to carry out (account, call, transfer), one a message."""

    def __init__(self, world: World, carry_out: CarryOut) -> None:
        super().__init__(world)
        self._carry_out = carry_out

    def carry_out(self, account_id: str, call_id: str, transfer_id: str) -> None:
        work, site = partial(self._carry_out, account_id, call_id, transfer_id), f"transfer/{call_id}"
        soon, late = (site, 3, 60), (f"transfer late/{call_id}", 1_000, 60_000)
        message = _TRANSFERS, call_id, work, account_id
        self._send("a transfer", _TRANSFER_ODDS, site, self._take, *message, soon=soon, late=late)
