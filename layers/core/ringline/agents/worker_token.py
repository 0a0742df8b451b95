"""The credential of a speech worker: that it knows the deployment's LiveKit secret. Short-lived, made by the worker
itself for each connection, and good for nothing else."""

import hashlib
import hmac

import jwt

AUDIENCE = "workers"
SCHEME = "worker"
_LABEL = b"ringline/worker"
_CLOCKS_DIFFER_S = 30


def is_workers(authorization: str) -> bool:
    """Whether the header claims to be a speech worker's."""
    return authorization.partition(" ")[0].lower() == SCHEME


def worker_is_known(authorization: str, livekit_secret: str) -> bool:
    """Whether the header proves that it is a speech worker of this deployment."""
    token = authorization.partition(" ")[2].strip()
    try:
        jwt.decode(
            token,
            hmac.new(livekit_secret.encode(), _LABEL, hashlib.sha256).digest(),
            algorithms=["HS256"],
            audience=AUDIENCE,
            leeway=_CLOCKS_DIFFER_S,
            options={"require": ["exp", "aud"]},
        )
    except jwt.PyJWTError:
        return False
    return True
