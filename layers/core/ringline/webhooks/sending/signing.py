"""Signatures after Standard Webhooks v1: HMAC-SHA256 over `id.timestamp.body`, a `v1,` entry for each valid secret."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

_PREFIX = "whsec_"


def signature_headers(secrets: Sequence[str], webhook_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """The three headers to verify with. `at_s` is the moment of this try: receivers refuse what is minutes old."""
    signed = b".".join((webhook_id.encode(), str(at_s).encode(), body))
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
