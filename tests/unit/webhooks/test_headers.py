"""Headers that an endpoint's deliveries carry beside ours."""

import pytest

from ringline.webhooks.headers import LONGEST_VALUE, doubled, header_fault


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Tenant", "acme"), ("authorization", "Bearer a.b-c"), ("Cookie", "a=b; c=d"), ("X", "x" * LONGEST_VALUE)],
)
def test_a_header_of_the_receivers_own_has_no_fault(name: str, value: str) -> None:
    assert header_fault(name, value) is None


@pytest.mark.parametrize(
    "name",
    [
        "", "X Tenant", "X-Ténant", "X:", "1st", "x" * 65, "X\r\nY", "Host", "content-LENGTH", "Content-Type",
        "Transfer-Encoding", "Connection", "Keep-Alive", "TE", "Trailer", "Upgrade", "Proxy-Authorization",
        "User-Agent", "webhook-id", "Webhook-Signature", "webhook-anything", "Ringline-Version", "Expect",
    ],
)  # fmt: skip
def test_what_is_ours_or_the_connections_is_refused(name: str) -> None:
    assert header_fault(name, "x") is not None


@pytest.mark.parametrize("value", ["", " x", "x ", "a\r\nHost: b", "a\nb", "a\tb", "é", "x" * (LONGEST_VALUE + 1)])
def test_a_value_that_could_be_more_than_one_line_is_refused(value: str) -> None:
    assert header_fault("X-Tenant", value) is not None


def test_a_name_is_the_same_however_it_is_written() -> None:
    assert doubled(["X-A", "X-B", "x-a"]) == "x-a"
    assert doubled(["X-A", "X-B"]) is None
