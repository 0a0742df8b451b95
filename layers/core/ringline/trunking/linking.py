"""Makes and takes down what LiveKit is to have for a trunk or a number, part by part.

    take the link -> make a part -> write its id -> make the next -> write its id -> let go

Where LiveKit's answer is lost, or we are cut off between a part and its id, the link says so, and whoever works on it
next looks at LiveKit first: what bears the mark of this very thing is what was made. Where LiveKit refuses, a repeat
would be refused as well: the parts of this run are taken down again.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from ringline.trunking.model.lines import (
    CallerRule,
    CarrierTrunk,
    InboundTrunk,
    Link,
    Mark,
    OutboundTrunk,
    Part,
    SipDown,
    SipRefused,
    SipService,
)
from ringline.trunking.model.wanted import inbound_of, outbound_of, rule_of
from ringline.trunking.sealing import Sealer
from ringline.trunking.tables.links import Links


class NotLinked(Exception):
    """A part was not made, or not taken down. `link` is how far it came, `again` whether the same request helps."""

    def __init__(self, part: Part | None, why: str, link: Link, *, again: bool) -> None:
        super().__init__(why)
        self.part = part
        self.why = why
        self.link = link
        self.again = again


type _Make = Callable[[Link], Awaitable[str]]
"""Makes a part, and answers its id. What was made before it stands in the link."""


@dataclass(frozen=True, slots=True)
class Linking:
    """`stack` names this deployment in what it makes."""

    links: Links
    sealer: Sealer
    stack: str
    log: Logger

    async def link_trunk(self, sip: SipService, account_id: str, trunk: CarrierTrunk) -> Link:
        """LiveKit's trunk to the carrier, made unless it is there. Raises LinkBusy, NotLinked."""
        mark = self.mark(account_id, trunk.trunk_id)
        wanted = outbound_of(mark, trunk)

        async def make(_: Link) -> str:
            return await sip.make_outbound(wanted, self.password(account_id, trunk))

        link, is_unclear = self.links.take(account_id, trunk.trunk_id)
        if trunk.adopted_outbound or trunk.adopted_inbound:
            return self.links.let_go(account_id, link)
        run = _Run(self, sip, account_id, link, is_unclear)
        return await run.make_all(((Part.OUTBOUND_TRUNK, make),))

    async def link_number(self, sip: SipService, account_id: str, number: str, trunk: CarrierTrunk) -> Link:
        """LiveKit's trunk and rule for the callers of a number, made unless they are there. Those of a trunk that the
        number had before are taken down. Raises LinkBusy, NotLinked."""
        mark = self.mark(account_id, number)

        async def make_inbound(_: Link) -> str:
            return await sip.make_inbound(inbound_of(mark, number, trunk))

        async def make_rule(link: Link) -> str:
            inbound_trunk_id = trunk.adopted_inbound or link.inbound_trunk_id or ""
            return await sip.make_rule(rule_of(mark, number, inbound_trunk_id, trunk))

        link, is_unclear = self.links.take(account_id, number)
        run = _Run(self, sip, account_id, link, is_unclear)
        if link.trunk_id not in {None, trunk.trunk_id}:
            await run.unmake_all()
        run.link = self.links.keep(account_id, replace(run.link, trunk_id=trunk.trunk_id))
        inbound = () if trunk.adopted_inbound else ((Part.INBOUND_TRUNK, make_inbound),)
        return await run.make_all((*inbound, (Part.DISPATCH_RULE, make_rule)))

    async def unlink(self, sip: SipService, account_id: str, thing: str) -> Link:
        """Takes down what was made for a trunk or a number. Raises LinkBusy, NotLinked."""
        link, is_unclear = self.links.take(account_id, thing)
        run = _Run(self, sip, account_id, link, is_unclear)
        await run.unmake_all()
        return self.links.let_go(account_id, Link(thing=thing, busy_until=link.busy_until))

    def mark(self, account_id: str, thing: str) -> Mark:
        return Mark(self.stack, account_id, thing)

    def password(self, account_id: str, trunk: CarrierTrunk) -> str:
        if trunk.sealed_password is None:
            return ""
        return self.sealer.open(account_id, trunk.trunk_id, trunk.sealed_password)


