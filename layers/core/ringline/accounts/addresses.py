"""From where an API key may be used: ranges of addresses in CIDR notation, of IPv4 and IPv6.

An IPv4 address that is written as one of IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
"""

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)

_MAPPED = IPv6Network("::ffff:0:0/96")


def canonical(ranges: Iterable[str]) -> tuple[str, ...]:
    """The same addresses in as few ranges as there can be, IPv4 first. Raises ValueError, in words for whoever wrote
    the list."""
    read = [_network(each.strip()) for each in ranges]
    fours = collapse_addresses(each for each in read if isinstance(each, IPv4Network))
    sixes = collapse_addresses(each for each in read if isinstance(each, IPv6Network))
    return (*map(str, fours), *map(str, sixes))


def covers(ranges: Sequence[str], address: str | None) -> bool:
    """Whether one of the ranges holds the address. What is no address lies in none."""
    try:
        asked = _address(address or "")
    except ValueError:
        return False
    return any(asked in ip_network(each) for each in ranges)


def lie_within(ranges: Sequence[str], outer: Sequence[str]) -> bool:
    """Whether all addresses of the one lie in the other. Both are canonical, so that each range lies in one other."""
    return all(any(_is_part(ip_network(each), ip_network(other)) for other in outer) for each in ranges)


def _is_part(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.subnet_of(other)
    return isinstance(other, IPv6Network) and one.subnet_of(other)


def _address(text: str) -> IPv4Address | IPv6Address:
    read = ip_address(text)
    return (read.ipv4_mapped or read) if isinstance(read, IPv6Address) else read


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        # A zone, as in fe80::1%eth0, is a host's own affair.
        read = ip_network(text if "%" not in text else "", strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is no range of addresses, such as 203.0.113.0/24 or 2001:db8::/48") from None
    if isinstance(read, IPv6Network) and read.overlaps(_MAPPED) and read.prefixlen >= _MAPPED.prefixlen:
        raise ValueError(f"{text!r} holds IPv4 addresses: write them as such")
    if str(read.network_address) != str(ip_address(text.partition("/")[0])):
        # Whoever wrote 203.0.113.7/8 meant some other range.
        raise ValueError(f"{text!r} does not begin at its range's first address: that is {read}")
    return read
