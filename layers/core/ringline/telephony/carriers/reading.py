"""How the loose values in carriers' events are read. Pure."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from ringline.calls.model.timing import MS_PER_S

CALL_HEADER = "x-ringline-call"
"""The SIP header of our INVITE that names the attempt's room, in lower case: names of headers have no case."""

_MOST_TEXT = 200
_MOST_ID = 200
_ADDRESS = re.compile(r"(?:sips?:|tel:)?([^\s<>@;,:\"]+)@([^\s<>@;,:\"]+)", re.IGNORECASE)
_VOICEMAIL_USER = re.compile(r"voice[-_. ]?mail\w*|v[-_]?mail\d*|vm\d*", re.IGNORECASE)
_VOICEMAIL_WORD = re.compile(r"(?:^|[^a-z])(?:voice[-_. ]?mail|v[-_]?mail|vm)(?:[^a-z]|$)", re.IGNORECASE)


def text(value: Any) -> str | None:
    """A text or number as text of a bearable length; None for anything else, and for nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip()[:_MOST_TEXT] or None


def sip_code(value: Any) -> int | None:
    """A SIP response code; None for what is none."""
    digits = text(value)
    code = int(digits) if digits is not None and re.fullmatch(r"[0-9]{3}", digits) else 0
    return code if 100 <= code < 700 else None


def call_ids(*values: Any) -> tuple[str, ...]:
    """Those of the values that can be ids, each once."""
    ids = (value for value in values if isinstance(value, str) and 0 < len(value) <= _MOST_ID and value.isprintable())
    return tuple(dict.fromkeys(ids))


def moment(value: Any) -> int | None:
    """An ISO 8601 moment in milliseconds, UTC where it names no zone; None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * MS_PER_S)
    except (ValueError, OverflowError):
        return None


def names_voicemail(target: str | None) -> bool:
    """Whether the place a call was forwarded to is a voicemail by its name: its user part, or the user part it names as
    its target. The cause of a redirection (RFC 4458: `cause=408`, `cause=486`) alone tells nothing of the place."""
    if not target:
        return False
    place = unquote(target)
    addresses = _ADDRESS.findall(place)
    if not addresses:
        return _VOICEMAIL_WORD.search(re.sub(r"[;?].*", "", place)) is not None
    # A host may bear the name `vm` because it is a virtual machine.
    return any(_is_voicemail(user) or "voicemail" in host.lower() for user, host in addresses)


def _is_voicemail(user: str) -> bool:
    return _VOICEMAIL_USER.fullmatch(user) is not None or _VOICEMAIL_WORD.search(user) is not None
