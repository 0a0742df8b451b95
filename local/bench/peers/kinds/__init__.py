"""The peers. Each is built as its documentation recommends; each module says what it is modelled on.

A call of 100 s takes 2 s here, and so do waits: what a peer does each 30 s, it does each 0.6 s. Leases are longer than
that scale says, and beats more frequent, so that none expires only because this machine is busy.
"""

from collections.abc import Callable, Mapping

from local.bench.peers.kinds.counters import Counters
from local.bench.peers.kinds.peer import Peer
from local.bench.peers.kinds.polling import Polling
from local.bench.peers.kinds.semaphore import Semaphore
from local.bench.peers.kinds.skip_locked import SkipLocked

REDIS, POSTGRES = "redis", "postgres"
KINDS: Mapping[str, tuple[str, Callable[[str], Peer]]] = {
    "Redis sorted-set semaphore, requeue": (REDIS, Semaphore),
    "Redis INCR and DECR": (REDIS, Counters),
    "Postgres SKIP LOCKED": (POSTGRES, SkipLocked),
    "fixed polling, each 30 s": (POSTGRES, Polling),
}
"""What each peer stands on, and how it is made of that server's address."""
