"""Sending a frame to a runner: a connection of the WebSocket API is posted to by its id."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol

from aws_lambda_powertools import Logger


class Sent(StrEnum):
    SENT = "sent"
    GONE = "gone"
    """The connection is closed."""
    UNKNOWN = "unknown"
    """It may have been sent or not. It is not sent again: a runner takes a job twice that it is given twice."""


class Sockets(Protocol):
    def send(self, connection_id: str, frame: str) -> Sent: ...

    def close(self, connection_id: str) -> None:
        """Closes a connection, as far as that can be done; its runner comes back on another."""


class ApiGatewaySockets:
    def __init__(self, client: Callable[[], Any], log: Logger) -> None:
        self._client = client
        self._log = log

    def send(self, connection_id: str, frame: str) -> Sent:
        client = self._client()
        try:
            client.post_to_connection(ConnectionId=connection_id, Data=frame.encode())
        except client.exceptions.GoneException:
            return Sent.GONE
        except Exception:
            self._log.exception("frame not sent", extra={"connection_id": connection_id})
            return Sent.UNKNOWN
        return Sent.SENT

    def close(self, connection_id: str) -> None:
        try:
            self._client().delete_connection(ConnectionId=connection_id)
        except Exception:
            self._log.exception("connection not closed", extra={"connection_id": connection_id})
