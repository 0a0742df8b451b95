"""The invariants. Every change of the table and of every phone is checked as it happens; what only the end can show, at
the end."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ringline.calls.model.call import Call
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import TelephonyDown
from ringline.calls.tables.store import TableContended
from ringline.calls.views.relay import Change as RelayedChange
from ringline.runtime.items import Item
from ringline.runtime.table import GATE_SK, WAITING_PK, gate_pk, queue_pk, queue_sk
from simulation.actors.phones import Leg, Phones
from simulation.aws.reading import call_from_item
from simulation.kernel.processes import Process
from simulation.kernel.world import World
from simulation.plan.planned import Plan
from simulation.watch import outcome
from simulation.watch.paces import Paces, trunk_of
from simulation.watch.retries import Retries

if TYPE_CHECKING:
    from simulation.aws.table import Change, Table

_HOLDS = {"dialing", "ringing", "active"}
_TERMINAL = {"ended", "not_connected", "canceled"}
_SLOW_MS = 100
_ALONE_MS = 10_000
"""How long a caller may be without an agent where nothing goes wrong and the table is not slow: a successor's time, and
the look behind it."""


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant does not hold. `name` says which."""

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


class Watch:
    def __init__(self, world: World, plan: Plan) -> None:
        self._world = world
        world.watch = self
        self.plan = plan
        self._faultless = not plan.scale
        self._calm = self._faultless and plan.operation_ms < _SLOW_MS
        self.paces = Paces(world, self, plan.trunks)
        self.retries = Retries(world, self, calm=self._calm)
        self.table: Table
        self.phones: Phones
        self.calls: dict[tuple[str, str], Item] = {}
        self.holding: dict[str, int] = {}
        self.places: dict[tuple[str, str], str] = {}
        self._placed_at: dict[tuple[str, str], int] = {}
        self.invites: Counter[tuple[str, int]] = Counter()
        self._asked: Counter[int] = Counter()
        self.ended: Counter[tuple[str, str]] = Counter()
        self.unfinished: set[tuple[str, str]] = set()
        self.announced: dict[tuple[str, str], set[str]] = {}
        self.legs_up: dict[str, set[Leg]] = {}
        self.most_over_cap = 0
        self.slot_back_after_ms: list[int] = []
        self.alone_ms: list[int] = []
        self.broken: Violation | None = None
        self.broken_at: int | None = None
        """When, if it was before the end of the world."""
        self._ending = False

    def fail(self, name: str, what: str) -> None:
        """Notes the first violation. Raising would end up in the handlers under test, which survive anything."""
        if self.broken is None:
            self._world.trace(f"VIOLATION {name}: {what}")
            self.broken = Violation(name, what)
            self.broken_at = None if self._ending else self._world.now

    # --- the table ---------------------------------------------------------------------------------------------------

    def touched(self, pk: str, sk: str) -> None:
        """Somebody reads or writes there: only what belongs to the account it acts for, or to all of them."""
        process = self._world.current
        account_id = None if process is None else process.account_id
        if (
            account_id is None
            or pk.startswith((f"A#{account_id}#", "TRUNK#"))
            or (pk == WAITING_PK and sk == account_id)
        ):
            return
        self.fail("foreign_account", f"{process and process.name} acts for {account_id} and touches {pk}")

    def committed(self, process: Process | None, changes: "list[Change]") -> None:
        accounts = set()
        for (pk, sk), before, after in changes:
            self.touched(pk, sk)
            accounts.add(self._changed(process, pk, sk, before, after))
        for account_id in sorted(accounts - {""}):
            gate = self.table.item(gate_pk(account_id), GATE_SK) or {"in_use": {"N": "0"}}
            if int(gate["in_use"]["N"]) != self.holding.get(account_id, 0):
                held = self.holding.get(account_id, 0)
                self.fail("gate_inexact", f"{account_id}: in_use {gate['in_use']['N']}, calls on a line {held}")
        for (pk, sk), _, after in changes:
            if after is not None and pk.endswith("#CALLS"):
                self._stands_well(pk.split("#")[1], sk, after)

    def _changed(self, process: Process | None, pk: str, sk: str, before: Item | None, after: Item | None) -> str:
        """Returns whose item it is, or nothing."""
        _, _, rest = pk.partition("#")
        account_id, _, kind = rest.partition("#")
        if pk.startswith("TRUNK#"):
            if after is not None:
                self.paces.changed(process, rest, before, after)
            return ""
        if kind == "CALLS" and after is not None:
            self._call_changed(process, (account_id, sk), before, after)
        elif kind == "QUEUE":
            self._place_changed(account_id, sk, after)
        elif kind == "GATE" and sk == GATE_SK:
            self._gate_changed(account_id, before, after)
        elif pk == WAITING_PK:
            self._mark_changed(sk, after)
        return account_id

    def _mark_changed(self, account_id: str, after: Item | None) -> None:
        if after is not None:
            return
        for key in self.places:
            if key[0] == account_id and "due_at" not in self.calls[key]:
                self.fail("waiting_unseen", f"{key[1]} waits and {account_id} lost its waiting mark")

    def _place_changed(self, account_id: str, sk: str, after: Item | None) -> None:
        key = account_id, sk.partition("#")[2]
        if after is None:
            self.places.pop(key, None)
            return
        if key in self.places:
            self.fail("queued_twice", f"{key[1]} has two places in the queue")
        self.places[key] = sk
        self._placed_at[key] = self.table.writes

    def _gate_changed(self, account_id: str, before: Item | None, after: Item | None) -> None:
        if before is None or after is None:
            return
        in_use, was, cap = int(after["in_use"]["N"]), int(before["in_use"]["N"]), int(after["cap"]["N"])
        if in_use < 0 or (in_use > was and in_use > cap):
            self.fail("over_cap", f"{account_id}: {in_use} lines in use, cap {cap}")

    def _call_changed(self, process: Process | None, key: tuple[str, str], before: Item | None, after: Item) -> None:
        self.calls[key] = after
        was, now = before["state"]["S"] if before else None, after["state"]["S"]
        self._world.trace(f"{key[1]} {was} -> {now} {after.get('end_reason', {}).get('S', '')}".rstrip())
        step = (now in _HOLDS) - (was in _HOLDS)
        self.holding[key[0]] = self.holding.get(key[0], 0) + step
        if now in _TERMINAL:
            self.unfinished.discard(key)
        else:
            self.unfinished.add(key)
        if before is None:
            self._is_new(key)
        if before is not None and was in _TERMINAL:
            self._must_not_change(key, before, after)
        elif now in _TERMINAL:
            self.ended[key] += 1
            self._end_is_true(key, after)
            self.retries.ended(None if before is None else call_from_item(before), self.call(key))
        if before is not None and int(after["version"]["N"]) != int(before["version"]["N"]) + 1:
            self.fail("version_jumps", f"{key[1]}: {before['version']['N']} -> {after['version']['N']}")
        if before is not None and was == "queued" and now == "dialing":
            self._in_turn(process, key, before)
            self.paces.claimed(process, trunk_of(before), key[1])
            self.retries.claimed(call_from_item(before))
        if before is not None and was in _HOLDS and now == "queued":
            self.retries.queued_again(call_from_item(before), self.call(key))
        if step < 0 and before is not None:
            self._let_go(key, before, now)

    def _is_new(self, key: tuple[str, str]) -> None:
        """A request with an idempotency key makes one call, however often it is sent."""
        plan = self.phones.plan_of(self.call(key))
        self._asked[plan.number] += 1
        if self._asked[plan.number] > 1:
            self.fail("accepted_twice", f"{key[1]} is the second call of one request")

    def _must_not_change(self, key: tuple[str, str], before: Item, after: Item) -> None:
        for name in ("state", "end_reason", "ended_at"):
            if before.get(name) != after.get(name):
                self.fail("end_changed", f"{key[1]}: {name} {before.get(name)} -> {after.get(name)}")

    def _end_is_true(self, key: tuple[str, str], after: Item) -> None:
        reason = after.get("end_reason", {}).get("S")
        if reason is None:
            self.fail("end_without_reason", key[1])
        former = {attempt.dial for attempt in self.call(key).attempts}
        rung = {dial for call_id, dial in self.invites if call_id == key[1]} if reason == "EXPIRED_IN_QUEUE" else set()
        if rung - former:
            self.fail("expired_after_ringing", f"{key[1]} rang and is said to have expired in the queue")

    def _in_turn(self, process: Process | None, key: tuple[str, str], before: Item) -> None:
        """Nobody of the account whose place was to be seen when the claimer looked stood before the claimed one, but
        for calls whose trunk had no turn."""
        looked_at = -1 if process is None else process.read_at.get(queue_pk(key[0]), -1)
        eligible_at = int((before.get("eligible_at") or before["created_at"])["N"])
        own = queue_sk(eligible_at, key[1])
        for other, sk in self.places.items():
            if other[0] != key[0] or sk >= own or self._placed_at[other] > looked_at:
                continue
            if not self.paces.may_be_passed(process, trunk_of(self.calls[other]), trunk_of(before)):
                self.fail("out_of_turn", f"{key[1]} was claimed before {other[1]}, which had stood before it")

    def _let_go(self, key: tuple[str, str], before: Item, now: str) -> None:
        """A line is given back. Whoever LiveKit still shows under the very sid we know must not be on it."""
        leg = self.phones.legs.get((key[1], int(before["attempt"]["N"])))
        if leg is None:
            return
        self._was_alone(call_from_item(before), self.call(key))
        if leg.over_at is not None:
            self.slot_back_after_ms.append(self._world.now - leg.over_at)
        elif leg.is_up:
            self._world.counts["lines_given_back_early"] += 1
            known = before.get("leg_sid", {}).get("S")
            if leg.attached and known == leg.sid:
                self.fail("live_leg_let_go", f"{key[1]} is {now} while its leg {leg.sid} is {leg.phone}")

    def _was_alone(self, before: Call, after: Call) -> None:
        """The agent left, nobody took over, and the call was ended for it."""
        reason = after.attempts[-1].end_reason if len(after.attempts) > len(before.attempts) else after.end_reason
        since = self.phones.alone_since.get(before.room_name or "")
        if reason is not EndReason.AGENT_FAILED or since is None:
            return
        alone_ms = self._world.now - since
        self.alone_ms.append(alone_ms)
        was_told = before.agent_left_at is not None and before.agent_left_at - since < _ALONE_MS // 5
        if self._calm and was_told and alone_ms > _ALONE_MS:
            self.fail("left_alone", f"{after.call_id} was without an agent for {alone_ms} ms")

    def _stands_well(self, account_id: str, call_id: str, after: Item) -> None:
        """Queued: one place in the queue, and a waiting mark or a deadline. In flight: a deadline. Over: neither."""
        state, place = after["state"]["S"], self.places.get((account_id, call_id))
        if state == "queued":
            eligible_at = int((after.get("eligible_at") or after["created_at"])["N"])
            if place != queue_sk(eligible_at, call_id):
                self.fail("not_in_queue", f"{call_id} is queued and its place is {place}")
            if "due_at" not in after and self.table.item(WAITING_PK, account_id) is None:
                self.fail("waiting_unseen", f"{call_id} waits without a deadline and {account_id} has no waiting mark")
        else:
            if place is not None:
                self.fail("left_in_queue", f"{call_id} is {state} and stands in the queue")
            if state in _HOLDS and "due_at" not in after:
                self.fail("no_deadline", f"{call_id} is {state} without a deadline")

    # --- phones ------------------------------------------------------------------------------------------------------

    def invited(self, leg: Leg) -> None:
        call = leg.call
        key = call.call_id, call.attempt
        self.invites[key] += 1
        if self.invites[key] > 1:
            self.fail("rang_twice", f"{call.call_id} attempt {call.attempt} was dialled {self.invites[key]} times")
        self.retries.invited(leg, [n for n in range(1, call.attempt) if (call.call_id, n) in self.invites])
        row = self.calls[call.account_id, call.call_id]
        if row["state"]["S"] not in _HOLDS:
            self._world.counts["rang_for_nobody"] += 1
        up = self.legs_up.setdefault(call.account_id, set())
        up.add(leg)
        self._count_legs(call.account_id)

    def leg_over(self, leg: Leg) -> None:
        self.legs_up.get(leg.call.account_id, set()).discard(leg)

    def _count_legs(self, account_id: str) -> None:
        """Phones that ring or talk beyond the cap must all be legs whose call has given its line back already."""
        up = self.legs_up[account_id]
        gate = self.table.item(gate_pk(account_id), GATE_SK)
        if gate is None or len(up) <= int(gate["in_use"]["N"]):
            return
        on_a_line = [leg for leg in up if self._holds(leg)]
        self.most_over_cap = max(self.most_over_cap, len(up) - int(gate["in_use"]["N"]))
        if len(on_a_line) > int(gate["in_use"]["N"]):
            self.fail("phones_over_gate", f"{account_id}: {len(on_a_line)} phones, {gate['in_use']['N']} lines in use")

    def _holds(self, leg: Leg) -> bool:
        row = self.calls[leg.call.account_id, leg.call.call_id]
        return row["state"]["S"] in _HOLDS and int(row["attempt"]["N"]) == leg.call.attempt

    # --- handlers ----------------------------------------------------------------------------------------------------

    def raised(self, process: Process, error: BaseException) -> None:
        """Errors that the world brings about are survived by trying again; any other is the product's own."""
        self._world.trace(f"{process.name} fails: {error!r}")
        if not isinstance(error, ClientError | TableContended | TelephonyDown | ConnectionError):
            self.fail("unexpected_error", f"{process.name}: {error!r}")

    def announce(self, account_id: str, call_id: str, event_type: str, delivery_id: str) -> None:
        if event_type == "call_end":
            if self.call((account_id, call_id)).end_reason is None:
                self.fail("announced_early", f"the end of {call_id}, which goes on")
            self.announced.setdefault((account_id, call_id), set()).add(delivery_id)

    def gave_up(self, changes: Sequence[RelayedChange]) -> None:
        self.fail("relay_gave_up", f"{len(changes)} changes were never relayed")

    # --- the end -----------------------------------------------------------------------------------------------------

    def at_the_end(self) -> None:
        """Nothing goes wrong any more and every deadline has passed: all must be well."""
        self._ending = True
        outcome.all_is_over(self)
        if self._faultless:
            outcome.ends_are_true(self)

    def call(self, key: tuple[str, str]) -> Call:
        return call_from_item(self.calls[key])

    def in_flight(self) -> list[Call]:
        held = (key for key, row in self.calls.items() if row["state"]["S"] in _HOLDS)
        return [self.call(key) for key in held]
