"""A list of calls, and a sorted set of leases as the semaphore: a call without a line goes back to the list's end.

Modelled on the counting semaphore of "Redis in Action" (6.3) and on the Lua scripts by which open-source dispatchers
take a slot (Inngest's worker capacity, Marqo's throttling): expired leases go, the others are counted, one is added,
in one script. The list is the reliable queue of Redis's page on LMOVE: a call stays in a list of its worker's until it
is over.
"""

import time

import redis

from local.bench.peers.calls.trace import CAP
from local.bench.peers.kinds.peer import LEASE_S, REQUEUED_AFTER_S

_ACQUIRE = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[4])
return 1
"""


class ReliableQueue:
    """The calls that wait, and those that each worker has. Calls of a worker that was not heard for LEASE_S wait
    again."""

    def __init__(self, url: str) -> None:
        self.redis = redis.Redis.from_url(url, decode_responses=True)

    def set_up(self) -> None:
        self.redis.flushall()

    def put(self, call_id: str) -> None:
        self.redis.rpush("waiting", call_id)

    def next(self, worker: str) -> str | None:
        """The first call, as the worker's from now on."""
        call_id = self.redis.blmove("waiting", f"of:{worker}", 1, "LEFT", "RIGHT")
        return None if call_id is None else str(call_id)

    def requeue(self, worker: str, call_id: str) -> None:
        with self.redis.pipeline(transaction=True) as together:
            together.lrem(f"of:{worker}", 1, call_id)
            together.rpush("waiting", call_id)
            together.execute()

    def over(self, worker: str, call_id: str) -> None:
        self.redis.lrem(f"of:{worker}", 1, call_id)

    def beat(self, worker: str) -> None:
        now = time.time()
        self.redis.zadd("workers", {worker: now})
        for lost in map(str, self.redis.zrangebyscore("workers", "-inf", now - LEASE_S)):
            while self.redis.lmove(f"of:{lost}", "waiting", "LEFT", "RIGHT") is not None:
                continue
            self.redis.zrem("workers", lost)


class Semaphore(ReliableQueue):
    """Implements `Peer`."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._acquire = self.redis.register_script(_ACQUIRE)

    def take(self, worker: str) -> str | None:
        call_id = self.next(worker)
        if call_id is None:
            return None
        now = time.time()
        if self._acquire(keys=["lines"], args=[now, CAP, now + LEASE_S, f"{worker}/{call_id}"]):
            return call_id
        time.sleep(REQUEUED_AFTER_S)
        self.requeue(worker, call_id)
        return None

    def done(self, worker: str, call_id: str) -> None:
        self.redis.zrem("lines", f"{worker}/{call_id}")
        self.over(worker, call_id)

    def beat(self, worker: str) -> None:
        for lease in map(str, self.redis.zrange("lines", 0, -1)):
            if lease.startswith(f"{worker}/"):
                self.redis.zadd("lines", {lease: time.time() + LEASE_S}, xx=True)
        super().beat(worker)

    def held(self) -> int:
        return int(self.redis.zcount("lines", time.time(), "+inf"))
