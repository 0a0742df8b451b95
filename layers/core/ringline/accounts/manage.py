"""API keys as customers make and end them through the API."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ringline.accounts.account import ApiKey, KeyChanged
from ringline.accounts.last_use import LastUse
from ringline.runtime.clock import MS_PER_S, Clock, iso, iso_or_none
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.web.problems import Problem, invalid_field, not_found

if TYPE_CHECKING:
    # Bodies are pydantic's, which only requests with one load.
    from ringline.accounts.bodies import KeyChange, KeyRequest, KeyRotation

MOST_KEYS = 100
"""How many valid keys an account may have."""
_TRIES = 5
LONGEST_LIFE_MS = 3653 * 24 * 3600 * MS_PER_S
"""Ten years: a date that is further off is a slip of the pen."""


class Keys(Protocol):
    def add_known_key(
        self,
        account_id: str,
        name: str,
        *,
        expires_at: int | None = None,
        scopes: tuple[str, ...] = (),
        allowed_ip_ranges: tuple[str, ...] = (),
        admit: Callable[[list[ApiKey]], None],
    ) -> tuple[str, ApiKey]: ...

    def rotate(
        self, key: ApiKey, expires_at: int, admit: Callable[[list[ApiKey]], None]
    ) -> tuple[str, ApiKey] | None: ...

    def keys(self, account_id: str) -> list[ApiKey]: ...

    def org_handle_of(self, account_id: str) -> str | None: ...

    def revoke(self, account_id: str, key_id: str) -> bool: ...

    def restrict(self, account_id: str, key_id: str, allowed_ip_ranges: tuple[str, ...]) -> bool: ...


class Uses(Protocol):
    def of_account(self, account_id: str) -> Mapping[str, LastUse]:
        """When each key was used last, by its id."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whoever asks for a change of keys: with a key of these scopes, from this address."""

    key_id: str | None = None
    scopes: frozenset[str] = frozenset()
    source_ip: str | None = None


OF_EVERYTHING = Holder()


class ManageKeys:
    """Nobody gives, or ends, more than the key has that they ask with. Raises Problem 403 `scope_missing`,
    `beyond_own_ranges` or `beyond_own_end`, 404 `key_not_found`, 409 `key_is_over`, `too_many_keys` or
    `would_lock_out`, 422 for wrong fields, 503 `contended`."""

    def __init__(self, keys: Keys, uses: Uses, clock: Clock) -> None:
        self._keys = keys
        self._uses = uses
        self._clock = clock

    def create(self, account_id: str, request: "KeyRequest", holder: Holder = OF_EVERYTHING) -> dict[str, Any]:
        """The new key with the key itself, which cannot be read again. Without a word it has the scopes, ranges and
        end of the key that is asked with."""
        own = {account_id, self._keys.org_handle_of(account_id)}
        for name in ("org_id", "project_id"):
            if getattr(request, name) not in {None, *own}:
                raise invalid_field(name, "is not of the account that this key is of")
        now = self._clock()
        expires_at = None if request.expires_at is None else round(request.expires_at.timestamp() * MS_PER_S)
        if expires_at is not None and expires_at <= now:
            raise invalid_field("expires_at", "is over")
        if expires_at is not None and expires_at > now + LONGEST_LIFE_MS:
            raise invalid_field("expires_at", "must be within ten years; leave it out for a key that has no end")
        own_ranges, own_end = self._bounds_of(account_id, holder)
        expires_at = own_end if expires_at is None else expires_at
        _check_ends(expires_at, own_end)
        scopes = tuple(dict.fromkeys(each.value for each in request.scopes or ())) or tuple(sorted(holder.scopes))
        _check_given(scopes, holder)
        ranges = request.allowed_ip_ranges or own_ranges
        _check_within(ranges, own_ranges)
        raw_key, key = self._keys.add_known_key(
            account_id,
            request.name,
            expires_at=expires_at,
            scopes=scopes,
            allowed_ip_ranges=ranges,
            admit=self._admit,
        )
        return key_view(key, now) | {"raw_key": raw_key}

    def list(self, account_id: str) -> list[dict[str, Any]]:
        """All keys, oldest first, also those that are over."""
        now, uses = self._clock(), self._uses.of_account(account_id)
        return [key_view(key, now, uses.get(key.key_id)) for key in self._keys.keys(account_id)]

    def show(self, account_id: str, key_id: str) -> dict[str, Any]:
        key = self._key(account_id, key_id)
        return key_view(key, self._clock(), self._uses.of_account(account_id).get(key_id))

    def revoke(self, account_id: str, key_id: str, holder: Holder = OF_EVERYTHING) -> None:
        """Ends it from the next request on. To do it again changes nothing."""
        _check_given(self._key(account_id, key_id).scopes, holder)
        self._keys.revoke(account_id, key_id)

    def change(
        self, account_id: str, key_id: str, change: "KeyChange", holder: Holder = OF_EVERYTHING
    ) -> dict[str, Any]:
        """From where the key may be used from the next request on. A key that takes its own good from where it is
        asked with must say so: `force`."""
        key, ranges = self._key(account_id, key_id), change.allowed_ip_ranges or ()
        _check_given(key.scopes, holder)
        _check_within(ranges, self._bounds_of(account_id, holder)[0])
        if ranges and holder.key_id == key_id and not (change.force or _covers(ranges, holder.source_ip)):
            title = (
                f"The ranges leave out {holder.source_ip}, from where you ask with this very key: add it, or `force`"
            )
            raise Problem(409, "would_lock_out", title)
        if not self._keys.restrict(account_id, key_id, ranges):
            raise Problem(409, "key_is_over", "The key is revoked")
        return self.show(account_id, key_id)

    def rotate(
        self, account_id: str, key_id: str, rotation: "KeyRotation", holder: Holder = OF_EVERYTHING
    ) -> dict[str, Any]:
        """The key in its place, with the key itself, which cannot be read again: with its scopes, ranges and end."""
        for _ in range(_TRIES):
            try:
                return self._rotate(account_id, key_id, rotation, holder)
            except KeyChanged:
                continue
        raise Problem(503, "contended", "Too many changes came at once; ask again")

    def _rotate(self, account_id: str, key_id: str, rotation: "KeyRotation", holder: Holder) -> dict[str, Any]:
        """Raises KeyChanged where its ranges are changed meanwhile: whoever asks may not give all others."""
        now, key = self._clock(), self._key(account_id, key_id)
        _check_given(key.scopes, holder)
        own_ranges, own_end = self._bounds_of(account_id, holder)
        _check_ends(key.expires_at, own_end)
        _check_within(key.allowed_ip_ranges, own_ranges)
        ends_at = now + (rotation.overlap_s or 0) * MS_PER_S
        made = self._keys.rotate(key, ends_at, self._admit) if key.is_valid_at(now) else None
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

    def _bounds_of(self, account_id: str, holder: Holder) -> tuple[tuple[str, ...], int | None]:
        """From where the key may be used that is asked with, none is from anywhere; and when it ends, of one that was
        rotated the one in its place."""
        keys = {key.key_id: key for key in self._keys.keys(account_id)}
        own = last = keys.get(holder.key_id or "")
        while last is not None and last.rotated_to in keys:
            last = keys[last.rotated_to]
        return () if own is None else own.allowed_ip_ranges, None if last is None else last.expires_at

    def _admit(self, keys: Sequence[ApiKey]) -> None:
        now = self._clock()
        if sum(key.is_valid_at(now) for key in keys) >= MOST_KEYS:
            raise Problem(409, "too_many_keys", f"An account has at most {MOST_KEYS} valid API keys")


