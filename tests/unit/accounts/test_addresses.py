"""Ranges of addresses that a key is good from."""

import pytest

from ringline.accounts.addresses import canonical, covers, lie_within


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (["203.0.113.7"], ("203.0.113.7/32",)),
        (["2001:DB8:0::/48", " 203.0.113.0/24 "], ("203.0.113.0/24", "2001:db8::/48")),
        (["10.0.1.0/24", "10.0.0.0/24", "10.0.0.5"], ("10.0.0.0/23",)),
        (["10.0.0.0/255.0.0.0"], ("10.0.0.0/8",)),
        (["0.0.0.0/0", "::/0"], ("0.0.0.0/0", "::/0")),
        (["::1"], ("::1/128",)),
    ],
)
def test_ranges_are_kept_in_one_form(said: list[str], kept: tuple[str, ...]) -> None:
    assert canonical(said) == kept


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("203.0.113.7/24", "203.0.113.0/24"),
        ("2001:db8::1/48", "2001:db8::/48"),
        ("203.0.113.0/33", "no range"),
        ("203.0.113", "no range"),
        ("0203.0.113.1", "no range"),
        ("example.com", "no range"),
        ("fe80::1%eth0", "no range"),
        ("::ffff:203.0.113.0/120", "holds IPv4"),
        ("", "no range"),
    ],
)
def test_what_is_no_range_is_refused_in_words(said: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"range|IPv4") as refused:
        canonical([said])
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("address", "is_covered"),
    [
        ("203.0.113.0", True),
        ("203.0.113.255", True),
        ("203.0.114.0", False),
        ("::ffff:203.0.113.7", True),
        ("2001:db8::ffff", True),
        ("2001:db8:1::", False),
        ("203.0.113.7, 192.0.2.1", False),
        ("", False),
        (None, False),
    ],
)
def test_an_address_lies_in_a_range_or_not(address: str | None, is_covered: bool) -> None:
    assert covers(("203.0.113.0/24", "2001:db8::/48"), address) is is_covered


def test_ranges_lie_within_others() -> None:
    outer = ("10.0.0.0/8", "2001:db8::/32")
    assert lie_within(("10.1.0.0/16", "2001:db8:5::/48"), outer)
    assert lie_within(outer, outer)
    assert not lie_within(("10.0.0.0/7",), outer)
    assert not lie_within(("10.1.0.0/16", "::/0"), outer)
    assert not lie_within(("2001:db9::/48",), ("10.0.0.0/8",))
