"""One dialer's claiming, as a process of its own: `python -m local.bench.claims.worker TABLE MOST ACCOUNT...`.

Prints `ready`, waits for a line, claims what waits of the accounts, in turns, up to MOST calls at once, for
CLAIMS_FOR_S at the most, and prints what it did as JSON.
"""

import json
import sys
import time
from http import HTTPStatus
from typing import Any

from ringline.agents.tables.registry import Registry
from ringline.calls.outbound.admit import Admit
from ringline.calls.progress.capacity import Capacity
from ringline.calls.progress.limits_met import LimitsMet
from ringline.calls.progress.progress import Progress
from ringline.calls.tables.limits.counters import Counters
from ringline.calls.tables.limits.reached import ReachedLimits
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.store import CallStore, TableContended
from ringline.composition.dial_next import PoolsWhenNeeded
from ringline.runtime import aws
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger

CLAIMS_FOR_S = 3.0


class Silent:
    """A doorbell that nobody hears."""

    def ring(self, account_id: str, after_s: int = 0) -> None:
        """Does nothing: whoever claims here needs no bell."""


def admitting(table: str) -> Admit:
    dynamodb, log = aws.dynamodb(), make_logger("claims")
    store = CallStore(dynamodb, table)
    return Admit(
        store=store,
        paces=TrunkPaces(dynamodb, table, "ST_1", 0),
        places=Registry(dynamodb, table, now_ms),
        capacity=Capacity(Counters(dynamodb, table, now_ms), PoolsWhenNeeded(table), now_ms),
        progress=Progress(store, Silent(), now_ms, log),
        limits=LimitsMet(ReachedLimits(dynamodb, table), now_ms, log),
        clock=now_ms,
        log=log,
    )


class Transactions:
    """How many a client sends, and how many of them are refused."""

    def __init__(self, dynamodb: Any) -> None:
        self.sent = self.refused = 0
        dynamodb.meta.events.register("after-call.dynamodb.TransactWriteItems", self._answered)

    def _answered(self, http_response: Any, **_: Any) -> None:
        self.sent += 1
        self.refused += http_response.status_code >= HTTPStatus.BAD_REQUEST


def claim_all(admit: Admit, accounts: list[str], most: int) -> dict[str, float]:
    """How many calls were claimed, how often all tries were lost to others, and how long it took."""
    transactions = Transactions(aws.dynamodb())
    claimed = contended = 0
    began = time.monotonic()
    waiting = list(accounts)
    while waiting and time.monotonic() < began + CLAIMS_FOR_S:
        for account_id in list(waiting):
            try:
                admitted = admit.next(account_id, most)
            except TableContended:
                contended += 1
                continue
            if isinstance(admitted, list):
                claimed += len(admitted)
            else:
                waiting.remove(account_id)
    return {
        "claimed": claimed,
        "contended": contended,
        "sent": transactions.sent,
        "refused": transactions.refused,
        "seconds": time.monotonic() - began,
    }


def main() -> None:
    table, most, *accounts = sys.argv[1:]
    admit = admitting(table)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(claim_all(admit, accounts, int(most))), flush=True)


if __name__ == "__main__":
    main()
