"""What runners tell on their control sockets: that they are there, that they still are, and whether they take a
call."""

from collections.abc import Callable
from copy import replace
from typing import Protocol

from aws_lambda_powertools import Logger

from ringline.agents.model.frames import (
    DIAL_OUT,
    Heartbeat,
    JobAck,
    Register,
    Unread,
    not_registered,
    read_frame,
    registered,
)
from ringline.agents.model.records import Connection
from ringline.agents.sockets import Sent, Sockets
from ringline.agents.tables.registry import Registry
from ringline.calls.model.timing import MS_PER_S, RUNNER_OVERDUE_S
from ringline.routing.records import Brain
from ringline.routing.store import RoutingStore
from ringline.runtime.clock import Clock


class Acknowledges(Protocol):
    def acknowledged(self, connection: Connection, ack: JobAck) -> None: ...


class Listen:
    """`assign` and `ring_if_waiting` are loaded with the first acknowledgement and the first runner that comes: most of
    what is heard are beats."""

    def __init__(
        self,
        *,
        registry: Registry,
        routing: RoutingStore,
        sockets: Sockets,
        assign: Callable[[], Acknowledges],
        ring_if_waiting: Callable[[str], None],
        clock: Clock,
        log: Logger,
    ) -> None:
        self._registry = registry
        self._routing = routing
        self._sockets = sockets
        self._assign = assign
        self._ring_if_waiting = ring_if_waiting
        self._clock = clock
        self._log = log

    def connect(self, connection_id: str, account_id: str) -> None:
        """Notes whose connection it is, which only its credential tells."""
        self._registry.connect(connection_id, account_id)

    def disconnect(self, connection_id: str) -> None:
        """A runner that has come back on another connection stays there."""
        closed = self._registry.disconnect(connection_id)
        if closed is not None and closed.worker_id is not None:
            self._log.info("runner disconnected", extra=_names(closed))

    def receive(self, connection_id: str, text: str) -> None:
        """One frame of a runner. Frames of a connection may come side by side and in any order."""
        connection = self._registry.connection(connection_id)
        if connection is None:
            self._log.info("frame of a closed connection")
            return
        self._log.append_keys(account_id=connection.account_id)
        match read_frame(text):
            case Register() as told:
                self._register(connection, told)
            case Heartbeat(active_jobs):
                self._beat(connection, active_jobs)
            case JobAck() as ack:
                self._acknowledged(connection, ack)
            case Unread(why):
                self._log.info("frame passed over", extra={"why": why, **_names(connection)})

    def _register(self, connection: Connection, told: Register) -> None:
        refusal = self._refusal(connection.account_id, told)
        names = {"worker_id": told.worker_id, "agent_id": told.agent_id}
        if refusal is not None:
            self._log.warning("runner refused", extra={**names, "why": refusal})
            self._sockets.send(connection.connection_id, not_registered(refusal))
            return
        if not self._registry.register(connection, told):
            self._log.info("runner has come back elsewhere", extra=names)
            return
        if self._sockets.send(connection.connection_id, registered()) is Sent.UNKNOWN:
            # It would wait for this frame for ever.
            self._sockets.close(connection.connection_id)
            return
        self._log.info("runner registered", extra={**names, "pool": told.pool, "max_concurrent": told.max_concurrent})
        self._beat(replace(connection, agent_id=told.agent_id, worker_id=told.worker_id), 0)

    def _refusal(self, account_id: str, told: Register) -> str | None:
        """Why this runner is not served. All that it says of itself is a claim."""
        if told.transport != DIAL_OUT:
            return "transport_not_served"
        agent = self._routing.agent(account_id, told.agent_id)
        if agent is None:
            return "agent_not_found"
        return None if agent.brain == Brain.RUNNER else "agent_has_no_runners"

    def _beat(self, connection: Connection, active_jobs: int) -> None:
        heard_before = self._registry.beat(connection, active_jobs)
        if heard_before is None or self._clock() - heard_before < RUNNER_OVERDUE_S * MS_PER_S:
            return
        if heard_before:
            self._log.info("runner is back", extra=_names(connection))
        try:
            self._ring_if_waiting(connection.account_id)
        except Exception:
            # The sweep rings within its minute for whoever waits.
            self._log.exception("doorbell not rung")

    def _acknowledged(self, connection: Connection, ack: JobAck) -> None:
        if connection.worker_id is not None:
            self._assign().acknowledged(connection, ack)


def _names(connection: Connection) -> dict[str, str | None]:
    return {"worker_id": connection.worker_id, "agent_id": connection.agent_id}
