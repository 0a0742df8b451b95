"""Makes and takes down what LiveKit is to have for a trunk or a number, part by part.

    take the link -> make a part -> write its id -> make the next -> write its id -> let go

Where LiveKit's answer is lost, or we are cut off between a part and its id, the link says so, and whoever works on it
next looks at LiveKit first: what bears the mark of this very thing is what was made. Where LiveKit refuses, a repeat
would be refused as well: the parts of this run are taken down again.

A number that goes to another trunk keeps its parts: each is replaced where it stands, and what is needed no more is
taken down last. LiveKit refuses a replacement and keeps what there was, so that no caller is lost by it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from aws_lambda_powertools import Logger

from ringline.trunking.model.lines import (
    AtLivekit,
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
from ringline.trunking.model.wanted import differences, inbound_of, outbound_of, rule_of
from ringline.trunking.sealing import Sealer
from ringline.trunking.tables.links import Links


class NotLinked(Exception):
    """A part was not made, or not taken down. `link` is how far it came, `again` whether the same request helps, `left`
    what became of what there was before, as a sentence."""

    def __init__(self, part: Part | None, why: str, link: Link, *, again: bool, left: str = "") -> None:
        super().__init__(why)
        self.part = part
        self.why = why
        self.link = link
        self.again = again
        self.left = left


type _Wanted = Callable[[Link], AtLivekit]
"""What a part is to be. What was made before it stands in the link."""


def _never() -> bool:
    return False


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
        link, is_unclear = self.links.take(account_id, trunk.trunk_id)
        if trunk.adopted_outbound or trunk.adopted_inbound:
            return self.links.let_go(account_id, link)
        password = partial(self.password, account_id, trunk)
        run = _Run(self, sip, account_id, link, looks=is_unclear, password=password)
        return await run.make_all({Part.OUTBOUND_TRUNK: lambda _: outbound_of(mark, trunk)})

    async def link_number(
        self, sip: SipService, account_id: str, number: str, trunk: CarrierTrunk, agent_name: str | None
    ) -> Link:
        """LiveKit's trunk and rule for the callers of a number, made unless they are there, and replaced where they are
        of a trunk or an agent that the number had before. Raises LinkBusy, NotLinked."""
        mark = self.mark(account_id, number)

        def rule(link: Link) -> CallerRule:
            return rule_of(mark, number, trunk.adopted_inbound or link.inbound_trunk_id or "", trunk, agent_name)

        link, is_unclear = self.links.take(account_id, number)
        has_other_agent = link.dispatch_rule_id is not None and link.agent_name != agent_name
        is_moved = has_other_agent or link.trunk_id not in {None, trunk.trunk_id}
        has_spare = trunk.adopted_inbound is not None and link.inbound_trunk_id is not None
        run = _Run(self, sip, account_id, link, looks=is_unclear or is_moved or has_spare)
        run.link = self.links.keep(account_id, replace(run.link, trunk_id=trunk.trunk_id, agent_name=agent_name))
        if trunk.adopted_inbound is not None:
            return await run.make_all({Part.DISPATCH_RULE: rule}, spare=Part.INBOUND_TRUNK)
        return await run.make_all(
            {Part.INBOUND_TRUNK: lambda _: inbound_of(mark, number, trunk), Part.DISPATCH_RULE: rule}
        )

    async def unlink(self, sip: SipService, account_id: str, thing: str, unless: Callable[[], bool] = _never) -> Link:
        """Takes down what was made for a trunk or a number, `unless` something holds once nobody else can work on it.
        Raises LinkBusy, NotLinked."""
        link, is_unclear = self.links.take(account_id, thing)
        if unless():
            why = link.failed_why or ("a request was cut off" if is_unclear else None)
            return self.links.let_go(account_id, replace(link, failed_part=link.failed_part or why, failed_why=why))
        run = _Run(self, sip, account_id, link, looks=is_unclear)
        await run.unmake_all()
        return self.links.let_go(account_id, Link(thing=thing, busy_until=link.busy_until))

    def mark(self, account_id: str, thing: str) -> Mark:
        return Mark(self.stack, account_id, thing)

    def password(self, account_id: str, trunk: CarrierTrunk) -> str:
        if trunk.sealed_password is None:
            return ""
        return self.sealer.open(account_id, trunk.trunk_id, trunk.sealed_password)


def _no_password() -> str:
    return ""


class _Run:
    """One request at work on a link. It `looks` at LiveKit where what the link says may not be so."""

    def __init__(
        self,
        linking: Linking,
        sip: SipService,
        account_id: str,
        link: Link,
        *,
        looks: bool,
        password: Callable[[], str] = _no_password,
    ) -> None:
        self._linking = linking
        self._links = linking.links
        self._sip = sip
        self._account_id = account_id
        self._looks = looks
        self._password = password
        self.link = link

    async def make_all(self, steps: Mapping[Part, _Wanted], spare: Part | None = None) -> Link:
        """What is `spare` is taken down once the others stand. Raises NotLinked."""
        before = self.link
        for part, wanted in steps.items():
            try:
                await self._settle(part, wanted(self.link))
            except SipRefused as error:
                raise await self._taken_back(before, part, str(error)) from error
            except SipDown as error:
                raise self._stopped(part, str(error)) from error
        if self._looks and spare is not None:
            await self._unmake_each([spare])
        return self._links.let_go(self._account_id, replace(self.link, failed_part=None, failed_why=None))

    async def unmake_all(self) -> None:
        """The rule first: no caller comes by a trunk whose rule is gone. Raises NotLinked."""
        await self._unmake_each(list(reversed(Part)))

    async def _unmake_each(self, parts: Sequence[Part]) -> None:
        for part in parts:
            try:
                await self._find(part)
                await self._unmake(part)
            except (SipDown, SipRefused) as error:
                raise self._stopped(part, str(error)) from error

    async def _settle(self, part: Part, wanted: AtLivekit) -> None:
        found = await self._find(part)
        if self.link.id_of(part) is None:
            await self._make(part, wanted)
        elif found is not None and differences(wanted, found):
            await self._replace(found.id, wanted)

    async def _make(self, part: Part, wanted: AtLivekit) -> None:
        made = await self._made(wanted)
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

    async def _made(self, wanted: AtLivekit) -> str:
        match wanted:
            case OutboundTrunk():
                return await self._sip.make_outbound(wanted, self._password())
            case InboundTrunk():
                return await self._sip.make_inbound(wanted)
            case CallerRule():
                return await self._sip.make_rule(wanted)

    async def _replace(self, livekit_id: str, wanted: AtLivekit) -> None:
        match wanted:
            case OutboundTrunk():
                await self._sip.replace_outbound(livekit_id, wanted, self._password())
            case InboundTrunk():
                await self._sip.replace_inbound(livekit_id, wanted)
            case CallerRule():
                await self._sip.replace_rule(livekit_id, wanted)
        self._linking.log.info("replaced at LiveKit", extra={"livekit_id": livekit_id})

    async def _find(self, part: Part) -> AtLivekit | None:
        """What LiveKit has of this part, where we look: what the link names, or else what bears our mark, which a
        request before this one may have made without writing it. The link then names what is there."""
        if not self._looks:
            return None
        there = await listed(self._sip, part)
        mark = self._linking.mark(self._account_id, self.link.thing)
        named = [each for each in there if each.id == self.link.id_of(part)]
        found = next(iter(named or [each for each in there if each.mark == mark]), None)
        livekit_id = None if found is None else found.id
        if livekit_id != self.link.id_of(part):
            self.link = self._links.keep(self._account_id, self.link.having(part, livekit_id))
        return found

    async def _taken_back(self, before: Link, part: Part, why: str) -> NotLinked:
        """What this run made is taken down: the link is as it was, and says why. What LiveKit does not take down now
        stays in the link, for `sync`."""
        for made in reversed(Part):
            if before.id_of(made) is None:
                try:
                    await self._unmake(made)
                except SipDown as error:
                    why = f"{why}; and the {made.said} was not taken down again: {error}"
        failed = replace(self.link, failed_part=part.said, failed_why=why)
        return NotLinked(part, why, self._links.let_go(self._account_id, failed), again=False)

    def _stopped(self, part: Part, why: str) -> NotLinked:
        failed = replace(self.link, failed_part=part.said, failed_why=why)
        return NotLinked(part, why, self._links.let_go(self._account_id, failed), again=True)


async def listed(sip: SipService, part: Part) -> Sequence[AtLivekit]:
    """All that LiveKit has of this kind."""
    match part:
        case Part.OUTBOUND_TRUNK:
            return await sip.outbound_trunks()
        case Part.INBOUND_TRUNK:
            return await sip.inbound_trunks()
        case Part.DISPATCH_RULE:
            return await sip.rules()
