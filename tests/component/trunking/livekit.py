"""LiveKit's trunks and rules in this process: it refuses what LiveKit refuses, and fails where it is told to."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import count
from typing import Any

from ringline.trunking.model.lines import (
    CallerRule,
    InboundTrunk,
    OutboundTrunk,
    SipDown,
    SipRefused,
    SipService,
)


class Fault(StrEnum):
    BEFORE = "before"
    """Nothing is done, and no answer comes."""
    AFTER = "after"
    """It is done, and no answer comes."""
    REFUSED = "refused"


@dataclass
class FakeLivekit:
    """Implements `SipService`. `faults` are met in turn by what makes, replaces or deletes; None is no fault."""

    outbound: dict[str, OutboundTrunk] = field(default_factory=dict)
    inbound: dict[str, InboundTrunk] = field(default_factory=dict)
    ruling: dict[str, CallerRule] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    faults: list[Fault | None] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    is_down: bool = False
    _ids: Any = field(default_factory=lambda: count(1))

    def ask[T](self, work: Callable[[SipService], Awaitable[T]]) -> T:
        async def working() -> T:
            return await work(self)

        return asyncio.run(working())

    @property
    def everything(self) -> dict[str, OutboundTrunk | InboundTrunk | CallerRule]:
        return {**self.outbound, **self.inbound, **self.ruling}

    async def outbound_trunks(self) -> list[OutboundTrunk]:
        self._reached()
        return list(self.outbound.values())

    async def inbound_trunks(self) -> list[InboundTrunk]:
        self._reached()
        return list(self.inbound.values())

    async def rules(self) -> list[CallerRule]:
        self._reached()
        return list(self.ruling.values())

    async def make_outbound(self, wanted: OutboundTrunk, password: str) -> str:
        def make() -> str:
            made = replace(wanted, id=f"ST_o{next(self._ids)}")
            self.outbound[made.id], self.passwords[made.id] = made, password
            return made.id

        return self._do("make_outbound", make)

    async def make_inbound(self, wanted: InboundTrunk) -> str:
        def make() -> str:
            for other in self.inbound.values():
                if set(other.numbers) & set(wanted.numbers):
                    raise SipRefused(f"invalid_argument: Conflicting inbound SIP Trunks: {other.id}")
            made = replace(wanted, id=f"ST_i{next(self._ids)}")
            self.inbound[made.id] = made
            return made.id

        return self._do("make_inbound", make)

    async def make_rule(self, wanted: CallerRule) -> str:
        def make() -> str:
            for other in self.ruling.values():
                if set(other.trunk_ids) & set(wanted.trunk_ids) and other.numbers == wanted.numbers:
                    raise SipRefused(f"invalid_argument: Conflicting SIP Dispatch Rules: {other.id}")
            made = replace(wanted, id=f"SDR_{next(self._ids)}")
            self.ruling[made.id] = made
            return made.id

        return self._do("make_rule", make)

    async def replace_outbound(self, trunk_id: str, wanted: OutboundTrunk, password: str) -> None:
        def change() -> None:
            _there(self.outbound, trunk_id)
            self.outbound[trunk_id], self.passwords[trunk_id] = replace(wanted, id=trunk_id), password

        self._do("replace_outbound", change)

    async def replace_inbound(self, trunk_id: str, wanted: InboundTrunk) -> None:
        def change() -> None:
            _there(self.inbound, trunk_id)
            self.inbound[trunk_id] = replace(wanted, id=trunk_id)

        self._do("replace_inbound", change)

    async def replace_rule(self, rule_id: str, wanted: CallerRule) -> None:
        def change() -> None:
            _there(self.ruling, rule_id)
            self.ruling[rule_id] = replace(wanted, id=rule_id)

        self._do("replace_rule", change)

    async def delete_trunk(self, trunk_id: str) -> None:
        def delete() -> None:
            self.inbound.pop(trunk_id, None)
            self.outbound.pop(trunk_id, None)

        self._do("delete_trunk", delete)

    async def delete_rule(self, rule_id: str) -> None:
        self._do("delete_rule", lambda: self.ruling.pop(rule_id, None))

    def _reached(self) -> None:
        if self.is_down:
            raise SipDown("not reached")

    def _do[T](self, what: str, do: Callable[[], T]) -> T:
        self._reached()
        self.asked.append(what)
        fault = self.faults.pop(0) if self.faults else None
        if fault is Fault.REFUSED:
            raise SipRefused("invalid_argument: refused")
        if fault is Fault.BEFORE:
            raise SipDown("not reached")
        done = do()
        if fault is Fault.AFTER:
            raise SipDown("no answer")
        return done


def _there(known: dict[str, Any], livekit_id: str) -> None:
    if livekit_id not in known:
        raise SipRefused(f"not_found: {livekit_id}")
