"""What runners and speech workers tell on their control sockets: that they are there, that they still are, whether they
take a call, and that a call was lost."""

from collections.abc import Callable
from copy import replace
from typing import Protocol

from aws_lambda_powertools import Logger

from ringline.agents.model.frames import (
    DIAL_OUT,
    MEDIA,
    Heartbeat,
    JobAck,
    JobLost,
    Received,
    Register,
    Unread,
    not_registered,
    read_frame,
    registered,
)
from ringline.agents.model.records import Connection, LastBeat
from ringline.agents.sockets import Sent, Sockets
from ringline.agents.tables.registry import Registry
from ringline.calls.model.timing import MS_PER_S, RUNNER_OVERDUE_S
from ringline.routing.records import Brain
from ringline.routing.store import RoutingStore
from ringline.runtime.clock import Clock

KEY_CHECKED_EVERY_S = 60
"""With the first beat of each minute of the clock the key is read that a runner came with: one read unit a minute."""


class Acknowledges(Protocol):
    def acknowledged(self, connection: Connection, ack: JobAck) -> None: ...


class HearsWorkers(Protocol):
    """What is done about a speech worker's words (`speech_workers`)."""

    def beaten(self, connection: Connection, last: LastBeat, active_jobs: int) -> None: ...

    def job_lost(self, told: JobLost) -> None: ...

    def disconnected(self, worker_id: str) -> None: ...


class Listen:
    """`may_stay` tells whether the key that a connection came with is still good. `assign` and `ring_if_waiting` are
    loaded with the first acknowledgement and the first runner that comes: most of what is heard are beats."""

    def __init__(
        self,
        *,
        registry: Registry,
        routing: RoutingStore,
        sockets: Sockets,
        assign: Callable[[], Acknowledges],
        ring_if_waiting: Callable[[str], None],
        speech_workers: HearsWorkers,
        may_stay: Callable[[Connection], bool],
        clock: Clock,
        log: Logger,
    ) -> None:
        self._registry = registry
        self._routing = routing
        self._sockets = sockets
        self._assign = assign
        self._ring_if_waiting = ring_if_waiting
        self._speech_workers = speech_workers
        self._may_stay = may_stay
        self._clock = clock
        self._log = log

    def connect(
        self, connection_id: str, account_id: str, key_id: str | None = None, source_ip: str | None = None
    ) -> None:
        """Notes whose connection it is, which only its credential tells."""
        self._registry.connect(connection_id, account_id, key_id, source_ip)

    def disconnect(self, connection_id: str) -> None:
        """A runner that has come back on another connection stays there."""
        closed = self._registry.disconnect(connection_id)
        if closed is not None and closed.worker_id is not None:
            self._log.info("runner disconnected", extra=_names(closed))
            if closed.is_speech_workers:
                self._speech_workers.disconnected(closed.worker_id)

    def receive(self, connection_id: str, text: str) -> None:
        """One frame of a runner. Frames of a connection may come side by side and in any order."""
        told = read_frame(text)
        try:
            self._take(connection_id, told)
        except Exception:
            if isinstance(told, Register):
                # It would wait for its answer for ever; on another connection it registers anew.
                self._sockets.close(connection_id)
            raise

    def _take(self, connection_id: str, told: Received) -> None:
        connection = self._registry.connection(connection_id)
        if connection is None:
            self._log.info("frame of a closed connection")
            return
        self._log.append_keys(account_id=connection.account_id)
        match told:
            case Register():
                self._register(connection, told)
            case Heartbeat(active_jobs):
                self._beat(connection, active_jobs)
            case JobAck() if not connection.is_speech_workers:
                self._acknowledged(connection, told)
            case JobLost() if connection.is_speech_workers:
                self._speech_workers.job_lost(told)
            case JobAck() | JobLost():
                self._log.warning("frame of another kind of worker", extra=_names(connection))
            case Unread(why):
                self._log.info("frame passed over", extra={"why": why, **_names(connection)})

    def _register(self, connection: Connection, told: Register) -> None:
        refusal = self._refusal(connection, told)
        names = {"worker_id": told.worker_id, "agent_id": told.agent_id}
        if refusal is not None:
            self._log.warning("runner refused", extra={**names, "why": refusal})
            self._sockets.send(connection.connection_id, not_registered(refusal))
            return
        if not self._registry.register(connection, told):
            self._log.info("runner has come back elsewhere", extra=names)
            return
        sent = self._sockets.send(connection.connection_id, registered())
        if sent is not Sent.SENT:
            self._log.info("runner not answered", extra={**names, "sent": sent.value})
            if sent is Sent.UNKNOWN:
                # It would wait for this frame for ever.
                self._sockets.close(connection.connection_id)
            return
        self._log.info("runner registered", extra={**names, "pool": told.pool, "max_concurrent": told.max_concurrent})
        known = replace(connection, agent_id=told.agent_id, worker_id=told.worker_id, places=told.max_concurrent)
        self._beat(known, 0)

    def _refusal(self, connection: Connection, told: Register) -> str | None:
        """Why this runner is not served. All that it says of itself is a claim; a speech worker has proven what it
        is."""
        if connection.is_speech_workers:
            return None if told.kind == MEDIA else "not_a_speech_worker"
        if told.transport != DIAL_OUT:
            return "transport_not_served"
        agent = self._routing.agent(connection.account_id, told.agent_id)
        if agent is None:
            return "agent_not_found"
        return None if agent.brain == Brain.RUNNER else "agent_has_no_runners"

    def _beat(self, connection: Connection, active_jobs: int) -> None:
        last = self._registry.beat(connection, active_jobs)
        if last is None:
            return
        if connection.is_speech_workers:
            self._speech_workers.beaten(connection, last, active_jobs)
            return
        if connection.key_id is not None and self._is_first_of_its_minute(last) and not self._may_stay(connection):
            self._cut_off(connection)
            return
        if self._clock() - last.at < RUNNER_OVERDUE_S * MS_PER_S:
            return
        if last.at:
            self._log.info("runner is back", extra=_names(connection))
        try:
            self._ring_if_waiting(connection.account_id)
        except Exception:
            # The sweep rings within its minute for whoever waits.
            self._log.exception("doorbell not rung")

    def _is_first_of_its_minute(self, last: LastBeat) -> bool:
        minute = KEY_CHECKED_EVERY_S * MS_PER_S
        return last.at // minute != self._clock() // minute

    def _cut_off(self, connection: Connection) -> None:
        """Its calls, which do not go through this connection, go on to their end. On another one it is refused."""
        self._log.warning(
            "runner cut off", extra={"why": "key_is_over", "key_id": connection.key_id, **_names(connection)}
        )
        self._registry.disconnect(connection.connection_id)
        self._sockets.close(connection.connection_id)

    def _acknowledged(self, connection: Connection, ack: JobAck) -> None:
        if connection.worker_id is not None:
            self._assign().acknowledged(connection, ack)


def _names(connection: Connection) -> dict[str, str | None]:
    return {"worker_id": connection.worker_id, "agent_id": connection.agent_id}
