"""API keys as customers make and end them through the API."""

from typing import TYPE_CHECKING, Any, Protocol

from ringline.accounts.account import ApiKey
from ringline.runtime.clock import MS_PER_S, Clock, iso, iso_or_none
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.web.problems import Problem, invalid_field, not_found

if TYPE_CHECKING:
    # Bodies are pydantic's, which only requests with one load.
    from ringline.accounts.bodies import KeyRequest, KeyRotation

MOST_KEYS = 100
"""How many valid keys an account may have."""


class Keys(Protocol):
    def add_known_key(
        self, account_id: str, name: str, *, expires_at: int | None = None, scopes: tuple[str, ...] = ()
    ) -> tuple[str, ApiKey]: ...

    def rotate(self, key: ApiKey, expires_at: int) -> tuple[str, ApiKey] | None: ...

    def keys(self, account_id: str) -> list[ApiKey]: ...

    def org_handle_of(self, account_id: str) -> str | None: ...

    def revoke(self, account_id: str, key_id: str) -> bool: ...


class ManageKeys:
    """Raises Problem 404 `key_not_found`, 409 `key_is_over` or `too_many_keys`, 422 for wrong fields."""

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def create(self, account_id: str, request: "KeyRequest") -> dict[str, Any]:
        """The new key with the key itself, which cannot be read again."""
        own = {account_id, self._keys.org_handle_of(account_id)}
        for name in ("org_id", "project_id"):
            if getattr(request, name) not in {None, *own}:
                raise invalid_field(name, "is not of the account that this key is of")
        now = self._clock()
        expires_at = None if request.expires_at is None else round(request.expires_at.timestamp() * MS_PER_S)
        if expires_at is not None and expires_at <= now:
            raise invalid_field("expires_at", "is over")
        self._check_room(account_id)
        scopes = tuple(dict.fromkeys(each.value for each in request.scopes or ()))
        raw_key, key = self._keys.add_known_key(account_id, request.name, expires_at=expires_at, scopes=scopes)
        return key_view(key, now) | {"raw_key": raw_key}

    def list(self, account_id: str) -> list[dict[str, Any]]:
        """All keys, oldest first, also those that are over."""
        now = self._clock()
        return [key_view(key, now) for key in self._keys.keys(account_id)]

    def revoke(self, account_id: str, key_id: str) -> None:
        """Ends it from the next request on. To do it again changes nothing."""
        self._key(account_id, key_id)
        self._keys.revoke(account_id, key_id)

    def rotate(self, account_id: str, key_id: str, rotation: "KeyRotation") -> dict[str, Any]:
        """The key in its place, with the key itself, which cannot be read again."""
        now, key = self._clock(), self._key(account_id, key_id)
        self._check_room(account_id)
        made = self._keys.rotate(key, now + (rotation.overlap_s or 0) * MS_PER_S) if key.is_valid_at(now) else None
        if made is None:
            raise Problem(409, "key_is_over", "The key is revoked, expired, or was rotated before")
        raw_key, new = made
        return key_view(new, now) | {"raw_key": raw_key}

    def _key(self, account_id: str, key_id: str) -> ApiKey:
        keys = self._keys.keys(account_id) if is_plausible_id(key_id) else []
        for key in keys:
            if key.key_id == key_id:
                return key
        raise not_found("key_not_found", "There is no such API key")

    def _check_room(self, account_id: str) -> None:
        now = self._clock()
        if sum(key.is_valid_at(now) for key in self._keys.keys(account_id)) >= MOST_KEYS:
            raise Problem(409, "too_many_keys", f"An account has at most {MOST_KEYS} valid API keys")


def key_view(key: ApiKey, now: int) -> dict[str, Any]:
    """What is known of a key. The key itself is not: only its hash is kept."""
    return {
        "key_id": key.key_id,
        "name": key.name,
        "org_id": key.account_id,
        "project_id": key.account_id,
        "status": "revoked" if key.revoked_at is not None else "expired" if key.is_expired_at(now) else "active",
        "scopes": list(key.scopes),
        "expires_at": iso_or_none(key.expires_at),
        "rotated_to": key.rotated_to,
        "created": iso(key.created_at),
    }
