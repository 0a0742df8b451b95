"""Which calls stand longer where they stand than they should. Pure: from a call as the API shows it to a sentence."""

from collections.abc import Iterable
from typing import Any

from cli.words.moments import length, moment
from ringline.calls.model.timing import LONGEST_CALL_DURATION_S, MAX_AGENT_JOIN_S, MAX_RING_TIMEOUT_S

type Document = dict[str, Any]

LONG_WAIT_S = 180
"""As long as the alarm that pages for calls that wait lets them."""

SWEPT_WITHIN_S = 60
"""By then the sweep has looked at a call that nobody told of."""

_ON_ITS_WAY_S = MAX_RING_TIMEOUT_S + MAX_AGENT_JOIN_S + SWEPT_WITHIN_S
_FROM = {"pending": ("next_attempt_at", "scheduled_at", "created"), "ringing": ("started_at", "created")}
_MOST_S = {"pending": LONG_WAIT_S, "ringing": _ON_ITS_WAY_S, "active": LONGEST_CALL_DURATION_S + SWEPT_WITHIN_S}
_SAYS = {
    "pending": "has waited for {}",
    "ringing": "has been on its way for {}: longer than any phone rings",
    "active": "has been under way for {}: longer than any conversation may last",
}


def stuck_sooner_never_s(statuses: Iterable[str]) -> int:
    """For fewer seconds than these no call of one of these statuses can be stuck."""
    return min(_MOST_S[each] for each in statuses)


def stuck_s(call: Document, now_ms: int) -> float:
    """For how many seconds too long it stands where it stands; 0 where nothing is wrong with it."""
    status = str(call.get("status"))
    if status not in _MOST_S:
        return 0.0
    return max(0.0, _stands_s(call, now_ms) - _MOST_S[status])


def why_stuck(call: Document, now_ms: int) -> str:
    """A few words; empty where it is not stuck."""
    if not stuck_s(call, now_ms):
        return ""
    return _SAYS[str(call["status"])].format(length(_stands_s(call, now_ms)))


def _stands_s(call: Document, now_ms: int) -> float:
    """How long it has stood as it stands; 0 for a moment that is still to come."""
    names = _FROM.get(str(call.get("status")), ("started_at",))
    begun = next((at for name in names if (at := moment(call.get(name))) is not None), None)
    return 0.0 if begun is None else max(0.0, now_ms / 1000 - begun.timestamp())
