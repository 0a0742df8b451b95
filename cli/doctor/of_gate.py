"""Whether each account's gate counts the calls that hold its lines."""

from collections.abc import Callable
from dataclasses import dataclass

from cli.doctor.check import Check, Finding, Result
from cli.reach.api import Sleep
from cli.reach.deployment import Deployment
from ringline.calls.mending.gate_audit import GateAudit, NotAudited
from ringline.runtime.clock import Clock

MOST_CALLS, MOST_ACCOUNTS = 1000, 50
"""What a person waits for: each account is a read over the internet, each hundred calls another."""


@dataclass(frozen=True, slots=True)
class GateCheck:
    """The sweep's own audit, at this moment. `deployment` is found at the first look."""

    deployment: Callable[[], Deployment]
    clock: Clock
    sleep: Sleep

    def all(self) -> list[Check]:
        return [Check("gate", self._gate)]

    def _gate(self) -> Finding:
        deployment = self.deployment()
        audited = GateAudit(
            deployment.calls,
            deployment.watchlist,
            self.clock,
            self.sleep,
            most_calls=MOST_CALLS,
            most_accounts=MOST_ACCOUNTS,
        ).run()
        if isinstance(audited, NotAudited):
            return Finding("gate", Result.SKIPPED, audited.why)
        if not audited.differences:
            return Finding("gate", Result.OK, "counts the calls on a line, of each account that has any or waits")
        differs = [f"{each.account_id} {each.in_use} lines in use, {each.calls} calls" for each in audited.differences]
        says = f"counts otherwise than there are calls: {'; '.join(differs)}"
        return Finding("gate", Result.FAIL, says, "docs/operating.md#a-gate-counts-otherwise-than-there-are-calls")