class _Run:
    """One request at work on a link."""

    def __init__(self, linking: Linking, sip: SipService, account_id: str, link: Link, is_unclear: bool) -> None:
        self._linking = linking
        self._links = linking.links
        self._sip = sip
        self._account_id = account_id
        self._is_unclear = is_unclear
        self.link = link

    async def make_all(self, steps: tuple[tuple[Part, _Make], ...]) -> Link:
        """Raises NotLinked."""
        before = self.link
        for part, make in steps:
            try:
                if self.link.id_of(part) is None:
                    await self._find_what_was_made(part)
                if self.link.id_of(part) is None:
                    await self._make(part, make)
            except SipRefused as error:
                raise await self._taken_back(before, part, str(error)) from error
            except SipDown as error:
                raise self._stopped(part, str(error)) from error
        return self._links.let_go(self._account_id, replace(self.link, failed_part=None, failed_why=None))

    async def unmake_all(self) -> None:
        """The rule first: no caller comes by a trunk whose rule is gone. Raises NotLinked."""
        for part in reversed(Part):
            try:
                await self._find_what_was_made(part)
                await self._unmake(part)
            except (SipDown, SipRefused) as error:
                raise self._stopped(part, str(error)) from error

    async def _make(self, part: Part, make: _Make) -> None:
        made = await make(self.link)
        try:
            self.link = self._links.keep(self._account_id, self.link.having(part, made))
        except Exception:
            # Nobody would ever know of it again, but for its mark.
            await self._delete(part, made)
            raise
        self._linking.log.info("made at LiveKit", extra={"part": part.said, "livekit_id": made})

    async def _unmake(self, part: Part) -> None:
        made = self.link.id_of(part)
        if made is None:
            return
        await self._delete(part, made)
        self.link = self._links.keep(self._account_id, self.link.having(part, None))
        self._linking.log.info("taken down at LiveKit", extra={"part": part.said, "livekit_id": made})

    async def _delete(self, part: Part, made: str) -> None:
        await (self._sip.delete_rule(made) if part is Part.DISPATCH_RULE else self._sip.delete_trunk(made))

    async def _find_what_was_made(self, part: Part) -> None:
        """What bears our mark, where a request before this one may have made it without writing it."""
        if not self._is_unclear or self.link.id_of(part) is not None:
            return
        found = await listed(self._sip, part)
        mark = self._linking.mark(self._account_id, self.link.thing)
        mine = [each.id for each in found if each.mark == mark]
        if mine:
            self.link = self._links.keep(self._account_id, self.link.having(part, mine[0]))

    async def _taken_back(self, before: Link, part: Part, why: str) -> NotLinked:
        """What this run made is taken down: the link is as it was, and says why."""
        for made in reversed(Part):
            if before.id_of(made) is None:
                try:
                    await self._unmake(made)
                except SipDown as error:
                    return self._stopped(made, str(error))
        failed = replace(self.link, failed_part=part.said, failed_why=why)
        return NotLinked(part, why, self._links.let_go(self._account_id, failed), again=False)

    def _stopped(self, part: Part, why: str) -> NotLinked:
        failed = replace(self.link, failed_part=part.said, failed_why=why)
        return NotLinked(part, why, self._links.let_go(self._account_id, failed), again=True)


async def listed(sip: SipService, part: Part) -> Sequence[OutboundTrunk | InboundTrunk | CallerRule]:
    """All that LiveKit has of this kind."""
    match part:
        case Part.OUTBOUND_TRUNK:
            return await sip.outbound_trunks()
        case Part.INBOUND_TRUNK:
            return await sip.inbound_trunks()
        case Part.DISPATCH_RULE:
            return await sip.rules()
