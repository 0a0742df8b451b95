"""An account and its API keys. A key is a secret: only its SHA-256 is ever kept."""

import hashlib
from dataclasses import field

from ringline.later import Carried
from ringline.record import stored


class KeyChanged(Exception):
    """From where a key may be used, or where its row stands, was changed since it was read."""


@stored
class Account:
    """A customer. `cap` is how many of its outbound calls may be on a line at once; 0 pauses its dialling. `country`
    (two letters, such as `US`) is where the numbers are that it writes without a country's code."""

    account_id: str
    name: str
    org_handle: str
    cap: int
    country: str | None = None


@stored
class ApiKey:
    """What is known of a key without the key itself. Moments in milliseconds. A key that was rotated stands until
    `expires_at` beside the one in its place, `rotated_to`. Without `scopes` it may do everything that its
    account may. With `allowed_ip_ranges` it may be used from these addresses alone; without, from anywhere."""

    key_id: str
    account_id: str
    org_handle: str
    name: str
    created_at: int
    revoked_at: int | None = None
    expires_at: int | None = None
    scopes: tuple[str, ...] = ()
    rotated_to: str | None = None
    allowed_ip_ranges: tuple[str, ...] = ()
    carried: Carried = field(default=(), compare=False, repr=False)

    def is_valid_at(self, now_ms: int) -> bool:
        return self.revoked_at is None and not self.is_expired_at(now_ms)

    def is_expired_at(self, now_ms: int) -> bool:
        return self.expires_at is not None and self.expires_at <= now_ms


def hash_of(raw_key: str) -> str:
    """SHA-256 of a key in hex. Keys hold 256 random bits, so a plain hash cannot be turned round by guessing."""
    return hashlib.sha256(raw_key.encode()).hexdigest()
