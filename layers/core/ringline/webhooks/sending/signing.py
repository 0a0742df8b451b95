"""Signatures after Standard Webhooks over `id.timestamp.body`, an entry for each secret that signs: `v1,` HMAC-SHA256
where it is a `whsec_`, `v1a,` ed25519 where it is a private key (`whsk_`)."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

_SYMMETRIC, _PRIVATE = "whsec_", "whsk_"


def signature_headers(secrets: Sequence[str], webhook_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """The three headers to verify with. `at_s` is the moment of this try: receivers refuse what is minutes old."""
    signed = b".".join((webhook_id.encode(), str(at_s).encode(), body))
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    if secret.startswith(_PRIVATE):
        # libsodium takes 20 ms to load, and few endpoints ask for it.
        from nacl.signing import SigningKey

        made = SigningKey(base64.b64decode(secret.removeprefix(_PRIVATE))).sign(signed).signature
        return "v1a," + base64.b64encode(made).decode()
    key = base64.b64decode(secret.removeprefix(_SYMMETRIC))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
