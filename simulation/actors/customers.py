"""Customers: they ask for calls, ask again where they heard no answer, hang up, change their caps, and try to hang up
another's calls."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from simulation.kernel.processes import Process, Work
from simulation.kernel.world import START, World
from simulation.plan.planned import PlannedAccount, PlannedCall, PlannedCap, PlannedReserve

_TRIES = 3


class TakesRequests(Protocol):
    """The API."""

    def create(self, account_id: str, plan: PlannedCall) -> bool: ...

    def hang_up(self, account_id: str, call_id: str) -> Coroutine[Any, Any, bool]: ...

    def set_cap(self, account_id: str, cap: int) -> Coroutine[Any, Any, bool]: ...

    def cap(self, planned: PlannedCap) -> bool: ...

    def reserve(self, planned: PlannedReserve) -> bool: ...


type IdOf = Callable[[str], str | None]
"""The id of the call to a number; None as long as it is not accepted."""


class Customers:
    def __init__(self, world: World, accounts: tuple[PlannedAccount, ...], api: TakesRequests, id_of: IdOf) -> None:
        self._world = world
        self._accounts = accounts
        self._api = api
        self._id_of = id_of

    def will_change_caps(self, account: PlannedAccount) -> None:
        for at, cap in account.cap_changes:
            self._world.at(START + at, self._set_cap, account.account_id, cap)

    def will_cap(self, planned: PlannedCap) -> None:
        self._world.at(START + planned.at, self._caps, planned)

    def _caps(self, planned: PlannedCap) -> None:
        self._sets(f"cap/{planned.of}", planned.account_id, partial(self._api.cap, planned))

    def _sets(self, site: str, account_id: str, work: Work) -> None:
        """Repeats are the client's: what was set twice is set once."""

        def again(_process: Process, well: bool) -> None:
            if not well:
                self._world.after(1_000, self._sets, site, account_id, work)

        self._world.spawn("create", site, work, again, account_id=account_id)

    def will_reserve(self, planned: PlannedReserve) -> None:
        self._world.at(START + planned.at, self._reserves, planned)

    def _reserves(self, planned: PlannedReserve) -> None:
        account_id = planned.account_id
        self._sets(f"reserve/{account_id}", account_id, partial(self._api.reserve, planned))

    def will_call(self, call: PlannedCall) -> None:
        self._world.at(START + call.at, self._calls, call)

    def _set_cap(self, account_id: str, cap: int) -> None:
        self._sets(f"cap/{account_id}", account_id, partial(self._api.set_cap, account_id, cap))

    def _calls(self, call: PlannedCall) -> None:
        world, account_id = self._world, self._accounts[call.account].account_id
        self._asks_for(account_id, call, _TRIES if call.asks_again else 1)
        if call.asks_again and world.chance.draw("asked twice") < 0.2:
            world.after(world.chance.between("asked twice", 0, 100), self._asks_for, account_id, call, 1)
        for after in call.hang_ups_after:
            world.after(max(1, after), self._hangs_up, account_id, call)
        if call.foreign_hang_up and len(self._accounts) > 1:
            foreign = self._accounts[call.account - 1].account_id
            world.after(1_000, self._hangs_up, foreign, call)

    def _asks_for(self, account_id: str, call: PlannedCall, tries: int) -> None:
        def unless_answered(_process: Process, well: bool) -> None:
            if not well and tries > 1:
                wait_ms = self._world.chance.between("asks again", 0, 3_000)
                self._world.after(wait_ms, self._asks_for, account_id, call, tries - 1)

        work = partial(self._api.create, account_id, call)
        self._world.spawn("create", str(call.number), work, unless_answered, account_id=account_id)

    def _hangs_up(self, account_id: str, call: PlannedCall) -> None:
        call_id = self._id_of(call.to_number)
        if call_id is None:
            return
        work = partial(self._api.hang_up, account_id, call_id)
        self._world.spawn("hangup", str(call.number), work, _asks_once, account_id=account_id)


def _asks_once(_process: Process, _well: bool) -> None:
    """Whoever hangs up does not ask twice."""
