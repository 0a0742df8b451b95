"""Holds an account's trunks and numbers against what LiveKit has, mends what is ours, and tells of the rest.

What LiveKit has is read before what the table has: a part that was made in between is in the table then, or its link is
busy. What does not bear the mark of this account and this deployment is never changed and never deleted.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from aws_lambda_powertools import Logger

from ringline.routing.numbers import is_e164
from ringline.routing.records import Number
from ringline.runtime.clock import Clock
from ringline.runtime.ids import new_id
from ringline.runtime.logging import masked
from ringline.trunking.leftovers import AtLivekit, Findings, Leftovers
from ringline.trunking.model.drift import Synced
from ringline.trunking.model.lines import (
    CallerRule,
    CarrierTrunk,
    InboundTrunk,
    Link,
    OutboundTrunk,
    Part,
    SipService,
)
from ringline.trunking.model.wanted import differences, inbound_of, outbound_of, rule_of
from ringline.trunking.numbers import Numbers
from ringline.trunking.tables.numbers import HolderGone, NumberChanged, NumberTaken, holders_of


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
        self._findings = Findings(clock)
        self._made_now: set[str | None] = set()
        self._new = 0

    async def all(self) -> Synced:
        there = AtLivekit(
            {each.id: each for each in await self._sip.outbound_trunks()},
            {each.id: each for each in await self._sip.inbound_trunks()},
            {each.id: each for each in await self._sip.rules()},
        )
        numbers = self._numbers
        trunks = {each.trunk_id: each for each in numbers.trunks.store.trunks(self._account_id)}
        for trunk in (each for each in trunks.values() if self._only_trunk in {None, each.trunk_id}):
            if trunk.leaving:
                continue
            await self._trunk(there, trunk)
            self._import(there, trunk)
        kept = numbers.routing.numbers(self._account_id)
        for number in kept:
            if self._only_trunk in {None, number.account_trunk_id}:
                await self._number(there, number, trunks.get(number.account_trunk_id or ""))
        if self._only_trunk is None:
            leftovers = Leftovers(numbers, self._sip, self._account_id, self._findings, self._clock)
            await leftovers.look_for(there, {each.number for each in kept})
        broken = {each.number for each in self._findings.drift if each.number is not None and not each.repaired}
        return Synced(sum(each.number not in broken for each in kept), self._new, tuple(self._findings.drift))

    async def _trunk(self, there: AtLivekit, trunk: CarrierTrunk) -> None:
        if trunk.provider_trunk_id is not None:
            if trunk.provider_trunk_id not in there.outbound | there.inbound:
                detail = "LiveKit has the adopted trunk no more"
                self._findings.tell(
                    "missing", "provider_trunk", trunk.provider_trunk_id, trunk_id=trunk.trunk_id, detail=detail
                )
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

    async def _number(self, there: AtLivekit, number: Number, trunk: CarrierTrunk | None) -> None:
        link = self._linking.links.of(self._account_id, number.number)
        if trunk is None and number.account_trunk_id is not None:
            detail = "the number's trunk is not there any more: give it another one"
            said = {"number": number.number, "trunk_id": number.account_trunk_id, "detail": detail}
            self._findings.tell("missing", "trunk", None, **said)
        if trunk is None or not holders_of(number):
            if not link.is_empty and not self._linking.links.is_busy(link):
                await self._findings.mend(
                    "orphan", "dispatch_rule", link.dispatch_rule_id, number.number, None, self._unlink(number)
                )
            return
        mark = self._linking.mark(self._account_id, number.number)
        agent_name = self._numbers.settling.agent_name(self._account_id, number)

        async def make() -> Link:
            return await self._linking.link_number(self._sip, self._account_id, number.number, trunk, agent_name)

        async def replace_inbound(livekit_id: str) -> None:
            await self._sip.replace_inbound(livekit_id, inbound_of(mark, number.number, trunk))

        async def replace_rule(livekit_id: str) -> None:
            by = trunk.adopted_inbound or link.inbound_trunk_id or ""
            await self._sip.replace_rule(livekit_id, rule_of(mark, number.number, by, trunk, agent_name))

        if trunk.adopted_inbound is None:
            inbound = inbound_of(mark, number.number, trunk)
            await self._part(
                Part.INBOUND_TRUNK, link, inbound, there.inbound, replace_inbound, make, number=number.number
            )
            link = self._linking.links.of(self._account_id, number.number)
        elif link.inbound_trunk_id is not None and not self._linking.links.is_busy(link):
            await self._findings.mend("orphan", "inbound_trunk", link.inbound_trunk_id, number.number, None, make)
        rule = rule_of(mark, number.number, trunk.adopted_inbound or link.inbound_trunk_id or "", trunk, agent_name)
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

            await self._findings.mend("missing", what, livekit_id, number, trunk_id, make_anew)
            return
        changed = differences(wanted, found)
        if not changed and part is Part.OUTBOUND_TRUNK and self._only_trunk is not None:
            # What cannot be compared is its password.
            await replace_it(found.id)
        if changed:
            told = "changed at LiveKit: " + ", ".join(changed)
            await self._findings.mend("changed", what, found.id, number, trunk_id, lambda: replace_it(found.id), told)

    def _forget(self, link: Link, part: Part) -> None:
        """The id of what is gone at LiveKit, so that it is made anew. Another one of our mark is taken for it, if there
        is one."""
        ours, _ = self._linking.links.take(self._account_id, link.thing)
        if ours.id_of(part) == link.id_of(part):
            ours = replace(ours.having(part, None), failed_part=part.said, failed_why="it was gone at LiveKit")
        self._linking.links.let_go(self._account_id, ours)

    def _import(self, there: AtLivekit, trunk: CarrierTrunk) -> None:
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
                self._findings.tell(
                    "foreign", "number", None, number=each, detail="the number belongs to somebody else"
                )
            except HolderGone:
                detail = "its trunk is being deleted: the number was not brought"
                self._findings.tell("foreign", "number", None, number=each, trunk_id=trunk.trunk_id, detail=detail)


def replace_number(number: Number, **changes: Any) -> Number:
    """The next revision of a number."""
    return replace(number, revision=number.revision + 1, **changes)
