"""The body of a request for a brain. Read by hand: the model that would read it takes longer to load than everything
else that the function does."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ringline.agents.model.assigning import Asked, Why
from ringline.runtime.web.problems import invalid_field

_LONGEST_URL = 2048
_MOST_COUNTED = 1_000_000
"""Far more than are ever counted; DynamoDB refuses numbers of more than 38 digits."""


def read_request(body: Mapping[str, Any]) -> Asked:
    """Raises Problem 422. Fields of a later version are passed over."""
    number, dispatch = _count("request", body.get("request")), _count("dispatch", body.get("dispatch", 1))
    if body.get("why") not in list(Why):
        raise invalid_field("why", f"must be one of {', '.join(Why)}")
    return Asked(number, Why(body["why"]), _bridge_url(body.get("bridge_url")), dispatch)


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_COUNTED:
        raise invalid_field(name, f"must be a number from 1 to {_MOST_COUNTED}")
    return value


def _bridge_url(value: Any) -> str:
    try:
        parts = urlsplit(value) if isinstance(value, str) and len(value) <= _LONGEST_URL else None
        is_one = parts is not None and parts.scheme in {"ws", "wss"} and bool(parts.hostname) and not parts.fragment
    except ValueError:  # a host or a port that is none
        is_one = False
    if not is_one or value.split() != [value]:
        raise invalid_field("bridge_url", "must be a URL, ws://... or wss://...")
    return str(value)
