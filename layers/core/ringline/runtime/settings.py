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
