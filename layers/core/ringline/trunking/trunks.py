"""Trunks of an account: a carrier of its own, or a trunk that LiveKit has already.

create:  row written -> LiveKit's trunk made            refused: the row is removed again, unless it was there before
delete:  row marked `leaving`, so that no number comes to it -> its numbers looked for -> taken down -> row removed
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools import Logger

from ringline.routing.store import RoutingStore
from ringline.runtime.clock import Clock
from ringline.runtime.ids import is_plausible_id, new_id
from ringline.runtime.web.problems import FieldError, Problem, invalid_field, not_found
from ringline.runtime.web.revisions import check_revision
from ringline.trunking.linking import Linking, NotLinked
from ringline.trunking.model.lines import AskSip, CarrierTrunk, Link, Side, SipService, TrunkType
from ringline.trunking.refusals import refusals
from ringline.trunking.tables.trunks import TrunkStore

_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunks:
    """`deployment_trunk` is the one of LiveKit's that calls without a trunk of their own go through: nobody's to
    adopt. `check_host` raises Problem 422 for a carrier's host where LiveKit is not to call."""

    store: TrunkStore
    routing: RoutingStore
    linking: Linking
    ask: AskSip
    deployment_trunk: str
    check_host: Callable[[str], None]
    clock: Clock
    log: Logger

    def find(self, account_id: str, trunk_id: str) -> CarrierTrunk:
        """Raises Problem 404 `trunk_not_found`."""
        trunk = self.store.trunk(account_id, trunk_id) if is_plausible_id(trunk_id) else None
        if trunk is None:
            raise not_found("trunk_not_found", "The account has no such trunk")
        return trunk

    def link_of(self, account_id: str, trunk: CarrierTrunk) -> Link:
        return self.linking.links.of(account_id, trunk.trunk_id)

    def create(self, account_id: str, said: dict[str, Any], password: str | None) -> tuple[CarrierTrunk, Link]:
        """Makes a trunk of what was said: fields of CarrierTrunk. One of the same name and carrier that LiveKit has not
        yet is gone on with, and stays where LiveKit refuses it: a number may have come to it. Raises Problem 409, 422,
        503."""
        self._check_host(said)
        if said["type"] == TrunkType.LIVEKIT:
            return self._adopt(account_id, said), Link(thing="")
        begun = self._begun(account_id, said, password)
        trunk = begun or self._with_password(account_id, self._new(account_id, said), password)
        if begun is None:
            self.store.add(account_id, trunk)
        with refusals():
            try:
                return trunk, self.ask(lambda sip: self.linking.link_trunk(sip, account_id, trunk))
            except NotLinked as error:
                if begun is None and not error.again:
                    self.forget(account_id, trunk)
                raise

    def change(
        self, account_id: str, trunk_id: str, said: dict[str, Any], password: str | None, revision: int | None
    ) -> CarrierTrunk:
        """Changes the row; what stands at LiveKit is mended after it. Raises Problem 404, 412, 422."""
        self._check_host(said)

        def changed(before: CarrierTrunk) -> CarrierTrunk:
            if before.provider_trunk_id is not None and (set(said) - {"name", "allowed_addresses", "media_encryption"}):
                raise invalid_field("byo_config", "is a carrier's, and this trunk is LiveKit's own")
            return self._with_password(account_id, replace(before, **said), password)

        return self._change(account_id, trunk_id, revision, changed)

    def delete(self, account_id: str, trunk_id: str, revision: int | None) -> None:
        """Raises Problem 404, 409 `trunk_in_use` or `in_use`, 412, 503."""
        self._check_use(account_id, self.find(account_id, trunk_id))
        trunk = self._change(account_id, trunk_id, revision, lambda before: replace(before, leaving=True))
        try:
            self.close(account_id, trunk)
        except Problem:
            self.stay(account_id, trunk_id)
            raise
        with refusals():
            if not self.link_of(account_id, trunk).is_empty:
                self.ask(lambda sip: self.linking.unlink(sip, account_id, trunk_id))
        self.forget(account_id, trunk)
        self.log.info("trunk deleted", extra={"trunk_id": trunk_id})

    def _check_host(self, said: Mapping[str, Any]) -> None:
        host = said.get("sip_domain")
        if host is not None:
            self.check_host(host)

    def close(self, account_id: str, trunk: CarrierTrunk) -> None:
        """Nobody comes to a trunk that is leaving: no number, and no pipe and no agent that would name it. Raises
        Problem 409 where somebody is there, 503."""
        for _ in range(_TRIES):
            livekit_id = self._livekit_id(account_id, trunk)
            uses = 0 if livekit_id is None else self.store.uses(account_id, livekit_id)
            self._check_use(account_id, trunk)
            if livekit_id is None or self.store.close(account_id, livekit_id, uses):
                return
        raise Problem(503, "contended", "Too many changes came at once")

    def is_used(self, account_id: str, trunk: CarrierTrunk) -> bool:
        """Whether a number, a pipe or an agent uses it at this moment."""
        try:
            self._check_use(account_id, trunk)
        except Problem:
            return True
        return False

    def _livekit_id(self, account_id: str, trunk: CarrierTrunk) -> str | None:
        return trunk.provider_trunk_id or self.link_of(account_id, trunk).outbound_trunk_id

    def _check_use(self, account_id: str, trunk: CarrierTrunk) -> None:
        """Raises Problem 409 that names who uses it."""
        numbers = [each.number for each in self.routing.numbers(account_id) if each.account_trunk_id == trunk.trunk_id]
        if numbers:
            used_by = tuple(FieldError("numbers", each) for each in numbers)
            raise Problem(409, "trunk_in_use", f"The trunk has numbers: {', '.join(numbers)}", used_by)
        livekit_id = self._livekit_id(account_id, trunk)
        if livekit_id is None or self._is_adopted_besides(account_id, trunk):
            return
        pipes = [("pipe", each.pipe_id) for each in self.routing.pipes(account_id) if each.trunk_id == livekit_id]
        agents = [("agent", each.agent_id) for each in self.routing.agents(account_id) if each.trunk_id == livekit_id]
        if users := pipes + agents:
            used_by = tuple(FieldError(f"{kind}:{each}", "uses this trunk") for kind, each in users)
            told = ", ".join(f"{kind} {each}" for kind, each in users)
            raise Problem(409, "in_use", f"The trunk is used by {told}", used_by)

    def _is_adopted_besides(self, account_id: str, trunk: CarrierTrunk) -> bool:
        """Whether the account has adopted it more than once: it keeps it then."""
        adopted = trunk.provider_trunk_id
        others = (each for each in self.store.trunks(account_id) if each.trunk_id != trunk.trunk_id)
        return adopted is not None and any(each.provider_trunk_id == adopted for each in others)

    def stay(self, account_id: str, trunk_id: str) -> None:
        """A trunk that was to be deleted takes numbers again. Raises Problem 404, 503."""
        self._change(account_id, trunk_id, None, lambda before: replace(before, leaving=False))

    def forget(self, account_id: str, trunk: CarrierTrunk) -> None:
        """Removes the row, when nothing of it is at LiveKit. Raises Problem 503 where somebody has changed the trunk
        meanwhile: it is there still."""
        if not self.store.delete(account_id, trunk) and self.store.trunk(account_id, trunk.trunk_id) is not None:
            raise Problem(503, "contended", "The trunk was changed meanwhile; ask again")
        adopted = trunk.provider_trunk_id
        # It is anybody's again when the last of these is gone.
        if adopted is not None and not self._is_adopted_besides(account_id, trunk):
            self.store.give_up(account_id, adopted)
        link, _ = self.linking.links.take(account_id, trunk.trunk_id)
        self.linking.links.let_go(account_id, Link(thing=trunk.trunk_id, busy_until=link.busy_until))

    def _new(self, account_id: str, said: dict[str, Any]) -> CarrierTrunk:
        now = self.clock()
        return CarrierTrunk(trunk_id=new_id("trunk"), created_at=now, modified_at=now, **said)

    def _begun(self, account_id: str, said: dict[str, Any], password: str | None) -> CarrierTrunk | None:
        for trunk in self.store.trunks(account_id):
            is_same = all(getattr(trunk, name) == value for name, value in said.items())
            is_same = is_same and self.linking.password(account_id, trunk) == (password or "")
            if is_same and not trunk.leaving and self.link_of(account_id, trunk).outbound_trunk_id is None:
                return trunk
        return None

    def _with_password(self, account_id: str, trunk: CarrierTrunk, password: str | None) -> CarrierTrunk:
        if password is None or (trunk.sealed_password is not None and self._is_its(account_id, trunk, password)):
            return trunk
        return replace(trunk, sealed_password=self.linking.sealer.seal(account_id, trunk.trunk_id, password))

    def _is_its(self, account_id: str, trunk: CarrierTrunk, password: str) -> bool:
        """Sealed anew it would look like a change."""
        return self.linking.password(account_id, trunk) == password

    def _adopt(self, account_id: str, said: dict[str, Any]) -> CarrierTrunk:
        livekit_id = said["provider_trunk_id"]
        with refusals():
            side = self.ask(lambda sip: self._side_of(sip, livekit_id))
        if side is None:
            raise invalid_field("provider_trunk_id", "names no trunk of LiveKit's", code="unknown_provider_trunk")
        known = self.routing.trunk(livekit_id)
        is_anothers = known is not None and known.account_id not in {None, account_id}
        if is_anothers or livekit_id == self.deployment_trunk or not self.store.adopt(account_id, livekit_id):
            raise _taken()
        trunk = replace(self._new(account_id, said), provider_side=side)
        self.store.add(account_id, trunk)
        return trunk

    async def _side_of(self, sip: SipService, livekit_id: str) -> Side | None:
        """Raises Problem 409 for a trunk that was made for an account of this deployment or another."""
        for side, found in ((Side.OUTBOUND, await sip.outbound_trunks()), (Side.INBOUND, await sip.inbound_trunks())):
            for each in found:
                if each.id == livekit_id:
                    if each.mark is not None:
                        raise _taken()
                    return side
        return None

    def _change(
        self,
        account_id: str,
        trunk_id: str,
        revision: int | None,
        change: Callable[[CarrierTrunk], CarrierTrunk],
    ) -> CarrierTrunk:
        for _ in range(_TRIES):
            before = self.find(account_id, trunk_id)
            changed = change(before)
            check_revision(revision, before.revision, is_so=changed == before)
            if changed == before:
                return before
            after = replace(changed, revision=before.revision + 1, modified_at=self.clock())
            if self.store.change(account_id, before, after):
                return after
        raise Problem(503, "contended", "Too many changes came at once")


def _taken() -> Problem:
    return Problem(409, "provider_trunk_taken", "This trunk of LiveKit's is used for somebody else")
