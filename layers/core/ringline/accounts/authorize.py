"""Whether a request's headers name an account.

API Gateway's own refusal is no problem document, so every request is let through with the verdict in its context, and
`runtime.web.http.account_of` enforces it where the answer is written.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ringline.accounts.account import ApiKey
from ringline.runtime.clock import Clock, now_ms

_SCHEMES = frozenset({"bearer", "token", "jwt"})
"""The SDK's direct mode, its proxy mode, and the form of its JWT mode; each carries an API key here."""

_RAW_KEY = re.compile(r"sk_[A-Za-z0-9_-]{16,128}")

_LONGEST_HEADER = 256


class Refusal(StrEnum):
    MISSING_KEY = "missing_key"
    INVALID_KEY = "invalid_key"
    ORG_MISMATCH = "org_mismatch"


@dataclass(frozen=True, slots=True)
class Authorized:
    account_id: str
    key_id: str


type Verdict = Authorized | Refusal


class Keys(Protocol):
    def find_key(self, raw_key: str) -> ApiKey | None:
        """The key as it is known, revoked, expired or not; None for a key that never was."""


class Authorize:
    def __init__(self, keys: Keys, clock: Clock = now_ms) -> None:
        self._keys = keys
        self._clock = clock

    def verdict(self, headers: Mapping[str, str]) -> Verdict:
        """Which account the key in the headers belongs to. Their names are in lower case, as in API Gateway's payload
        2.0.

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
        return Authorized(key.account_id, key.key_id)


def key_in(authorization: str) -> str | None:
    """The API key in an Authorization header; None if its scheme or form is none of ours: no look-up is spent on it."""
    if len(authorization) > _LONGEST_HEADER:
        return None
    scheme, _, raw_key = authorization.partition(" ")
    if scheme.lower() not in _SCHEMES or not _RAW_KEY.fullmatch(raw_key.strip()):
        return None
    return raw_key.strip()


def context_of(verdict: Verdict) -> dict[str, str]:
    """A verdict as the authorizer context that `runtime.web.http.account_of` reads."""
    if isinstance(verdict, Authorized):
        return {"account_id": verdict.account_id, "key_id": verdict.key_id}
    return {"refusal": verdict.value}
