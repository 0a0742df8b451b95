"""The token with which a runner dials in: signed by the control plane, read here without asking anybody.

The runner may dial before the worker has heard that it was assigned, so the token alone must say what it opens.
"""

import hashlib
import hmac
from dataclasses import dataclass


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


def read_bridge_token(token: str, call_id: str, key: bytes, now_s: float) -> BridgeClaims | TokenRefused:
    raise NotImplementedError
