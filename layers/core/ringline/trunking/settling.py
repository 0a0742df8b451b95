"""From what is written of a number to what LiveKit has for it. Where LiveKit refuses, both are as they were before."""

from copy import replace
from dataclasses import dataclass, field
from typing import Protocol

from aws_lambda_powertools import Logger

from ringline.routing.records import Number
from ringline.routing.store import RoutingStore
from ringline.runtime.logging import masked
from ringline.runtime.web.problems import Problem
from ringline.trunking.linking import NotLinked
from ringline.trunking.model.lines import CarrierTrunk, Link, SipDown
from ringline.trunking.refusals import refusals
from ringline.trunking.tables.links import LinkBusy
from ringline.trunking.tables.numbers import (
    Holder,
    HolderGone,
    Leaving,
    NumberChanged,
    NumberRows,
    OverflowChained,
    holders_of,
)
from ringline.trunking.trunks import Trunks


@dataclass(frozen=True, slots=True)
class Kept:
    """A number with its trunk, if it has one, and what stands at LiveKit. `new_secret` is the decision secret that was
    made just now: nobody is told it again."""

    number: Number
    trunk: CarrierTrunk | None
    link: Link
    new_secret: str | None = field(default=None, repr=False)


class NumberLeaves(Protocol):
    """Is called before a number is given up: calls may wait that are to go out on it. Repeating changes nothing. Raises
    Problem 503 where that cannot be written now."""

    def __call__(self, account_id: str, /) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    rows: NumberRows
    routing: RoutingStore
    trunks: Trunks
    number_leaves: NumberLeaves
    log: Logger

    def kept(self, account_id: str, number: Number) -> Kept:
        trunk = None
        if number.account_trunk_id is not None:
            trunk = self.trunks.store.trunk(account_id, number.account_trunk_id)
        return Kept(number, trunk, self.trunks.linking.links.of(account_id, number.number))

    def settled(self, account_id: str, before: Number | None, after: Number, uses: int | None = None) -> Kept:
        """The number with what stands at LiveKit now. Where LiveKit refuses, number and LiveKit are as before. `uses`
        of a new number are as its writing left them."""
        with refusals():
            try:
                self._settle(account_id, after)
            except NotLinked as error:
                if error.again or before == after:
                    raise
                left = self._take_back(account_id, before, after, uses)
                link = self.trunks.linking.links.of(account_id, after.number)
                raise NotLinked(error.part, error.why, link, again=False, left=left) from error
        return self.kept(account_id, after)

    def _take_back(self, account_id: str, before: Number | None, after: Number, uses: int | None) -> str:
        """What became of what there was before, as a sentence."""
        try:
            if before is None:
                self.number_leaves(account_id)
                self.rows.delete(account_id, after, leaves=self.leaving(account_id, after, None), uses=uses)
                return "The number was not brought"
            restored = replace(before, revision=after.revision + 1)
            self.rows.write(account_id, after, restored, leaves=self.leaving(account_id, after, restored))
        except Problem as problem:
            self.log.warning("number not taken back", extra={"number": masked(after.number), "why": problem.title})
            return "The number is there and leads nowhere. Sync the numbers, or give it up"
        except (NumberChanged, HolderGone, OverflowChained):
            self.log.warning("number not taken back", extra={"number": masked(after.number)})
            return "The number was changed meanwhile and was not taken back. Sync the numbers"
        try:
            self._settle(account_id, restored)
        except (LinkBusy, NotLinked, SipDown) as error:
            return f"The number is as it was before, and LiveKit has not all of that yet: {error}. Sync the numbers"
        return "What was there before is in force"

    def unlink(self, account_id: str, number: Number) -> Link:
        """Takes down what LiveKit has for its callers. Raises LinkBusy, NotLinked, SipDown."""
        return self.trunks.ask(lambda sip: self.trunks.linking.unlink(sip, account_id, number.number))

    def _settle(self, account_id: str, number: Number) -> Link:
        """Has LiveKit take the number's callers, or no more. Raises LinkBusy, NotLinked, SipDown."""
        linking = self.trunks.linking
        trunk = self.kept(account_id, number).trunk
        if trunk is not None and holders_of(number):
            name = self.agent_name(account_id, number)
            return self.trunks.ask(lambda sip: linking.link_number(sip, account_id, number.number, trunk, name))
        link = linking.links.of(account_id, number.number)
        return link if link.is_empty else self.unlink(account_id, number)

    def agent_name(self, account_id: str, number: Number) -> str | None:
        """The name of its own under which the agent is dispatched who takes the number's callers, if it has one."""
        agent_id = number.agent_id
        if agent_id is None and number.pipe_id is not None:
            pipe = self.routing.pipe(account_id, number.pipe_id)
            agent_id = None if pipe is None else pipe.agent_id
        return self.routing.dispatch_name(account_id, agent_id)

    def leaving(self, account_id: str, before: Number, after: Number | None) -> tuple[Leaving, ...]:
        """Those who call from it because it was attached to them, with the number that they have besides."""
        stay = () if after is None else holders_of(after)
        leaves = []
        for holder in holders_of(before):
            if holder not in stay and self._calls_from(account_id, holder) == before.number:
                others = [each for each in self.routing.numbers(account_id) if holder in holders_of(each)]
                other = next((each for each in others if each.number != before.number), None)
                leaves.append(Leaving(holder, other))
        return tuple(leaves)

    def _calls_from(self, account_id: str, holder: Holder) -> str | None:
        if holder.kind == "agent":
            agent = self.routing.agent(account_id, holder.id)
            return None if agent is None else agent.number
        pipe = self.routing.pipe(account_id, holder.id)
        return None if pipe is None else pipe.number
