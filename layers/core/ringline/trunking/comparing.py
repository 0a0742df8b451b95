"""Holds an account's trunks and numbers against what LiveKit has, mends what is ours, and tells of the rest.

What LiveKit has is read before what the table has: a part that was made in between is in the table then, or its link is
busy. What does not bear the mark of this account and this deployment is never changed and never deleted.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger

from ringline.routing.numbers import is_e164
from ringline.routing.records import Number
from ringline.runtime.clock import MS_PER_S, Clock
from ringline.runtime.ids import new_id
from ringline.runtime.logging import masked
from ringline.trunking.linking import NotLinked
from ringline.trunking.model.lines import (
    CallerRule,
    CarrierTrunk,
    InboundTrunk,
    Link,
    OutboundTrunk,
    Part,
    SipDown,
    SipRefused,
    SipService,
)
from ringline.trunking.model.wanted import differences, inbound_of, outbound_of, rule_of
from ringline.trunking.numbers import Numbers
from ringline.trunking.tables.links import LinkBusy
from ringline.trunking.tables.numbers import NumberChanged, NumberTaken, holders_of

_REPAIRS_WITHIN_S = 3
"""What is not mended by then is told, and left to the next time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One thing in which LiveKit is not as it should be. `kind` is `missing`, `changed`, `orphan` (ours, of what is
    gone) or `foreign` (somebody else's, in the way of ours)."""

    kind: str
    what: str
    livekit_id: str | None = None
    number: str | None = None
    trunk_id: str | None = None
    repaired: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Synced:
    """`synced` numbers are as they should be, `new` ones were found on an adopted trunk."""

    synced: int
    new: int
    drift: tuple[Drift, ...]


@dataclass(frozen=True, slots=True)
class _AtLivekit:
    outbound: dict[str, OutboundTrunk]
    inbound: dict[str, InboundTrunk]
    rules: dict[str, CallerRule]


class Comparison:
    """One comparison."""

    def __init__(
        self, numbers: Numbers, sip: SipService, account_id: str, only_trunk: str | None, clock: Clock, log: Logger
    ) -> None:
        self._numbers = numbers
        self._linking = numbers.trunks.linking
        self._clock = clock
        self._log = log
        self._sip = sip
        self._account_id = account_id
        self._only_trunk = only_trunk
        self._ends_at = clock() + _REPAIRS_WITHIN_S * MS_PER_S
        self._drift: list[Drift] = []
        self._made_now: set[str | None] = set()
        self._new = 0

    async def all(self) -> Synced:
        there = _AtLivekit(
            {each.id: each for each in await self._sip.outbound_trunks()},
            {each.id: each for each in await self._sip.inbound_trunks()},
            {each.id: each for each in await self._sip.rules()},
        )
        numbers = self._numbers
        trunks = {each.trunk_id: each for each in numbers.trunks.store.trunks(self._account_id)}
        wanted = [each for each in trunks.values() if self._only_trunk in {None, each.trunk_id}]
        for trunk in wanted:
            await self._trunk(there, trunk)
            self._import(there, trunk)
        kept = numbers.routing.numbers(self._account_id)
        for number in kept:
            if self._only_trunk in {None, number.account_trunk_id}:
                await self._number(there, number, trunks.get(number.account_trunk_id or ""))
        if self._only_trunk is None:
            await self._orphans(there)
            self._foreign(there, {each.number for each in kept})
        broken = {each.number for each in self._drift if each.number is not None and not each.repaired}
        return Synced(sum(each.number not in broken for each in kept), self._new, tuple(self._drift))

    async def _trunk(self, there: _AtLivekit, trunk: CarrierTrunk) -> None:
        if trunk.provider_trunk_id is not None:
            if trunk.provider_trunk_id not in there.outbound | there.inbound:
                detail = "LiveKit has the adopted trunk no more"
                self._tell("missing", "provider_trunk", trunk.provider_trunk_id, trunk_id=trunk.trunk_id, detail=detail)
            return
        wanted = outbound_of(self._linking.mark(self._account_id, trunk.trunk_id), trunk)

        async def replace_it(livekit_id: str) -> None:
            password = self._linking.password(self._account_id, trunk)
            await self._sip.replace_outbound(livekit_id, wanted, password)

        async def make() -> Link:
            link = await self._linking.link_trunk(self._sip, self._account_id, trunk)
            self._go_through(trunk, link)
            return link

        link = self._linking.links.of(self._account_id, trunk.trunk_id)
        await self._part(Part.OUTBOUND_TRUNK, link, wanted, there.outbound, replace_it, make, trunk_id=trunk.trunk_id)

    def _go_through(self, trunk: CarrierTrunk, link: Link) -> None:
        """The numbers of a trunk that was made anew call through the new one."""
        numbers = self._numbers
        for each in numbers.routing.numbers(self._account_id):
            if each.account_trunk_id == trunk.trunk_id and each.trunk_id != link.outbound_trunk_id:
                changed = replace_number(each, trunk_id=link.outbound_trunk_id)
                try:
                    numbers.rows.write(self._account_id, each, changed)
                except NumberChanged:
                    self._log.warning("number changed meanwhile", extra={"number": masked(each.number)})

    async def _number(self, there: _AtLivekit, number: Number, trunk: CarrierTrunk | None) -> None:
        link = self._linking.links.of(self._account_id, number.number)
        if trunk is None or not holders_of(number):
            if not link.is_empty and not self._linking.links.is_busy(link):
                await self._mend(
                    "orphan", "dispatch_rule", link.dispatch_rule_id, number.number, None, self._unlink(number)
                )
            return
        mark = self._linking.mark(self._account_id, number.number)

        async def make() -> Link:
            return await self._linking.link_number(self._sip, self._account_id, number.number, trunk)

        async def replace_inbound(livekit_id: str) -> None:
            await self._sip.replace_inbound(livekit_id, inbound_of(mark, number.number, trunk))

        async def replace_rule(livekit_id: str) -> None:
            by = trunk.adopted_inbound or link.inbound_trunk_id or ""
            await self._sip.replace_rule(livekit_id, rule_of(mark, number.number, by, trunk))

        if trunk.adopted_inbound is None:
            inbound = inbound_of(mark, number.number, trunk)
            await self._part(
                Part.INBOUND_TRUNK, link, inbound, there.inbound, replace_inbound, make, number=number.number
            )
            link = self._linking.links.of(self._account_id, number.number)
        rule = rule_of(mark, number.number, trunk.adopted_inbound or link.inbound_trunk_id or "", trunk)
        await self._part(Part.DISPATCH_RULE, link, rule, there.rules, replace_rule, make, number=number.number)

    def _unlink(self, number: Number) -> Callable[[], Awaitable[object]]:
        return lambda: self._linking.unlink(self._sip, self._account_id, number.number)

    async def _part[T: (OutboundTrunk, InboundTrunk, CallerRule)](
        self,
        part: Part,
        link: Link,
        wanted: T,
        there: dict[str, T],
        replace_it: Callable[[str], Awaitable[None]],
        make: Callable[[], Awaitable[Link]],
        *,
        number: str | None = None,
        trunk_id: str | None = None,
    ) -> None:
        """Mends one part: made anew where it is gone, replaced where it differs."""
        if self._linking.links.is_busy(link):
            return
        livekit_id = link.id_of(part)
        found = None if livekit_id is None else there.get(livekit_id)
        what = part.value.removesuffix("_id")
        if livekit_id is not None and livekit_id in self._made_now:
            return
        if found is None:

            async def make_anew() -> None:
                self._forget(link, part)
                made = await make()
                self._made_now |= {made.id_of(each) for each in Part} - {link.id_of(each) for each in Part}

            await self._mend("missing", what, livekit_id, number, trunk_id, make_anew)
            return
        changed = differences(wanted, found)
        if not changed and part is Part.OUTBOUND_TRUNK and self._only_trunk is not None:
            # What cannot be compared is its password.
            await replace_it(found.id)
        if changed:
            told = "changed at LiveKit: " + ", ".join(changed)
            await self._mend("changed", what, found.id, number, trunk_id, lambda: replace_it(found.id), told)

    def _forget(self, link: Link, part: Part) -> None:
        """The id of what is gone at LiveKit, so that it is made anew. Another one of our mark is taken for it, if there
        is one."""
        ours, _ = self._linking.links.take(self._account_id, link.thing)
        if ours.id_of(part) == link.id_of(part):
            ours = replace(ours.having(part, None), failed_part=part.said, failed_why="it was gone at LiveKit")
        self._linking.links.let_go(self._account_id, ours)

    async def _orphans(self, there: _AtLivekit) -> None:
        """What bears our mark and stands in no link."""
        links = self._linking.links.all(self._account_id)
        known = {made for link in links.values() for part in Part if (made := link.id_of(part)) is not None}
        busy = {link.thing for link in links.values() if self._linking.links.is_busy(link)}
        kinds: tuple[tuple[str, dict[str, Any], Callable[[str], Awaitable[None]]], ...] = (
            ("dispatch_rule", there.rules, self._sip.delete_rule),
            ("inbound_trunk", there.inbound, self._sip.delete_trunk),
            ("outbound_trunk", there.outbound, self._sip.delete_trunk),
        )
        for what, found, delete in kinds:
            for each in found.values():
                mark = each.mark
                is_ours = mark == self._linking.mark(self._account_id, "" if mark is None else mark.thing)
                if is_ours and each.id not in known and mark.thing not in busy:
                    number = mark.thing if is_e164(mark.thing) else None
                    trunk_id = None if number else mark.thing
                    await self._mend("orphan", what, each.id, number, trunk_id, partial(delete, each.id))

    def _foreign(self, there: _AtLivekit, numbers: set[str]) -> None:
        """Trunks and rules of somebody else's that take callers of our numbers, or that our trunks lead to."""
        links = self._linking.links.all(self._account_id)
        ours = {link.inbound_trunk_id for link in links.values()} - {None}
        adopted = {each.provider_trunk_id for each in self._numbers.trunks.store.trunks(self._account_id)}
        for trunk in there.inbound.values():
            if self._is_ours(trunk) or trunk.id in adopted:
                continue
            for number in sorted(numbers.intersection(trunk.numbers)):
                detail = "a trunk that is not ours takes its callers"
                self._tell("foreign", "inbound_trunk", trunk.id, number=number, detail=detail)
        for rule in there.rules.values():
            if not self._is_ours(rule) and ours.intersection(rule.trunk_ids):
                self._tell("foreign", "dispatch_rule", rule.id, detail="a rule that is not ours is tied to our trunk")

    def _is_ours(self, each: InboundTrunk | CallerRule) -> bool:
        return each.mark is not None and each.mark == self._linking.mark(self._account_id, each.mark.thing)

    def _import(self, there: _AtLivekit, trunk: CarrierTrunk) -> None:
        """Numbers that an adopted trunk has, and nobody here."""
        by: InboundTrunk | OutboundTrunk | None = there.inbound.get(trunk.adopted_inbound or "")
        by = by or there.outbound.get(trunk.adopted_outbound or "")
        numbers = self._numbers
        for each in () if by is None else by.numbers:
            if not is_e164(each) or numbers.routing.number(self._account_id, each) is not None:
                continue
            now = self._clock()
            number = Number(
                number=each,
                number_id=new_id("num"),
                trunk_id=trunk.adopted_outbound,
                account_trunk_id=trunk.trunk_id,
                created_at=now,
                modified_at=now,
            )
            try:
                numbers.rows.write(self._account_id, None, number)
                self._new += 1
            except (NumberTaken, NumberChanged):
                self._tell("foreign", "number", None, number=each, detail="the number belongs to somebody else")

    async def _mend(
        self,
        kind: str,
        what: str,
        livekit_id: str | None,
        number: str | None,
        trunk_id: str | None,
        repair: Callable[[], Awaitable[object]],
        detail: str = "",
    ) -> None:
        found = Drift(kind=kind, what=what, livekit_id=livekit_id, number=number, trunk_id=trunk_id, detail=detail)
        if self._clock() >= self._ends_at:
            self._drift.append(replace(found, detail="left to the next time"))
            return
        try:
            await repair()
            self._drift.append(replace(found, repaired=True))
        except NotLinked as error:
            self._drift.append(replace(found, detail=error.why))
        except (SipRefused, SipDown, LinkBusy) as error:
            self._drift.append(replace(found, detail=str(error)))

    def _tell(self, kind: str, what: str, livekit_id: str | None, **said: Any) -> None:
        self._drift.append(Drift(kind=kind, what=what, livekit_id=livekit_id, **said))


def replace_number(number: Number, **changes: Any) -> Number:
    """The next revision of a number."""
    return replace(number, revision=number.revision + 1, **changes)
