"""Ids: a word that says what it names, then a ULID, so that ids sort by the time they were made."""

import re
import secrets

from ringline.runtime.clock import now_ms

_ID = re.compile(r"[A-Za-z0-9_+.-]{1,80}")


def new_id(prefix: str) -> str:
    """A fresh id such as `call_01JD5Z…`: 48 bits of time, 80 bits of randomness."""
    # Loaded with the first id: most functions only check ids, and start faster without it.
    from ulid import ULID

    return f"{prefix}_{ULID.from_timestamp(now_ms())}"


def is_plausible_id(text: str) -> bool:
    """Whether text can be an id at all; what cannot never reaches a key of the table."""
    return _ID.fullmatch(text) is not None


def new_secret(prefix: str, length_bytes: int = 24) -> str:
    """A secret of `length_bytes` random bytes in URL-safe form behind a prefix that scanners can find."""
    return f"{prefix}_{secrets.token_urlsafe(length_bytes)}"
