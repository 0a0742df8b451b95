"""Rules of the webhooks room over all inputs."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from hypothesis import given
from hypothesis import strategies as st

from ringline.webhooks.addresses import is_public, url_fault
from ringline.webhooks.model.schedule import (
    JITTER,
    LONGEST_RETRY_AFTER_S,
    WAITS_S,
    Stop,
    TryAgain,
    retry_after_in_s,
    verdict,
)

INWARD = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
inward_addresses = st.sampled_from(INWARD).flatmap(lambda network: st.ip_addresses(v=4, network=network))
carriers = st.sampled_from([IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"), IPv6Network("::/96")])


@given(address=inward_addresses, carrier=carriers)
def test_no_inward_address_is_public_in_any_form(address: IPv4Address, carrier: IPv6Network) -> None:
    number = int(address)
    assert not is_public(str(address))
    assert not is_public(str(IPv6Address(int(carrier.network_address) | number)))
    assert not is_public(str(IPv6Address((0x2002 << 112) | (number << 80) | 1)))


@given(address=inward_addresses)
def test_no_url_leads_to_an_inward_address_however_it_is_spelt(address: IPv4Address) -> None:
    number = int(address)
    for host in (str(address), str(number), hex(number), f"[::ffff:{address}]"):
        assert url_fault(f"https://{host}/", allow_private=False) is not None


@given(text=st.text(max_size=300), allow_private=st.booleans())
def test_any_text_is_judged_as_a_url_without_failing(text: str, allow_private: bool) -> None:
    fault = url_fault(text, allow_private=allow_private)
    assert fault is None or fault


@given(text=st.text(max_size=60), now_ms=st.integers(0, 4_000_000_000_000))
def test_any_text_is_read_as_retry_after_without_failing(text: str, now_ms: int) -> None:
    seconds = retry_after_in_s(text, now_ms)
    assert seconds is None or seconds > 0


@given(
    made=st.integers(1, 30),
    status_code=st.none() | st.integers(300, 599),
    retry_after_s=st.none() | st.integers(1, 10**10),
    randomness=st.floats(0, 1, exclude_max=True),
)
def test_a_wait_is_never_shorter_than_planned_and_never_beyond_a_day_and_jitter(
    made: int, status_code: int | None, retry_after_s: int | None, randomness: float
) -> None:
    judged = verdict(made, status_code, retry_after_s, randomness)
    if made >= len(WAITS_S) or status_code == 410:
        assert isinstance(judged, Stop)
    else:
        assert isinstance(judged, TryAgain)
        assert judged.wait_ms >= WAITS_S[made] * 1000
        assert judged.wait_ms <= LONGEST_RETRY_AFTER_S * 1000 * (1 + JITTER)
