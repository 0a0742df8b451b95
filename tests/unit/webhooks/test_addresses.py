"""Where a webhook may go."""

import pytest

from ringline.webhooks.addresses import MAX_URL_LENGTH, is_public, url_fault


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.215.14", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "169.254.170.2",
        "100.64.0.1",
        "100.100.100.200",
        "192.0.0.8",
        "198.18.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2001:0:7f00:1::1",
        "2001:20::1",
        "192.88.99.1",
        "fec0::1",
        "feff::1",
        "3fff::1",
        "3fff:fff:ffff::1",
        "5f00::1",
        "::8.8.8.8",
        "",
        "example.com",
        "8.8.8.8.8",
    ],
)
def test_inward_reserved_and_unreadable_addresses_are_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/ringline",
        "https://hooks.example.com:8443/a/b?tenant=1&x=%20y",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "HTTPS://EXAMPLE.COM",
    ],
)
def test_public_https_urls_have_no_fault(url: str) -> None:
    assert url_fault(url, allow_private=False) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user:secret@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/",
        "https://[::1/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nx: y",
        "https://höoks.example.com/",
        "https://example.com/" + "a" * MAX_URL_LENGTH,
        "https://localhost/",
        "https://localhost./",
        "https://db.internal/",
        "https://printer.local/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.0.0.1/",
        "https://0/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fd00:ec2::254]/",
    ],
)
def test_other_urls_have_a_fault(url: str) -> None:
    assert url_fault(url, allow_private=False) is not None


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/hook", "http://localhost:9000/", "https://[::1]:9000/"])
def test_the_one_machine_stack_may_stay_inside(url: str) -> None:
    assert url_fault(url, allow_private=True) is None
    assert url_fault(url, allow_private=False) is not None


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://user@127.0.0.1/", "http:///x"])
def test_even_there_a_url_must_be_one_of_http(url: str) -> None:
    assert url_fault(url, allow_private=True) is not None
