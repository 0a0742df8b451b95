"""Secrets that deliveries are signed with: new ones, and how they are sealed before the table has them."""

import base64
from collections.abc import Callable, Mapping
from copy import replace

from ringline.runtime.vault.row_secrets import WEBHOOK_ENDPOINT, RowSecrets, Seals
from ringline.webhooks.model.endpoint import Endpoint, SecretMark, Signature, new_webhook_secret


class EndpointSecrets:
    """Seals and opens what an endpoint keeps secret. What was sealed for one endpoint opens for no other."""

    def __init__(self, sealer: Callable[[], Seals]) -> None:
        self._rows = RowSecrets(sealer, WEBHOOK_ENDPOINT)

    def seal(self, account_id: str, endpoint_id: str, text: str) -> str:
        return self._rows.seal(account_id, endpoint_id, text)

    def seal_each(self, account_id: str, endpoint_id: str, headers: Mapping[str, str]) -> dict[str, str]:
        return {name: self.seal(account_id, endpoint_id, value) for name, value in headers.items()}

    def sealed(self, account_id: str, endpoint: Endpoint) -> Endpoint:
        """The endpoint, whose secrets of a release that sealed none are sealed."""
        secrets = tuple(self._rows.sealed(account_id, endpoint.endpoint_id, each) for each in endpoint.secrets)
        return endpoint if secrets == endpoint.secrets else replace(endpoint, secrets=secrets)

    def opened(self, account_id: str, endpoint: Endpoint) -> Endpoint:
        """The endpoint with its secrets and its headers as they are used. Secrets of releases that sealed none are as
        they are. Raises NotOpened."""

        def opened(kept: str) -> str:
            return self._rows.open(account_id, endpoint.endpoint_id, kept)

        return replace(
            endpoint,
            secrets=tuple(map(opened, endpoint.secrets)),
            headers={name: opened(value) for name, value in endpoint.headers.items()},
        )


def new_secret(signature: Signature, now: int) -> tuple[str, SecretMark]:
    """A secret of this kind, and its mark."""
    if signature is not Signature.V1A:
        return new_webhook_secret(), SecretMark(now)
    # libsodium takes 20 ms to load, and few endpoints ask for it.
    from nacl.signing import SigningKey

    key = SigningKey.generate()
    public_key = "whpk_" + base64.b64encode(bytes(key.verify_key)).decode()
    return "whsk_" + base64.b64encode(bytes(key)).decode(), SecretMark(now, public_key=public_key)
