"""What carriers sign their events with: the phone network's own pairs, or those of real carriers from the
environment."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from ringline.runtime.vault.kept import SIP_HOOK, TWILIO

_SEED = b"ringline sandbox carrier"


@dataclass(frozen=True, slots=True)
class CarrierSecrets:
    """What a stack verifies carriers' events with. Where a secret is empty, no event of that form is believed. Only the
    phone network, which signs as Telnyx does, has the `telnyx_private_key`."""

    sip_hook_secret: str = ""
    telnyx_public_key: str = ""
    twilio_auth_token: str = ""
    telnyx_private_key: str = ""

    def secrets(self) -> dict[str, str]:
        """Those that the stack's secret holds, by their names there."""
        secrets = {SIP_HOOK: self.sip_hook_secret, TWILIO: self.twilio_auth_token}
        return {name: secret for name, secret in secrets.items() if secret}

    def phones_options(self, base_url: str) -> list[str]:
        """The options by which the phone network learns them, and where to post."""
        return [
            "--carrier-hooks-url", base_url, "--sip-hook-secret", self.sip_hook_secret,
            "--telnyx-private-key", self.telnyx_private_key, "--twilio-auth-token", self.twilio_auth_token,
        ]  # fmt: skip


def sandbox_secrets() -> CarrierSecrets:
    """Secrets that are the same on every machine, because nothing but a sandbox believes them."""
    from nacl.signing import SigningKey

    private = hashlib.sha256(_SEED).digest()
    public = bytes(SigningKey(private).verify_key)
    return CarrierSecrets(
        sip_hook_secret="whsec_" + _text(hashlib.sha256(_SEED + b" generic").digest()),
        telnyx_public_key=_text(public),
        twilio_auth_token=hashlib.md5(_SEED, usedforsecurity=False).hexdigest(),
        telnyx_private_key=_text(private),
    )


def secrets_from(environ: Mapping[str, str]) -> CarrierSecrets:
    """The secrets of real carriers that the environment names."""
    return CarrierSecrets(
        sip_hook_secret=environ.get("SIP_HOOK_SECRET", ""),
        telnyx_public_key=environ.get("TELNYX_PUBLIC_KEY", ""),
        twilio_auth_token=environ.get("TWILIO_AUTH_TOKEN", ""),
    )


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
