"""The same table of calls, looked at each 30 s: as many are begun then as lines are free.

Modelled on a scheduled job that starts what there is room for (a cron entry, or a function on a schedule). It is given
the count of the table under a lock, so that two that run at once do not both begin: what is shown is the polling.
"""

import time

from local.bench.peers.kinds.peer import POLL_S
from local.bench.peers.kinds.skip_locked import SkipLocked


class Polling(SkipLocked):
    """Implements `Peer`."""

    def take(self, worker: str) -> str | None:
        # All that run look at the same moments, as one job that begins many calls does.
        time.sleep(POLL_S - time.time() % POLL_S)
        return self.table.take_if_free(worker)
