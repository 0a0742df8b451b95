"""A customer's endpoint: where deliveries go, for which events, signed with which secrets."""

import base64
import secrets
from dataclasses import dataclass, field

from ringline.webhooks.model.event_type import EventType

_SECRET_BYTES = 24
"""The least that Standard Webhooks asks of a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """`secrets` holds every valid one, the newest first: during a rotation a delivery is signed with all of them.

    `revision` grows by one with each write, so that no change is lost to another one made on the same reading.
    """

    endpoint_id: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    created_at: int
    event_types: tuple[EventType, ...] = (EventType.CALL_END,)
    description: str | None = None
    disabled_at: int | None = None
    disabled_reason: str | None = None
    revision: int = 1

    @property
    def is_enabled(self) -> bool:
        return self.disabled_at is None

    def wants(self, event_type: str) -> bool:
        """Whether a delivery of this type is to be made."""
        return self.is_enabled and event_type in self.event_types


def new_webhook_secret() -> str:
    """A signing secret `whsec_` + base64, as the Standard Webhooks libraries take it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
