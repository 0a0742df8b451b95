"""Where a webhook may go: out to the internet, never into a private network or to a cloud's metadata service."""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

MAX_URL_LENGTH = 2048

_NAT64 = IPv6Network("64:ff9b::/96")
"""IPv4 as an IPv6-only network sees it: the last 32 bits are the address that is really met."""

_NEVER: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(block)
    for block in (
        "192.88.99.0/24",  # the way into 6to4, given up (RFC 7526)
        "2001:20::/28",  # names of hosts, not places (RFC 7343)
        "64:ff9b:1::/48",  # NAT64 within a network (RFC 8215): it may lead to any private IPv4 address
        "fec0::/10",  # site-local, as old networks still route it (RFC 3879)
        "3fff::/20",  # documentation (RFC 9637)
        "5f00::/16",  # segment routing within a network (RFC 9602)
        "2001::/32",  # Teredo: an IPv4 address in disguise
        "::/96",  # IPv4-compatible, given up (RFC 4291)
    )
)
"""Not of the public internet, whatever the library of the day says of them."""

_INWARD_NAMES = ("localhost", ".localhost", ".local", ".internal")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet. False for loopback, private, link-local (with the metadata
    services), shared (100.64.0.0/10), multicast and reserved ones, an IPv6 form of any of them, and what is none."""
    try:
        met = _met(ip_address(address))
    except ValueError:
        return False
    is_met_nowhere = any(met in block for block in _NEVER)
    return met.is_global and not met.is_multicast and not met.is_reserved and not is_met_nowhere


def _met(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The address a packet ends up at, behind the forms that carry IPv4 in IPv6."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def url_fault(url: str, *, allow_private: bool) -> str | None:
    """What is wrong with a URL as the goal of webhooks, in a few words, or None. Names are not resolved here: what
    counts is the address connected to, which the client checks at every try."""
    if len(url) > MAX_URL_LENGTH:
        return f"must not be longer than {MAX_URL_LENGTH} characters"
    if not url.isascii() or not url.isprintable() or " " in url:
        return "must be written in printable ASCII without spaces"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ({"http", "https"} if allow_private else {"https"}):
        return "must begin with https://"
    if not parts.hostname or port == 0:
        return "must name a host"
    if "@" in parts.netloc or parts.fragment:
        return "must not carry a user, a password or a fragment"
    if not allow_private and _is_inward(parts):
        return "must not lead to a private, loopback or link-local address"
    return None


def host_fault(host: str, *, allow_private: bool) -> str | None:
    """What is wrong with a carrier's host, with its port or without, in a few words, or None. A name is looked up by
    LiveKit, which alone meets what it stands for."""
    if allow_private:
        return None
    literal = _literal(_without_port(host))
    return None if literal is None or is_public(literal) else "must not be a private, loopback or link-local address"


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host


def _is_inward(parts: SplitResult) -> bool:
    host = (parts.hostname or "").rstrip(".")
    if host == _INWARD_NAMES[0] or host.endswith(_INWARD_NAMES[1:]):
        return True
    literal = _literal(host)
    return literal is not None and not is_public(literal)


def _literal(host: str) -> str | None:
    """The IP address a host is, in any form that resolvers take for one (`127.1`, `0x7f000001`); None for a name."""
    if ":" in host:
        return host
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None
