"""Settings: environment variables, checked once at import so that a misconfigured function fails before it does half a
job."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit


class SettingsError(RuntimeError):
    """A setting is missing or malformed; the message names the variable."""


def required(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """The value of a variable that must be set and not empty. Raises SettingsError."""
    value = environ.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def optional(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """The value of a variable that may be missing: empty then."""
    return environ.get(name, "").strip()


def required_url(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """A variable that must hold an absolute http(s) or ws(s) URL. Raises SettingsError."""
    value = required(name, environ)
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https", "ws", "wss"} or not parts.netloc:
        raise SettingsError(f"{name} is not an absolute URL")
    return value


def flag(name: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a variable says `true`; anything else is false."""
    return environ.get(name, "").strip().lower() == "true"


def number(name: str, environ: Mapping[str, str] = os.environ) -> float:
    """A variable that holds a number of 0 or more; 0 where it is not set. Raises SettingsError."""
    text = environ.get(name, "").strip() or "0"
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise SettingsError(f"{name} is not a number of 0 or more")
    return value
