"""A carrier's request to our hook, and what every form of it checks alike. Pure.

    HookRefused     the sender is not proven to be the carrier, or what it sent is not of now
    HookUnreadable  the carrier sent it, and it is not what that carrier is known to send

They are not `telephony.hook`'s: that module loads a JWT library, which costs a hook a fifth of its start.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ringline.json_text import read_json

MAX_AGE_S = 300
"""How far a signed moment may lie from now, either way: as Standard Webhooks and Telnyx say."""


class HookRefused(Exception):
    """The request does not prove that the carrier sent it, now. The message says which check failed."""


class HookUnreadable(Exception):
    """The carrier sent the request, and what is in it is no event as we know them."""


@dataclass(frozen=True, slots=True)
class HookRequest:
    """A request as it was sent: the URL that the sender used, headers by their lower-case names, the body's bytes."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Raises HookRefused where it is missing, or holds what no such header can."""
        value = self.headers.get(name, "").strip()
        if not value:
            raise HookRefused(f"no {name}")
        if not value.isascii():
            raise HookRefused(f"{name} is not ASCII")
        return value

    def query(self, name: str) -> str | None:
        """A parameter of the URL."""
        parameters = parse_qsl(urlsplit(self.url).query)
        return next((value for key, value in parameters if key == name), None)


def secrets_of(setting: str) -> tuple[str, ...]:
    """The secrets of one setting, which commas separate: more than one while they are being rotated."""
    return tuple(secret.strip() for secret in setting.split(",") if secret.strip())


def check_age(signed_s: str, now_s: float) -> None:
    """Raises HookRefused unless the signed moment, in Unix seconds, is near enough to now."""
    if not (signed_s.isascii() and signed_s.isdecimal() and len(signed_s) < 12):
        raise HookRefused("timestamp is not one")
    age_s = now_s - int(signed_s)
    if abs(age_s) > MAX_AGE_S:
        raise HookRefused("too old" if age_s > 0 else "from the future")


def from_base64(encoded: str, what: str) -> bytes:
    """Raises HookRefused, naming what is wrong."""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise HookRefused(f"{what} is not base64") from None


def json_object(body: bytes) -> dict[str, Any]:
    """Raises HookUnreadable."""
    try:
        document = read_json(body)
    except ValueError:
        raise HookUnreadable("not JSON") from None
    if not isinstance(document, dict):
        raise HookUnreadable("not an object")
    return document
