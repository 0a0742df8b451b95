"""Whether a request's headers name an account.

API Gateway's own refusal is no problem document, so requests are let through with the verdict in their context, and
`runtime.web.http.asker_of` enforces it where the answer is written. A flood of keys that are none is refused here
(`strangers`): it costs one function and not two.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ringline.accounts.account import ApiKey
from ringline.accounts.last_use import LastUses
from ringline.accounts.rates import KeyRates, Rate
from ringline.runtime.clock import Clock, now_ms

_SCHEMES = frozenset({"bearer", "token", "jwt"})
"""The SDK's direct mode, its proxy mode, and the form of its JWT mode; each carries an API key here."""

_RAW_KEY = re.compile(r"sk_[A-Za-z0-9_-]{16,128}")

_LONGEST_HEADER = 256


class Refusal(StrEnum):
    MISSING_KEY = "missing_key"
    INVALID_KEY = "invalid_key"
    ORG_MISMATCH = "org_mismatch"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"


@dataclass(frozen=True, slots=True)
class Authorized:
    """Without `scopes` the key may do everything. `rate` is how it stands with its requests, where they are counted."""

    account_id: str
    key_id: str
    scopes: tuple[str, ...] = ()
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class TooManyRequests:
    """A good key that has used up its minute."""

    account_id: str
    key_id: str
    rate: Rate


type Verdict = Authorized | TooManyRequests | Refusal


class Keys(Protocol):
    def find_key(self, raw_key: str) -> ApiKey | None:
        """The key as it is known, revoked, expired or not; None for a key that never was."""


class Authorize:
    def __init__(
        self, keys: Keys, clock: Clock = now_ms, rates: KeyRates | None = None, uses: LastUses | None = None
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._rates = rates
        self._uses = uses

    def verdict(self, headers: Mapping[str, str], source_ip: str | None = None) -> Verdict:
        """Which account the key in the headers belongs to, and whether it may be used from this address. The headers'
        names are in lower case, as in API Gateway's payload 2.0.

        An Org-Handle header must name the account of the key, whatever the scheme it comes with.
        """
        authorization = headers.get("authorization", "").strip()
        if not authorization:
            return Refusal.MISSING_KEY
        raw_key = key_in(authorization)
        key = self._keys.find_key(raw_key) if raw_key else None
        if key is None or not key.is_valid_at(self._clock()):
            return Refusal.INVALID_KEY
        if headers.get("org-handle", key.org_handle) != key.org_handle:
            return Refusal.ORG_MISMATCH
        if key.allowed_ip_ranges and not _covers(key.allowed_ip_ranges, source_ip):
            # Before its requests are counted: a thief elsewhere is not to use up the minute of whose key it is.
            return Refusal.ADDRESS_NOT_ALLOWED
        rate = None if self._rates is None else self._rates.take(key.account_id, key.key_id)
        if rate is not None and rate.is_over:
            return TooManyRequests(key.account_id, key.key_id, rate)
        if self._uses is not None:
            self._uses.saw(key.account_id, key.key_id, source_ip)
        return Authorized(key.account_id, key.key_id, key.scopes, rate)


def is_good_from(key: ApiKey | None, now_ms: int, source_ip: str | None) -> bool:
    """Whether a key that was good once still stands, and may be used from that address."""
    if key is None or not key.is_valid_at(now_ms):
        return False
    return not key.allowed_ip_ranges or _covers(key.allowed_ip_ranges, source_ip)


def _covers(ranges: tuple[str, ...], source_ip: str | None) -> bool:
    # Most keys have no ranges, and every start of the authorizer would pay for what reads them.
    from ringline.accounts.addresses import covers

    return covers(ranges, source_ip)


def key_in(authorization: str) -> str | None:
    """The API key in an Authorization header; None if its scheme or form is none of ours: no look-up is spent on it."""
    if len(authorization) > _LONGEST_HEADER:
        return None
    scheme, _, raw_key = authorization.partition(" ")
    if scheme.lower() not in _SCHEMES or not _RAW_KEY.fullmatch(raw_key.strip()):
        return None
    return raw_key.strip()


def context_of(verdict: Verdict) -> dict[str, str]:
    """A verdict as the authorizer context that `runtime.web.http.asker_of` reads."""
    match verdict:
        case Authorized():
            told = {"account_id": verdict.account_id, "key_id": verdict.key_id}
            return told | ({"scopes": " ".join(verdict.scopes)} if verdict.scopes else {}) | _rate(verdict.rate)
        case TooManyRequests():
            # Without the account: what reads it as a credential must not find one.
            return {"refusal": "rate_limited", "limited_key_id": verdict.key_id} | _rate(verdict.rate)
        case _:
            return {"refusal": verdict.value}


def _rate(rate: Rate | None) -> dict[str, str]:
    if rate is None:
        return {}
    return {"rate_limit": str(rate.limit), "rate_left": str(rate.left), "rate_resets_in_s": str(rate.resets_in_s)}