def _check_given(scopes: tuple[str, ...], holder: Holder) -> None:
    """Raises Problem 403 for scopes, or a key without any, beyond what whoever asks has: a key that may manage keys is
    not to become one that may do everything, or to end that one."""
    if holder.scopes and (not scopes or not set(scopes) <= holder.scopes):
        raise Problem(403, "scope_missing", "The API key may not give, or end, more than it has itself")


def _check_within(ranges: tuple[str, ...], own: tuple[str, ...]) -> None:
    """Raises Problem 403 for a key that may be used where the one asked with may not: whoever has that one, and its
    network, is not to take another one home."""
    if not own:
        return
    from ringline.accounts.addresses import lie_within

    if not ranges or not lie_within(ranges, own):
        raise Problem(403, "beyond_own_ranges", f"Your API key may be used from {', '.join(own)}, and give no more")


def _check_ends(ends_at: int | None, own_end: int | None) -> None:
    """Raises Problem 403 for a key that is good for longer than the one asked with: an end is for good."""
    if own_end is not None and (ends_at is None or ends_at > own_end):
        raise Problem(403, "beyond_own_end", f"Your API key ends at {iso(own_end)}, and gives none that ends later")


def _covers(ranges: tuple[str, ...], source_ip: str | None) -> bool:
    from ringline.accounts.addresses import covers

    return covers(ranges, source_ip)


def key_view(key: ApiKey, now: int, use: LastUse | None = None) -> dict[str, Any]:
    """What is known of a key. The key itself is not: only its hash is kept."""
    return {
        "key_id": key.key_id,
        "name": key.name,
        "org_id": key.account_id,
        "project_id": key.account_id,
        "status": "revoked" if key.revoked_at is not None else "expired" if key.is_expired_at(now) else "active",
        "scopes": list(key.scopes),
        "allowed_ip_ranges": list(key.allowed_ip_ranges) or None,
        "last_used_at": None if use is None else iso(use.at),
        "last_used_from": None if use is None else use.source_ip,
        "expires_at": iso_or_none(key.expires_at),
        "rotated_to": key.rotated_to,
        "created": iso(key.created_at),
    }
