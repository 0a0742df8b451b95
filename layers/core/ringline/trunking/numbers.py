"""Numbers of an account: brought, attached, moved, detached and given up, with what LiveKit needs for each.

A number that has a trunk and is attached has its inbound trunk and its rule at LiveKit; one that is not has none. The
row is written first, and LiveKit follows: where LiveKit is away, the same request again goes on, and `sync` does too.
"""

from collections.abc import Callable, Iterable
from copy import replace
from dataclasses import dataclass
from typing import Any, Protocol

from aws_lambda_powertools import Logger

from ringline.routing.caps import holds_as_written
from ringline.routing.numbers import is_e164
from ringline.routing.records import Number
from ringline.routing.store import RoutingStore
from ringline.runtime.clock import Clock
from ringline.runtime.ids import is_plausible_id, new_id
from ringline.runtime.logging import masked
from ringline.runtime.vault.row_secrets import RowSecrets
from ringline.runtime.web.problems import FieldError, Problem, invalid_field, not_found
from ringline.runtime.web.revisions import check_revision
from ringline.trunking.callers import CallerRules
from ringline.trunking.model.lines import CarrierTrunk, Link
from ringline.trunking.refusals import refusals, unknown, written
from ringline.trunking.settling import Kept, NumberLeaves, Settling
from ringline.trunking.tables.numbers import (
    Holder,
    NumberChanged,
    NumberRows,
    holders_of,
)
from ringline.trunking.trunks import Trunks

_TRIES = 8
_LIMITS = frozenset({"max_calls", "calls_per_day"})


