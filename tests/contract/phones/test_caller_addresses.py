"""Whence a trunk of the phone network lets callers in, as LiveKit does (its protocol's `sip/sip.go`)."""

import pytest
from livekit.protocol import sip

from local.phones.api.trunk_rules import trunk_for

NUMBER, CALLER = "+15550100777", "+15550107777"


def a_trunk(trunk_id: str, *allowed: str, numbers: tuple[str, ...] = (NUMBER,)) -> sip.SIPInboundTrunkInfo:
    return sip.SIPInboundTrunkInfo(sip_trunk_id=trunk_id, numbers=numbers, allowed_addresses=allowed)


@pytest.mark.parametrize(
    ("allowed", "address", "lets_in"),
    [
        ((), "127.0.0.1", True),
        (("54.172.60.0/30",), "54.172.60.3", True),
        (("54.172.60.0/30",), "54.172.60.4", False),
        (("54.172.60.1/30",), "54.172.60.3", True),
        (("54.172.60.1",), "54.172.60.1", True),
        (("54.172.60.1",), "127.0.0.1", False),
        (("10.0.0.0/8", "::/0"), "2001:db8::1", True),
        (("0.0.0.0/0",), "2001:db8::1", False),
        (("sip.example.com",), "127.0.0.1", False),
        (("54.172.60.1, 54.172.60.2",), "127.0.0.1", True),
        (("https://carrier.example", "54.172.60.1"), "127.0.0.1", False),
    ],
)
def test_a_caller_is_let_in_from_the_addresses_of_the_trunk_alone(
    allowed: tuple[str, ...], address: str, lets_in: bool
) -> None:
    assert (trunk_for([a_trunk("ST_1", *allowed)], CALLER, NUMBER, address) is not None) is lets_in


def test_of_two_trunks_a_caller_comes_by_the_one_that_lets_them_in() -> None:
    trunks = [a_trunk("ST_1", "54.172.60.0/30"), a_trunk("ST_any", numbers=())]
    by = [trunk_for(trunks, CALLER, NUMBER, address) for address in ("54.172.60.1", "127.0.0.1")]
    assert [trunk and trunk.sip_trunk_id for trunk in by] == ["ST_1", "ST_any"]
