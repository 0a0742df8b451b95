"""The same list of calls, and one number for the lines in use: INCR before a call, DECR after it.

Modelled on the counter of Redis's page on INCR, with the number taken back where it was over the limit. The queue is
the reliable one, as of the semaphore.
"""

import time

from local.bench.peers.calls.trace import CAP
from local.bench.peers.kinds.peer import REQUEUED_AFTER_S
from local.bench.peers.kinds.semaphore import ReliableQueue


class Counters(ReliableQueue):
    """Implements `Peer`."""

    def take(self, worker: str) -> str | None:
        call_id = self.next(worker)
        if call_id is None:
            return None
        if self.redis.incr("in_use") <= CAP:
            return call_id
        self.redis.decr("in_use")
        time.sleep(REQUEUED_AFTER_S)
        self.requeue(worker, call_id)
        return None

    def done(self, worker: str, call_id: str) -> None:
        self.redis.decr("in_use")
        self.over(worker, call_id)

    def held(self) -> int:
        return int(self.redis.get("in_use") or 0)