class SetLimits(Protocol):
    """Has the calls of a number counted against its limits. Repeating changes nothing."""

    def __call__(self, account_id: str, number: str, max_calls: int | None, calls_per_day: int | None) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    rows: NumberRows
    routing: RoutingStore
    trunks: Trunks
    callers: CallerRules
    secrets: RowSecrets
    set_limits: SetLimits
    number_leaves: NumberLeaves
    clock: Clock
    log: Logger

    @property
    def settling(self) -> Settling:
        return Settling(
            rows=self.rows, routing=self.routing, trunks=self.trunks, number_leaves=self.number_leaves, log=self.log
        )

    def all(self, account_id: str) -> list[Kept]:
        trunks = {each.trunk_id: each for each in self.trunks.store.trunks(account_id)}
        links = self.trunks.linking.links.all(account_id)
        return [
            Kept(each, trunks.get(each.account_trunk_id or ""), links.get(each.number, Link(thing=each.number)))
            for each in self.routing.numbers(account_id)
        ]

    def find(self, account_id: str, named: str) -> Number:
        """The number by its id, or by itself in E.164, with its plus sign or without. Raises Problem 404."""
        number = None
        if named.startswith("+") or named.isdecimal():
            told = f"+{named.removeprefix('+')}"
            number = self.routing.number(account_id, told) if is_e164(told) else None
        elif is_plausible_id(named):
            number = next((each for each in self.routing.numbers(account_id) if each.number_id == named), None)
        if number is None:
            raise not_found("number_not_found", "The account has no such number")
        return number

    def bring(self, account_id: str, number: str, said: dict[str, Any]) -> Kept:
        """A number that the account has at a carrier. To bring it again with the same is to go on where LiveKit was
        away. Raises Problem 409 `number_taken`, `number_exists`; 422 for what it names and is not there."""
        said = self._through_its_trunk(account_id, said)
        there = self.routing.number(account_id, number)
        if there is None:
            now = self.clock()
            new = Number(number=number, number_id=new_id("num"), created_at=now, modified_at=now)
            uses = self.rows.uses(account_id, number)
            made = self._sealed(account_id, self.callers.changed(account_id, new, said))
            try:
                with written():
                    uses_now = self.rows.write(account_id, None, made, uses=uses)
                self.log.info("number brought", extra={"number": masked(number)})
                kept = self.settling.settled(account_id, None, made, uses_now)
                # Also those that it has not: whoever had the number before may have left some.
                self._limit(account_id, _LIMITS, made)
                return replace(kept, new_secret=self._opened(account_id, made))
            except NumberChanged:
                there = self.routing.number(account_id, number)
        if there is None or any(getattr(there, name) != value for name, value in said.items()):
            raise Problem(409, "number_exists", "The account has this number already, set up otherwise. Change it")
        kept = self.settling.settled(account_id, there, there)
        self._limit(account_id, _LIMITS, there)
        return kept

    def change(self, account_id: str, named: str, said: dict[str, Any], revision: int | None) -> Kept:
        """What is not named stays. Raises Problem 404, 409, 412, 422, 503."""
        said = self._through_its_trunk(account_id, said)
        before, after = self._change(
            account_id, named, revision, lambda number: self.callers.changed(account_id, number, said)
        )
        kept = self.settling.settled(account_id, before, after)
        self._limit(account_id, said, after)
        return kept if before.decision_secret else replace(kept, new_secret=self._opened(account_id, after))

    def rotate_decision_secret(self, account_id: str, named: str, revision: int | None) -> Kept:
        """Another decision secret in the place of the one there was, which signs nothing from now on. Raises Problem
        404, 409 `no_decision_url`, 412, 503."""

        def rotated(number: Number) -> Number:
            if number.decision_url is None:
                raise Problem(409, "no_decision_url", "The number has no decision_url, and so no secret")
            return replace(number, decision_secret=self.callers.new_secret())

        _, after = self._change(account_id, named, revision, rotated)
        return replace(self.settling.kept(account_id, after), new_secret=self._opened(account_id, after))

    def attach(
        self, account_id: str, named: str, agent_id: str | None, pipe_id: str | None, trunk_id: str | None = None
    ) -> Kept:
        """Leads its callers to an agent, to a pipe, or both. Raises Problem 409 `number_already_assigned` where it
        leads to others."""

        trunk = {} if trunk_id is None else self._through_its_trunk(account_id, {"account_trunk_id": trunk_id})

        def attached(number: Number) -> Number:
            wanted = replace(number, agent_id=agent_id, pipe_id=pipe_id, **trunk)
            if holders_of(number) not in {(), holders_of(wanted)}:
                title = "The number is attached to another agent or pipe. Detach it first, or change its agent"
                raise Problem(409, "number_already_assigned", title)
            return wanted

        before, after = self._change(account_id, named, None, attached)
        return self.settling.settled(account_id, before, after)

    def check_one_trunk(self, account_id: str, inbound: str, outbound: str) -> None:
        """A number comes and goes by one trunk. Raises Problem 422 where these are two of the account's, and for one
        that it has not."""
        if self._named_trunk(account_id, inbound) != self._named_trunk(account_id, outbound):
            raise invalid_field("inbound_trunk_id", "is of another trunk than outbound_trunk_id")

    def move(self, account_id: str, named: str, agent_id: str, revision: int | None) -> Kept:
        """Leads the callers of an attached number to another agent, as `change` does: the pipe that it is attached to
        stays, and goes on lending voice and limits. Raises Problem 409 `not_attached`, 412."""

        def moved(number: Number) -> Number:
            if not holders_of(number):
                raise Problem(409, "not_attached", "The number is attached to nobody. Attach it")
            return replace(number, agent_id=agent_id)

        before, after = self._change(account_id, named, revision, moved)
        return self.settling.settled(account_id, before, after)

    def detach(self, account_id: str, named: str, revision: int | None) -> Kept:
        """Leads its callers to nobody: LiveKit lets them in no more, where the number has a trunk of its own. Raises
        Problem 412."""
        before, after = self._change(
            account_id, named, revision, lambda number: replace(number, agent_id=None, pipe_id=None)
        )
        return self.settling.settled(account_id, before, after)

    def delete(self, account_id: str, named: str, revision: int | None) -> None:
        """Raises Problem 404, 409 `number_in_use`, 412, 503."""
        taken_down: Number | None = None
        for _ in range(_TRIES):
            number = self.find(account_id, named)
            try:
                check_revision(revision, number.revision)
                uses = self.rows.uses(account_id, number.number)
                self._check_use(account_id, number)
                # Before its callers are shut out: where that cannot be said the number stays, and takes them.
                self.number_leaves(account_id)
            except Problem:
                if taken_down is not None:
                    self._let_in_again(account_id, number)
                raise
            with refusals():
                if not self.trunks.linking.links.of(account_id, number.number).is_empty:
                    self.settling.unlink(account_id, number)
                    taken_down = number
            try:
                self.rows.delete(account_id, number, leaves=self.settling.leaving(account_id, number, None), uses=uses)
            except NumberChanged:
                continue
            self._lift_limits(account_id, number)
            self.log.info("number given up", extra={"number": masked(number.number)})
            return
        if taken_down is not None:
            self._let_in_again(account_id, taken_down)
        raise Problem(503, "contended", "Too many changes came at once")

    def _let_in_again(self, account_id: str, number: Number) -> None:
        """The callers of a number that stays: somebody began to use it after its parts were taken down."""
        try:
            self.settling.settled(account_id, number, number)
        except Problem as problem:
            self.log.warning("left to the next sync", extra={"number": masked(number.number), "why": problem.title})

    def _limit(self, account_id: str, said: Iterable[str], number: Number) -> None:
        """After LiveKit, which may refuse. Also where the row says so already: a request before this one may have been
        cut off in between."""
        if _LIMITS.isdisjoint(said):
            return

        def set_them(limits: tuple[int | None, int | None]) -> None:
            self.set_limits(account_id, number.number, *limits)

        def written() -> tuple[int | None, int | None]:
            now = self.routing.number(account_id, number.number)
            return (None, None) if now is None else (now.max_calls, now.calls_per_day)

        holds_as_written((number.max_calls, number.calls_per_day), set_them, written)

    def _lift_limits(self, account_id: str, number: Number) -> None:
        """Those of a number that is gone. Where they stay they bind nobody: whoever brings it next sets its own."""
        if number.max_calls is None and number.calls_per_day is None:
            return
        try:
            self.set_limits(account_id, number.number, None, None)
        except Problem:
            self.log.warning("limits of a number that is gone stay", extra={"number": masked(number.number)})

    def _through_its_trunk(self, account_id: str, said: dict[str, Any]) -> dict[str, Any]:
        """With LiveKit's outbound trunk, where an account's trunk is named: it is made now if it is not there yet."""
        if "account_trunk_id" not in said:
            return said
        named = said["account_trunk_id"]
        if named is None:
            return {**said, "trunk_id": None}
        trunk = self._named_trunk(account_id, named)
        outbound = trunk.adopted_outbound
        if trunk.provider_trunk_id is None:
            outbound = self.trunks.link_of(account_id, trunk).outbound_trunk_id
            if outbound is None:
                with refusals():
                    link = self.trunks.ask(lambda sip: self.trunks.linking.link_trunk(sip, account_id, trunk))
                outbound = link.outbound_trunk_id
        return {**said, "account_trunk_id": trunk.trunk_id, "trunk_id": outbound}

    def _named_trunk(self, account_id: str, named: str) -> CarrierTrunk:
        """By its id, or by LiveKit's."""
        trunk = self.trunks.store.trunk(account_id, named) if is_plausible_id(named) else None
        if trunk is None and named.startswith("ST_"):
            links = self.trunks.linking.links.all(account_id)
            for each in self.trunks.store.trunks(account_id):
                outbound = links.get(each.trunk_id, Link(thing="")).outbound_trunk_id
                if named in {each.provider_trunk_id, outbound}:
                    trunk = each
        if trunk is None:
            raise unknown("trunk")
        return trunk

    def _change(
        self, account_id: str, named: str, revision: int | None, change: Callable[[Number], Number]
    ) -> tuple[Number, Number]:
        for _ in range(_TRIES):
            before = self.find(account_id, named)
            uses = self.rows.uses(account_id, before.number)
            changed = change(before)
            check_revision(revision, before.revision, is_so=changed == before)
            if changed == before:
                return before, before
            after = replace(self._sealed(account_id, changed), revision=before.revision + 1, modified_at=self.clock())
            try:
                with written():
                    leaves = self.settling.leaving(account_id, before, after)
                    self.rows.write(account_id, before, after, leaves=leaves, uses=uses)
            except NumberChanged:
                continue
            return before, after
        raise Problem(503, "contended", "Too many changes came at once")

    def _sealed(self, account_id: str, number: Number) -> Number:
        """The number, its decision secret sealed."""
        if number.decision_secret is None:
            return number
        sealed = self.secrets.sealed(account_id, number.number, number.decision_secret)
        return replace(number, decision_secret=sealed)

    def _opened(self, account_id: str, number: Number) -> str | None:
        """The decision secret that the number has from now on, as it is shown once."""
        kept = number.decision_secret
        return None if kept is None else self.secrets.open(account_id, number.number, kept)

    def _check_use(self, account_id: str, number: Number) -> None:
        """Raises Problem 409 `number_in_use` that names each pipe and agent that calls from it, though it is not
        attached to them, or each number whose callers go on to it."""
        mine = self.routing.numbers(account_id)
        overflowing = [each.number for each in mine if each.overflow_number == number.number]
        if overflowing:
            used_by = tuple(FieldError("number", each) for each in overflowing)
            raise Problem(409, "number_in_use", f"Callers go on to the number from {', '.join(overflowing)}", used_by)
        attached = holders_of(number)
        callers = [
            Holder("pipe", each.pipe_id) for each in self.routing.pipes(account_id) if each.number == number.number
        ]
        callers += [
            Holder("agent", each.agent_id) for each in self.routing.agents(account_id) if each.number == number.number
        ]
        users = [each for each in callers if each not in attached]
        if users:
            used_by = tuple(FieldError(each.kind, each.id) for each in users)
            told = ", ".join(f"{each.kind} {each.id}" for each in users)
            raise Problem(409, "number_in_use", f"Calls go out from the number: {told}", used_by)
