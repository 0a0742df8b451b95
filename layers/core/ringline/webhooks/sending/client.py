"""The HTTP client of webhooks: one POST to an address that was checked, no redirects, ten seconds in all.

The name is resolved here, each address is checked, and the connection goes to the very address that passed: a name that
resolves differently a moment later changes nothing. Host header and TLS still speak of the name.
"""

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ringline.webhooks.addresses import is_public, url_fault
from ringline.webhooks.model.delivery import Phase
from ringline.webhooks.sending.bounds import Deadline, TooMuch, response_bounded_to, within

TIMEOUT_S = 10.0
"""Connecting, sending and reading together. A receiver that has more to do answers first and does it afterwards."""

_READ_BYTES = 4096
"""What is read of an answer's body, so that a receiver can finish a short one. A delivery's log shows its beginning."""


class Failure(StrEnum):
    """Why there was no answer, as the delivery's record tells it."""

    URL_REFUSED = "url_refused"
    ADDRESS_REFUSED = "address_refused"
    NAME_NOT_RESOLVED = "name_not_resolved"
    NOT_CONNECTED = "not_connected"
    TLS_FAILED = "tls_failed"
    TIMED_OUT = "timed_out"
    NO_HTTP_ANSWER = "no_http_answer"
    ANSWER_TOO_LONG = "answer_too_long"


@dataclass(frozen=True, slots=True)
class Answered:
    """`body` is its beginning, up to what the client reads: for a delivery's log, and for a decision about a caller."""

    status_code: int
    retry_after: str | None = None
    body: bytes = field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """`phase` is how far the exchange had come."""

    error: Failure
    phase: Phase | None = field(default=None, compare=False)


@dataclass(slots=True)
class _Course:
    """How far an exchange has come."""

    phase: Phase = Phase.DNS


type Connect = Callable[[int, tuple[Any, ...], float], socket.socket]


class WebhookClient:
    """`allow_private` lets private addresses and http:// in, for the one-machine stack, where all is loopback. Of an
    answer's body `read_bytes` are read."""

    def __init__(
        self,
        *,
        allow_private: bool,
        timeout_s: float = TIMEOUT_S,
        read_bytes: int = _READ_BYTES,
        resolve: Callable[..., list[Any]] = socket.getaddrinfo,
        connect: Connect | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._timeout_s = timeout_s
        self._read_bytes = read_bytes
        self._response_class = response_bounded_to(read_bytes)
        self._resolve = resolve
        self._connect = connect or _connected
        self._tls = tls

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered | Unanswered:
        """Sends once and waits for the status line. Never raises for what the other side does."""
        if url_fault(url, allow_private=self._allow_private) is not None:
            return Unanswered(Failure.URL_REFUSED, Phase.URL)
        course = _Course()
        with closing(Deadline(self._timeout_s)) as deadline:
            try:
                return self._exchange(urlsplit(url), headers, body, deadline, course)
            except Exception as error:
                # A library may fail over what a stranger says in ways that nobody has thought of. Each is an attempt
                # that is written down, and none may be tried for ever.
                return Unanswered(Failure.TIMED_OUT if deadline.is_over else _name_of(error), course.phase)

    def _exchange(
        self, url: SplitResult, headers: Mapping[str, str], body: bytes, deadline: Deadline, course: _Course
    ) -> Answered:
        host = url.hostname or ""
        port = url.port or (443 if url.scheme == "https" else 80)
        found = within(deadline, lambda: self._resolve(host, port, type=socket.SOCK_STREAM))
        course.phase = Phase.CONNECT
        sock = self._dialled(found, deadline)
        with closing(http.client.HTTPConnection(host, port)) as connection:
            connection.response_class = self._response_class
            # A connection whose socket is given never dials by itself, and so cannot meet another address.
            connection.auto_open = 0
            connection.sock = sock
            if url.scheme == "https":
                course.phase = Phase.TLS
                connection.sock = self._secured(sock, host)
            course.phase = Phase.WRITE
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            connection.request(
                "POST", target, body=body, headers={**headers, "host": url.netloc, "connection": "close"}
            )
            course.phase = Phase.READ
            with connection.getresponse() as answer:
                # Headers that were cut off look complete to http.client. Whatever comes after the deadline is no
                # answer.
                deadline.left_s()
                return Answered(answer.status, answer.getheader("retry-after"), _beginning_of(answer, self._read_bytes))

    def _dialled(self, found: list[Any], deadline: Deadline) -> socket.socket:
        allowed = [(family, address) for family, _, _, _, address in found if self._may_meet(address)]
        if not allowed:
            raise _AddressRefused
        failure: OSError = TimeoutError()
        for tries_left, (family, address) in zip(range(len(allowed), 0, -1), allowed, strict=True):
            try:
                # Each address gets a share of the time, so that a dead one leaves some to the living one behind it.
                sock = self._connect(family, address, deadline.left_s() / tries_left)
            except OSError as error:
                failure = error
                continue
            deadline.watch(sock)
            if not self._may_meet(sock.getpeername()):
                sock.close()
                raise _AddressRefused
            return sock
        raise failure

    def _may_meet(self, address: tuple[Any, ...]) -> bool:
        return self._allow_private or is_public(address[0])

    def _secured(self, sock: socket.socket, host: str) -> ssl.SSLSocket:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls.wrap_socket(sock, server_hostname=host)


class _AddressRefused(OSError):
    """No address of the name is a public one, or the address that was met is none."""


def _beginning_of(answer: http.client.HTTPResponse, most_bytes: int) -> bytes:
    """What came of the body, up to `most_bytes`: also where it broke off."""
    read = b""
    with suppress(OSError, http.client.HTTPException):
        while len(read) < most_bytes and (more := answer.read1(most_bytes - len(read))):
            read += more
    return read


def _connected(family: int, address: tuple[Any, ...], timeout_s: float) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_s)
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def _name_of(error: Exception) -> Failure:
    match error:
        case _AddressRefused():
            return Failure.ADDRESS_REFUSED
        case socket.gaierror() | UnicodeError():
            return Failure.NAME_NOT_RESOLVED
        case ssl.SSLError() | ssl.CertificateError():
            return Failure.TLS_FAILED
        case TimeoutError():
            return Failure.TIMED_OUT
        case TooMuch():
            return Failure.ANSWER_TOO_LONG
        case ConnectionResetError() | BrokenPipeError():
            return Failure.NO_HTTP_ANSWER
        case OSError():
            return Failure.NOT_CONNECTED
        case _:
            # What http.client makes of an answer that is none.
            return Failure.NO_HTTP_ANSWER
