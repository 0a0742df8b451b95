"""Where a stack listens, and what it is called there: from this machine, and by a LiveKit server and agents elsewhere.

Everything listens on 127.0.0.1. BIND_ADDRESS lets the front door, and nothing else, be reached from other machines;
PUBLIC_URL is its name there, where a tunnel, a reverse proxy or a container's host name stands before it.
"""

import errno
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from urllib.parse import urlsplit

from local.tools.processes import StackError

LOOPBACK = "127.0.0.1"

_EVERY_ADDRESS = "0.0.0.0"
_LISTEN_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class Addresses:
    """`base_url` is the front door as this machine calls it, `public_url` as LiveKit, carriers and agents do."""

    base_url: str
    public_url: str

    @property
    def hooks_url(self) -> str:
        return hooks_url_at(self.public_url)


def addresses(bind_address: str, port: int, public_url: str | None) -> Addresses:
    """The names of a front door that listens there. Without a `public_url` the outside calls it as this machine
    does: by the address it is bound to, or, bound to all of them, by 127.0.0.1."""
    host = LOOPBACK if bind_address == _EVERY_ADDRESS else bind_address
    base_url = f"http://{host}:{port}"
    return Addresses(base_url, public_url or base_url)


def hooks_url_at(url: str) -> str:
    """Where LiveKit's webhooks go, of a stack that is called by this URL."""
    return f"{url}/hooks/livekit"


def is_this_machine_alone(url: str) -> bool:
    """Whether a URL leads every machine, and every container with a network of its own, to itself."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host.endswith(".localhost") or host == "::1" or host.startswith("127.")


def bind_address_in(environ: Mapping[str, str]) -> str:
    """BIND_ADDRESS, or 127.0.0.1. Raises StackError."""
    text = environ.get("BIND_ADDRESS") or LOOPBACK
    try:
        address = ip_address(text)
    except ValueError:
        address = None
    if not isinstance(address, IPv4Address):
        raise StackError(
            f"BIND_ADDRESS must be an IPv4 address of this machine, or {_EVERY_ADDRESS} for all, and is {text!r}"
        )
    return str(address)


def url_in(environ: Mapping[str, str], name: str, schemes: tuple[str, ...] = ("http", "https")) -> str | None:
    """The absolute URL that a variable holds, or None. Raises StackError naming the variable."""
    text = environ.get(name, "").strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        is_one = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        is_one = False
    if not is_one or text.split() != [text]:
        forms = " or ".join(f"{scheme}://..." for scheme in schemes)
        raise StackError(f"{name} must be a URL, {forms}, and is {text!r}")
    return text


def public_url_in(environ: Mapping[str, str]) -> str | None:
    """PUBLIC_URL without a trailing slash, or None. Raises StackError: paths are put behind it, so that it can hold
    neither a query nor a fragment."""
    url = url_in(environ, "PUBLIC_URL")
    if url is None:
        return None
    if "?" in url or "#" in url or "@" in url:
        raise StackError("PUBLIC_URL must be a host, with a path at most: no user, no query, no fragment")
    if urlsplit(url).hostname == _EVERY_ADDRESS:
        raise StackError(f"PUBLIC_URL must name a host that can be called, and {_EVERY_ADDRESS} is none")
    return url.rstrip("/")


@contextmanager
def listening(bind_address: str, port: int) -> Iterator[socket.socket]:
    """The front door's socket, listening from the start: the port is ours before anything else is begun. Raises
    StackError naming the variable that asked for what cannot be had."""
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((bind_address, port))
            door.listen(_LISTEN_BACKLOG)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise StackError(f"BIND_ADDRESS is {bind_address}, which is no address of this machine") from None
            raise StackError(f"port {port} is taken ({error.strerror}): set RINGLINE_PORT to a free one") from None
        yield door
