"""The parts of the network that its calls, agents and recordings share."""

from dataclasses import dataclass, field

from local.phones.carrier.desk import CarrierDesk
from local.phones.kernel.faults import Faults
from local.phones.kernel.ledger import Ledger
from local.phones.kernel.pace import Pace
from local.phones.kernel.tasks import Tasks
from local.phones.numbers import book
from local.phones.numbers.callees import Callee
from local.phones.post.courier import Courier
from local.phones.post.hooks import Hooks
from local.phones.rooms.roster import Roster


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One of each part. `overrides` replaces what a number does, until it is removed."""

    pace: Pace
    tasks: Tasks
    faults: Faults
    hooks: Hooks
    roster: Roster
    ledger: Ledger
    courier: Courier
    carriers: CarrierDesk
    overrides: dict[str, Callee] = field(default_factory=dict)

    def callee(self, number: str) -> Callee:
        return self.overrides.get(number) or book.callee_for(number)
