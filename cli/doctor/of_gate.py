"""Whether each account's gate counts the calls that hold its lines."""

from collections.abc import Callable
from dataclasses import dataclass

from cli.doctor.check import Check, Finding, Result
from cli.reach.api import Sleep
from cli.reach.busy import busy_accounts, lines_held
from cli.reach.deployment import Deployment
from ringline.runtime.clock import Clock

_LOOK_AGAIN_S = 2.0
"""A call that moves between two reads looks like a difference, and so does one that the index does not name yet."""

_LOOKS = 3


@dataclass(frozen=True, slots=True)
class GateCheck:
    """`deployment` is found at the first look."""

    deployment: Callable[[], Deployment]
    clock: Clock
    sleep: Sleep

    def all(self) -> list[Check]:
        return [Check("gate", self._gate)]

    def _gate(self) -> Finding:
        """Looks again where a difference is seen: only one that stays is one."""
        differs: dict[str, str] = {}
        for look in range(_LOOKS):
            if look:
                self.sleep(_LOOK_AGAIN_S)
            found = self._differences()
            if isinstance(found, Finding):
                return found
            differs = found if not look else {each: says for each, says in found.items() if differs.get(each) == says}
            if not differs:
                return Finding("gate", Result.OK, "counts the calls on a line, of each account that has any or waits")
        says = f"counts otherwise than there are calls: {'; '.join(differs.values())}"
        remedy = "docs/operating.md#what-to-look-for: a line that seems lost."
        return Finding("gate", Result.FAIL, says, remedy)

    def _differences(self) -> dict[str, str] | Finding:
        deployment = self.deployment()
        held = lines_held(deployment, self.clock())
        if held is None:
            return Finding("gate", Result.SKIPPED, "too many calls are on a line to be counted one by one")
        accounts = busy_accounts(deployment, self.clock(), held).rows
        return {
            each.account_id: f"{each.account_id} {each.in_use} lines in use, {held[each.account_id]} calls"
            for each in accounts
            if each.in_use != held[each.account_id]
        }
