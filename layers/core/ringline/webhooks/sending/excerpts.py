"""The beginning of a receiver's answer, as a delivery's log keeps it: bounded, and without what is secret.

Receivers echo what they are sent, in whole and in error pages. Whatever a request's headers held that only the receiver
may know is taken out of its answer, and so is what looks like credentials of its own. Anything else is the receiver's
own text, and stays.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

OF_A_FAILURE_BYTES = 2048
OF_A_SUCCESS_BYTES = 256
"""Enough to see who answered; with it a delivery's row stays within one write unit."""

REDACTED = "[redacted]"

_SHORTEST_SECRET = 6
"""Taking out every `Bearer` or `v1` would leave nothing to read, and no secret is that short."""

_NO_SECRETS = frozenset({"content-type", "user-agent", "webhook-id", "webhook-timestamp", "host", "connection"})
"""Headers of a request that tell nobody anything: `webhook-id` and its time help to find it in the receiver's log."""

_CREDENTIALS = re.compile(
    r"""((?:proxy-)?authorization|(?:set-)?cookie2?|x-api-key)(["']?\s*(?:=>|[:=])\s*)(?:"[^"]*"?|'[^']*'?|[^\r\n<]*)""",
    re.IGNORECASE,
)
_SIGNING_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_\\-]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def excerpt(body: bytes, most_bytes: int, headers: Mapping[str, str], secrets: Iterable[str] = ()) -> str | None:
    """The beginning of an answer's body, at most `most_bytes` of it in UTF-8; None of an empty one. `headers` are those
    of the request that it answers, `secrets` what signed it."""
    text = _CONTROLS.sub("", body.decode("utf-8", errors="replace"))
    for secret in sorted(set(_secrets(headers, secrets)), key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    text = _SIGNING_SECRET.sub(REDACTED, text)
    text = _CREDENTIALS.sub(lambda found: f"{found[1]}{found[2]}{REDACTED}", text)
    return shortened(text, most_bytes) or None


def shortened(text: str, most_bytes: int) -> str:
    """As many whole characters as fit."""
    return text.encode()[:most_bytes].decode(errors="ignore")


def _secrets(headers: Mapping[str, str], secrets: Iterable[str]) -> Iterator[str]:
    values = [value for name, value in headers.items() if name.lower() not in _NO_SECRETS]
    for value in [*values, *secrets, *(secret.removeprefix("whsec_") for secret in secrets)]:
        # An echo may hold a part of it (`v1,<signature>`, `Bearer <token>`), or write it as its own language does.
        for part in {value, *re.split(r"[\s,;]+", value)}:
            if len(part) >= _SHORTEST_SECRET:
                yield from (part, part.replace("/", "\\/"), quote(part, safe=""))
