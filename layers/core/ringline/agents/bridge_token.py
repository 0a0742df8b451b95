"""The token with which a runner dials the bridge of one job. Whoever hosts the bridge verifies it without asking
anybody: its key is derived from the secret that both have, and no runner knows another's token."""

import hashlib
import hmac

import jwt

from ringline.calls.model.call import Call
from ringline.runtime.clock import MS_PER_S

AUDIENCE = "bridge"
_LABEL = b"ringline/bridge"
_SPARE_S = 3600
"""How long a token outlives the longest its call can last."""


def bridge_token(call: Call, job_id: str, worker_id: str, livekit_secret: str) -> str:
    """A token for this job of this runner, until the call cannot be alive any more."""
    claims = {
        "aud": AUDIENCE,
        "sub": call.call_id,
        "acc": call.account_id,
        "att": call.attempt,
        "job": job_id,
        "wid": worker_id,
        "exp": (call.dialed_at or call.created_at) // MS_PER_S
        + call.ring_timeout_s
        + call.max_call_duration_s
        + _SPARE_S,
    }
    return jwt.encode(claims, hmac.new(livekit_secret.encode(), _LABEL, hashlib.sha256).digest(), algorithm="HS256")
