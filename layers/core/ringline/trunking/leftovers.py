"""What is at LiveKit and belongs to nothing here: what a deletion left that was cut off or met another request, and
what is somebody else's. What bears the mark of this account and this deployment is removed; of the rest is told.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ringline.routing.numbers import is_e164
from ringline.runtime.clock import MS_PER_S, Clock
from ringline.runtime.web.problems import Problem
from ringline.trunking.linking import Linking, NotLinked
from ringline.trunking.model.drift import Drift
from ringline.trunking.model.lines import (
    CallerRule,
    CarrierTrunk,
    InboundTrunk,
    OutboundTrunk,
    Part,
    SipDown,
    SipRefused,
    SipService,
)
from ringline.trunking.numbers import Numbers
from ringline.trunking.tables.links import BUSY_S, LinkBusy

_REPAIRS_WITHIN_S = 3
"""What is not mended by then is told, and left to the next time."""


@dataclass(frozen=True, slots=True)
class AtLivekit:
    """All that LiveKit has, by its ids."""

    outbound: dict[str, OutboundTrunk]
    inbound: dict[str, InboundTrunk]
    rules: dict[str, CallerRule]


class Findings:
    """What a comparison finds, and what becomes of it."""

    def __init__(self, clock: Clock) -> None:
        self.drift: list[Drift] = []
        self._clock = clock
        self._ends_at = clock() + _REPAIRS_WITHIN_S * MS_PER_S

    async def mend(
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
            self.drift.append(replace(found, detail="left to the next time"))
            return
        try:
            await repair()
            self.drift.append(replace(found, repaired=True))
        except NotLinked as error:
            self.drift.append(replace(found, detail=error.why))
        except (SipRefused, SipDown, LinkBusy) as error:
            self.drift.append(replace(found, detail=str(error)))
        except Problem as problem:
            self.drift.append(replace(found, detail=problem.title))

    def tell(self, kind: str, what: str, livekit_id: str | None, **said: Any) -> None:
        self.drift.append(Drift(kind=kind, what=what, livekit_id=livekit_id, **said))


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Those of one account, as they are looked for at the end of a comparison."""

    numbers: Numbers
    sip: SipService
    account_id: str
    findings: Findings
    clock: Clock

    async def look_for(self, there: AtLivekit, numbers: set[str]) -> None:
        """`numbers` are those that the account has."""
        # First, as long as the links still name what the others take down.
        await self._orphans(there)
        await self._trunks_on_their_way_out()
        await self._links_of_what_is_gone()
        self._foreign(there, numbers)

    async def _trunks_on_their_way_out(self) -> None:
        """A trunk whose deletion was cut off is deleted now; one that somebody came to before that stays."""
        trunks = self.numbers.trunks
        for trunk in trunks.store.trunks(self.account_id):
            if not trunk.leaving or self.clock() < trunk.modified_at + BUSY_S * MS_PER_S:
                continue
            is_used = trunks.is_used(self.account_id, trunk)
            repair = partial(self._keep if is_used else self._delete, trunk)
            kind, detail = ("changed", "it was to be deleted, and is used") if is_used else ("orphan", "")
            await self.findings.mend(kind, "trunk", None, None, trunk.trunk_id, repair, detail)

    async def _keep(self, trunk: CarrierTrunk) -> None:
        self.numbers.trunks.stay(self.account_id, trunk.trunk_id)

    async def _delete(self, trunk: CarrierTrunk) -> None:
        try:
            self.numbers.trunks.close(self.account_id, trunk)
        except Problem:
            await self._keep(trunk)
            raise
        await self.linking.unlink(self.sip, self.account_id, trunk.trunk_id)
        self.numbers.trunks.forget(self.account_id, trunk)

    async def _links_of_what_is_gone(self) -> None:
        """Whoever sets up a trunk or a number at the moment at which it is deleted makes parts that nothing needs. The
        links are read before the rows: a row is written before its link."""
        links = self.linking.links.all(self.account_id)
        trunks = {each.trunk_id for each in self.numbers.trunks.store.trunks(self.account_id)}
        rows = trunks | {each.number for each in self.numbers.routing.numbers(self.account_id)}
        for thing, link in links.items():
            if thing in rows or self.linking.links.is_busy(link):
                continue
            part = link.made[-1] if link.made else None
            what = "link" if part is None else part.value.removesuffix("_id")
            livekit_id = None if part is None else link.id_of(part)
            number = thing if is_e164(thing) else None
            repair = partial(
                self.linking.unlink, self.sip, self.account_id, thing, unless=partial(self._is_there, thing)
            )
            await self.findings.mend("orphan", what, livekit_id, number, None if number else thing, repair)

    def _is_there(self, thing: str) -> bool:
        if is_e164(thing):
            return self.numbers.routing.number(self.account_id, thing) is not None
        return self.numbers.trunks.store.trunk(self.account_id, thing) is not None

    @property
    def linking(self) -> Linking:
        return self.numbers.trunks.linking

    async def _orphans(self, there: AtLivekit) -> None:
        """What bears our mark and stands in no link."""
        links = self.linking.links.all(self.account_id)
        known = {made for link in links.values() for part in Part if (made := link.id_of(part)) is not None}
        busy = {link.thing for link in links.values() if self.linking.links.is_busy(link)}
        kinds: tuple[tuple[str, dict[str, Any], Callable[[str], Awaitable[None]]], ...] = (
            ("dispatch_rule", there.rules, self.sip.delete_rule),
            ("inbound_trunk", there.inbound, self.sip.delete_trunk),
            ("outbound_trunk", there.outbound, self.sip.delete_trunk),
        )
        for what, found, delete in kinds:
            for each in found.values():
                mark = each.mark
                is_ours = mark == self.linking.mark(self.account_id, "" if mark is None else mark.thing)
                if is_ours and each.id not in known and mark.thing not in busy:
                    number = mark.thing if is_e164(mark.thing) else None
                    trunk_id = None if number else mark.thing
                    await self.findings.mend("orphan", what, each.id, number, trunk_id, partial(delete, each.id))

    def _foreign(self, there: AtLivekit, numbers: set[str]) -> None:
        """Trunks and rules of somebody else's that take callers of our numbers, or that our trunks lead to."""
        links = self.linking.links.all(self.account_id)
        ours = {link.inbound_trunk_id for link in links.values()} - {None}
        adopted = {each.provider_trunk_id for each in self.numbers.trunks.store.trunks(self.account_id)}
        for trunk in there.inbound.values():
            if self._is_ours(trunk) or trunk.id in adopted:
                continue
            for number in sorted(numbers.intersection(trunk.numbers)):
                detail = "a trunk that is not ours takes its callers"
                self.findings.tell("foreign", "inbound_trunk", trunk.id, number=number, detail=detail)
        for rule in there.rules.values():
            if not self._is_ours(rule) and ours.intersection(rule.trunk_ids):
                self.findings.tell(
                    "foreign", "dispatch_rule", rule.id, detail="a rule that is not ours is tied to our trunk"
                )

    def _is_ours(self, each: InboundTrunk | CallerRule) -> bool:
        return each.mark is not None and each.mark == self.linking.mark(self.account_id, each.mark.thing)
