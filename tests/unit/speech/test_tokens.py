"""A bridge token says by itself which call of which runner it opens, and until when."""

from typing import Any

import jwt
import pytest

from speech.bridge.tokens import BridgeClaims, TokenRefused, bridge_key, read_bridge_token

KEY = bridge_key("a-secret-of-more-than-32-characters")
CLAIMS: dict[str, Any] = {
    "aud": "bridge",
    "sub": "SCL_1",
    "acc": "acct_demo",
    "att": 2,
    "job": "SCL_1.2.1",
    "wid": "bot#1",
    "exp": 2_000,
}


def read(key: bytes = KEY, **changed: Any) -> BridgeClaims | TokenRefused:
    claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not None}
    return read_bridge_token(jwt.encode(claims, key, algorithm="HS256"), "SCL_1", KEY, now_s=1_999)


def test_a_good_token_names_the_job() -> None:
    assert read() == BridgeClaims("acct_demo", "SCL_1", 2, "SCL_1.2.1", "bot#1")


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "agent-events"},
        {"sub": "SCL_2"},
        {"exp": 1_999},
        {"exp": None},
        {"job": None},
        {"att": "first"},
        {"key": bridge_key("another-secret-of-more-than-32-characters")},
    ],
    ids="-".join,
)
def test_a_token_that_does_not_prove_it_opens_nothing(changed: dict[str, Any]) -> None:
    assert isinstance(read(**changed), TokenRefused)


UNSIGNED = jwt.encode(CLAIMS, "", algorithm="none")


@pytest.mark.parametrize("token", [None, "", "a.b.c", UNSIGNED])
def test_what_is_no_signed_token_opens_nothing(token: str | None) -> None:
    assert isinstance(read_bridge_token(token, "SCL_1", KEY, now_s=0), TokenRefused)


def test_the_key_opens_nothing_else() -> None:
    assert bridge_key("secret") != b"secret"
    assert len(bridge_key("secret")) == 32
