"""What an answer to a delivery means, and when the next try is due: the waits Standard Webhooks recommends."""

from datetime import UTC
from email.utils import parsedate_to_datetime

from ringline.record import stored

_MINUTE_S = 60
_HOUR_S = 3600
_MS_PER_S = 1000

WAITS_S = (
    0,
    5,
    5 * _MINUTE_S,
    30 * _MINUTE_S,
    2 * _HOUR_S,
    5 * _HOUR_S,
    10 * _HOUR_S,
    14 * _HOUR_S,
    20 * _HOUR_S,
    24 * _HOUR_S,
)
"""The wait before each try, counted from the failure of the one before: the last is made after three days."""

JITTER = 0.1
"""A wait grows by up to this share, so that a server that comes back is not met by all its deliveries at once."""

LADDER_MS = round(sum(WAITS_S) * (1 + JITTER) * _MS_PER_S)
"""From the first try to the last one, where every wait is as long as chance makes it and no server asks for more."""

LONGEST_RETRY_AFTER_S = 24 * _HOUR_S
"""How far an endpoint may put the next try off: no further than the longest wait of our own."""

LOST_MESSAGE_MS = _MINUTE_S * _MS_PER_S
"""How long after its moment a message counts as lost, and the sweep takes over."""

_GONE = 410


@stored
class Accepted:
    """2xx: the endpoint has it."""


@stored
class TryAgain:
    wait_ms: int


@stored
class Stop:
    """No further try. `endpoint_gone`: the endpoint asked never to be called again."""

    endpoint_gone: bool


type Verdict = Accepted | TryAgain | Stop


def verdict(attempts_made: int, status_code: int | None, retry_after_s: int | None, randomness: float) -> Verdict:
    """What follows from try number `attempts_made`, answered with `status_code` or not at all. `randomness`: [0, 1).

    A redirect is a failure and is never followed: it would lead a signed request wherever the answer says.
    """
    if status_code is not None and 200 <= status_code < 300:
        return Accepted()
    if status_code == _GONE:
        return Stop(endpoint_gone=True)
    if attempts_made >= len(WAITS_S):
        return Stop(endpoint_gone=False)
    wait_s = max(WAITS_S[attempts_made], min(retry_after_s or 0, LONGEST_RETRY_AFTER_S))
    return TryAgain(round(wait_s * (1 + JITTER * randomness) * _MS_PER_S))


def retry_after_in_s(value: str | None, now_ms: int) -> int | None:
    """A Retry-After header, in either of HTTP's forms, as seconds from now; None if absent, past or unreadable."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdecimal():
        # A number too long to mean anything is bounded by the schedule like any other.
        return int(text[:10]) or None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0, round(moment.timestamp() - now_ms / _MS_PER_S)) or None
