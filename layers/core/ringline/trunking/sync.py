"""Compares an account with LiveKit, when it is asked to, and after a trunk was changed."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.runtime.clock import Clock
from ringline.runtime.logging import masked
from ringline.runtime.web.problems import Problem
from ringline.trunking.comparing import Comparison
from ringline.trunking.model.drift import Synced
from ringline.trunking.model.lines import (
    CarrierTrunk,
    SipService,
)
from ringline.trunking.numbers import Numbers
from ringline.trunking.refusals import refusals


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    numbers: Numbers
    clock: Clock
    log: Logger

    def run(self, account_id: str, only_trunk: str | None = None) -> Synced:
        """All trunks and numbers of the account, or one trunk that was changed, with its numbers. Raises Problem 409,
        503."""

        async def work(sip: SipService) -> Synced:
            return await Comparison(self.numbers, sip, account_id, only_trunk, self.clock, self.log).all()

        with refusals():
            synced = self.numbers.trunks.ask(work)
        for each in synced.drift:
            said = {"kind": each.kind, "what": each.what, "livekit_id": each.livekit_id, "repaired": each.repaired}
            self.log.info("drift at LiveKit", extra={**said, "number": masked(each.number)})
        return synced

    def bring(self, account_id: str, trunk: CarrierTrunk) -> None:
        """Has LiveKit follow a trunk that was changed. Raises Problem 409, 503: what LiveKit does not have then is
        brought by the next comparison."""
        left = [each for each in self.run(account_id, trunk.trunk_id).drift if not each.repaired]
        if left:
            told = "; ".join(f"{each.what} {each.number or ''}: {each.detail}" for each in left)
            title = f"The change is kept, and LiveKit does not have all of it yet: {told}"
            raise Problem(503, "livekit_away", f"{title}. Send the same again, or sync the numbers")
