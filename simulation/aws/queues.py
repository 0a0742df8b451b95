"""The doorbell's queue and the queue of looks (SQS), and how they wake the functions that take from them.

Both deliver at least once. A hint may be late, doubled or, as its contract allows, lost; a message that a dead
handler left is delivered again.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from ringline.calls.model.ports import Share
from ringline.runtime.sqs import LONGEST_DELAY_S
from simulation.kernel.chance import Odds
from simulation.kernel.processes import Process
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


type Dial = Callable[[list[str]], Coroutine[Any, Any, bool]]


class DoorbellQueue:
    """The doorbell as the use cases ring it, and the event source that wakes dialers."""

    def __init__(self, world: World, dial: Dial) -> None:
        self._world = world
        self._dial = dial
        self._visible: list[Message] = []
        self._polls = 0

    def ring(self, account_id: str, after_s: int = 0) -> None:
        world = self._world
        process = world.acting()
        process.before_effect("a ring")
        fault = world.faults.one_of(f"ring/{account_id}", _RING_ODDS)
        if fault == "bell_refused":
            process.disturbed = True
            raise ConnectionError("simulated")
        if fault != "bell_lost":
            for _ in range(2 if fault == "bell_twice" else 1):
                delay = min(after_s, LONGEST_DELAY_S) * 1000 + world.chance.between("bell", 3, 40)
                if fault == "bell_late":
                    delay += world.chance.between("bell late", 1_000, 90_000)
                world.after(delay, self._appears, Message(account_id))
        process.after_effect("a ring")

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


class LookQueue:
    """Calls to look at out of turn, and shares of the sweep's work: messages that become visible after their delay."""

    def __init__(self, world: World, look: Look, work_on: WorkOn) -> None:
        self._world = world
        self._look = look
        self._work_on = work_on

    def look_again(self, account_id: str, call_id: str, after_s: int) -> None:
        world = self._world
        process = world.acting()
        process.before_effect("a look")
        fault = world.faults.one_of(f"look/{call_id}", _LOOK_ODDS)
        if fault == "look_refused":
            process.disturbed = True
            raise ConnectionError("simulated")
        if fault != "look_lost":
            for _ in range(2 if fault == "look_twice" else 1):
                delay = min(after_s, LONGEST_DELAY_S) * 1000 + world.chance.between(f"look/{call_id}", 3, 200)
                if fault == "look_late":
                    delay += world.chance.between(f"look late/{call_id}", 1_000, 90_000)
                world.after(delay, self._appears, (account_id, call_id), 1)
        process.after_effect("a look")

    def hand_out(self, share: Share) -> None:
        world = self._world
        process = world.acting()
        process.before_effect("a share")
        # Others do what this run would have done, and may be later than its end.
        process.disturbed = True
        fault = world.faults.one_of(f"share/{share.list_key}", _LOOK_ODDS)
        if fault == "look_refused":
            raise ConnectionError("simulated")
        if fault != "look_lost":
            for _ in range(2 if fault == "look_twice" else 1):
                world.after(world.chance.between(f"share/{share.list_key}", 3, 200), self._share_appears, share, 1)
        process.after_effect("a share")

    def _share_appears(self, share: Share, receives: int) -> None:
        def ended(_process: Process, well: bool) -> None:
            if not well and receives < MAX_RECEIVES:
                self._world.counts["looks_redelivered"] += 1
                self._world.after(LOOK_VISIBILITY_S * 1000, self._share_appears, share, receives + 1)

        work = self._work_on
        self._world.counts["shares"] += 1
        self._world.spawn("look", share.list_key, lambda: work(share), ended)

    def _appears(self, key: tuple[str, str], receives: int) -> None:
        def ended(_process: Process, well: bool) -> None:
            if not well and receives < MAX_RECEIVES:
                self._world.counts["looks_redelivered"] += 1
                self._world.after(LOOK_VISIBILITY_S * 1000, self._appears, key, receives + 1)

        work = self._look
        self._world.counts["looks"] += 1
        self._world.spawn("look", key[1], lambda: work(key), ended, account_id=key[0])


type CarryOut = Callable[[str, str, str], Coroutine[Any, Any, bool]]


class TransferQueue:
    """Transfers to carry out (account, call, transfer), one a message."""

    def __init__(self, world: World, carry_out: CarryOut) -> None:
        self._world = world
        self._carry_out = carry_out

    def carry_out(self, account_id: str, call_id: str, transfer_id: str) -> None:
        world, named = self._world, (account_id, call_id, transfer_id)
        process = world.acting()
        process.before_effect("a transfer")
        fault = world.faults.one_of(f"transfer/{call_id}", _TRANSFER_ODDS)
        if fault == "transfer_refused":
            process.disturbed = True
            raise ConnectionError("simulated")
        if fault != "transfer_lost":
            for _ in range(2 if fault == "transfer_twice" else 1):
                delay = world.chance.between(f"transfer/{call_id}", 3, 60)
                if fault == "transfer_late":
                    delay += world.chance.between(f"transfer late/{call_id}", 1_000, 60_000)
                world.after(delay, self._appears, named, 1)
        process.after_effect("a transfer")

    def _appears(self, named: tuple[str, str, str], receives: int) -> None:
        def ended(_process: Process, well: bool) -> None:
            if not well and receives < MAX_RECEIVES:
                self._world.counts["transfers_redelivered"] += 1
                self._world.after(TRANSFER_VISIBILITY_S * 1000, self._appears, named, receives + 1)

        work = self._carry_out
        self._world.spawn("transfer", named[1], lambda: work(*named), ended, account_id=named[0])
