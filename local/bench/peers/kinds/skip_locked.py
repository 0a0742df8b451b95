"""A table of calls; a worker takes the first that nobody has locked, and counts the lines under a lock of the
account's.

Modelled on PostgreSQL's page on SELECT (SKIP LOCKED "can be used to avoid lock contention with multiple consumers
accessing a queue-like table") and on graphile_worker: a worker says each 30 s that it lives, and jobs of one that was
not heard for 300 s go back to the queue. Nothing is polled for longer than a second or two there.
"""

import threading
import time

import psycopg

from local.bench.peers.calls.trace import CAP
from local.bench.peers.kinds.peer import LEASE_S

LOOKED_AGAIN_AFTER_S = 0.03
"""A worker that found nothing looks again after 1.5 s."""

_TABLES = """
DROP TABLE IF EXISTS calls, workers, accounts;
CREATE TABLE calls (place serial PRIMARY KEY, call_id text UNIQUE, state text NOT NULL DEFAULT 'waiting', worker text);
CREATE INDEX ON calls (place) WHERE state = 'waiting';
CREATE TABLE workers (worker text PRIMARY KEY, seen_at timestamptz NOT NULL);
CREATE TABLE accounts (account text PRIMARY KEY);
INSERT INTO accounts VALUES ('acme');
"""
_TAKE = """
UPDATE calls SET state = 'dialing', worker = %s
WHERE place = (SELECT place FROM calls WHERE state = 'waiting' ORDER BY place FOR UPDATE SKIP LOCKED LIMIT 1)
RETURNING call_id
"""
_IN_USE = "SELECT count(*) FROM calls WHERE state = 'dialing'"
_RECOVER = """
WITH gone AS (DELETE FROM workers WHERE seen_at < now() - make_interval(secs => %s) RETURNING worker)
UPDATE calls SET state = 'waiting', worker = NULL WHERE state = 'dialing' AND worker IN (SELECT worker FROM gone)
"""


class CallTable:
    """The table, with a connection for each thread."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._threads = threading.local()

    def connection(self) -> psycopg.Connection:
        made: psycopg.Connection | None = getattr(self._threads, "connection", None)
        if made is None:
            made = self._threads.connection = psycopg.connect(self._url, autocommit=True)
        return made

    def set_up(self) -> None:
        self.connection().execute(_TABLES)

    def put(self, call_id: str) -> None:
        self.connection().execute("INSERT INTO calls (call_id) VALUES (%s)", [call_id])

    def take_if_free(self, worker: str) -> str | None:
        """A waiting call, if fewer than CAP are under way, in one transaction."""
        connection = self.connection()
        with connection.transaction():
            connection.execute("SELECT FROM accounts WHERE account = 'acme' FOR UPDATE")
            if self.in_use() >= CAP:
                return None
            taken = connection.execute(_TAKE, [worker]).fetchone()
        return None if taken is None else str(taken[0])

    def in_use(self) -> int:
        row = self.connection().execute(_IN_USE).fetchone()
        assert row is not None
        return int(row[0])

    def over(self, call_id: str) -> None:
        self.connection().execute("UPDATE calls SET state = 'over' WHERE call_id = %s", [call_id])

    def beat(self, worker: str) -> None:
        connection = self.connection()
        said = "INSERT INTO workers VALUES (%s, now()) ON CONFLICT (worker) DO UPDATE SET seen_at = now()"
        connection.execute(said, [worker])
        connection.execute(_RECOVER, [LEASE_S])


class SkipLocked:
    """Implements `Peer`."""

    def __init__(self, url: str) -> None:
        self.table = CallTable(url)

    def set_up(self) -> None:
        self.table.set_up()

    def put(self, call_id: str) -> None:
        self.table.put(call_id)

    def take(self, worker: str) -> str | None:
        taken = self.table.take_if_free(worker)
        if taken is None:
            time.sleep(LOOKED_AGAIN_AFTER_S)
        return taken

    def done(self, worker: str, call_id: str) -> None:
        self.table.over(call_id)

    def beat(self, worker: str) -> None:
        self.table.beat(worker)

    def held(self) -> int:
        return self.table.in_use()
