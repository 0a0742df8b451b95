"""What a delivery's log keeps of a receiver's answer."""

import json
from urllib.parse import quote

import pytest

from ringline.webhooks.sending.excerpts import REDACTED, excerpt, shortened

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HEADERS = {
    "content-type": "application/json",
    "webhook-id": "evt_0123456789",
    "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4= v1,aDifferent0ne/of/the/same/bytes=",
    "Authorization": "Bearer s3cr3t-of-the-receiver",
    "x-tenant": "pass phrase-of-theirs",
}


def kept(body: str | bytes, most: int = 2048) -> str | None:
    return excerpt(body.encode() if isinstance(body, str) else body, most, HEADERS, [SECRET])


def test_the_receivers_own_text_stays_as_it_is() -> None:
    text = "no such order for +4915112345678\n\tat línea 7"
    assert kept(text) == text
    assert kept("") is None


@pytest.mark.parametrize(
    "echo",
    [
        str(HEADERS),
        json.dumps(HEADERS),
        json.dumps(HEADERS).replace("/", "\\/"),
        "&".join(f"{name}={quote(value, safe='')}" for name, value in HEADERS.items()),
        "\r\n".join(f"{name}: {value}" for name, value in HEADERS.items()),
        f"bad secret {SECRET}",
        f"bad key {SECRET.removeprefix('whsec_')}",
        "expected K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        "token s3cr3t-of-the-receiver is not valid",
    ],
)
def test_what_was_secret_in_the_request_does_not_come_back(echo: str) -> None:
    text = kept(echo) or ""
    assert REDACTED in text
    for secret in ("K5oZ", "aDifferent", "s3cr3t", "phrase-of", "MfKQ"):
        assert secret not in text


@pytest.mark.parametrize(
    "body",
    [
        "Set-Cookie: session=abcdef0123",
        '{"authorization": "Basic abcdef0123"}',
        "{'Cookie': 'a=abcdef0123; b=2'}",
        "set-cookie=abcdef0123",
        '["AUTHORIZATION" => "abcdef0123"]',
        "your secret whsec_abcdef0123 has expired",
    ],
)
def test_credentials_of_the_receivers_own_are_not_kept(body: str) -> None:
    assert "abcdef0123" not in (kept(body) or "")


def test_a_secret_across_the_cut_leaves_no_beginning() -> None:
    text = kept("x" * 250 + SECRET, 256) or ""
    assert "whsec" not in text and "MfKQ" not in text
    assert len(text) == 256


def test_it_is_cut_between_characters_and_holds_no_controls() -> None:
    assert shortened("aéé", 4) == "aé"
    assert kept(b"\x00\x1b[31mred\xff") == "[31mred\ufffd"
    assert len((kept("é" * 5000) or "").encode()) == 2048
