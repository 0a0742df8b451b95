"""The token with which a runner dials in: signed by the control plane, read here without asking anybody.

The runner may dial before the worker has heard that it was assigned, so the token alone must say what it opens.

| claim | |
|---|---|
| aud | "bridge" |
| sub | the call |
| acc, att | its account and the attempt |
| job, wid | the job and the runner that it was given to |
| exp | when the call cannot be alive any more, seconds since 1970 |
"""

import hashlib
import hmac
from dataclasses import dataclass

import jwt

AUDIENCE = "bridge"
_ALGORITHM = "HS256"
_REQUIRED = ["aud", "sub", "acc", "att", "job", "wid", "exp"]


@dataclass(frozen=True, slots=True)
class BridgeClaims:
    account_id: str
    call_id: str
    attempt: int
    job_id: str
    worker_id: str


@dataclass(frozen=True, slots=True)
class TokenRefused:
    why: str


def bridge_key(livekit_secret: str) -> bytes:
    """A key of its own, derived from the one secret that control plane and worker share."""
    return hmac.new(livekit_secret.encode(), b"ringline/bridge", hashlib.sha256).digest()


def read_bridge_token(token: str | None, call_id: str, key: bytes, now_s: float) -> BridgeClaims | TokenRefused:
    """What the token opens, or why it opens nothing: it is not ours, has expired, or is another call's."""
    if not token:
        return TokenRefused("no token")
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        read = BridgeClaims(
            account_id=str(claims["acc"]),
            call_id=str(claims["sub"]),
            attempt=int(claims["att"]),
            job_id=str(claims["job"]),
            worker_id=str(claims["wid"]),
        )
        expires_at_s = float(claims["exp"])
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        return TokenRefused(type(error).__name__)
    if read.call_id != call_id:
        return TokenRefused("token of another call")
    return read if now_s < expires_at_s else TokenRefused("expired")
