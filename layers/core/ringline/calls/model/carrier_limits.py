"""How carriers say that they take no more calls at the moment: too many in a second, or too many at once."""

_TEXTS = (
    "cps limit",
    "calls per second",
    "concurrent call limit",
    "channel limit",
    "limit exceeded",
    "limit reached",
    "too many calls",
    "too many requests",
    "rate limit",
    "no channels available",
)


def names_a_limit(sip_code: int | None, *texts: str | None) -> bool:
    """Whether a refusal is about the carrier's limits, not about the number that was called. Codes alone do not tell:
    503 is also a trunk that is down, and 403 a number that is barred."""
    if sip_code is None or (sip_code not in {403, 429} and not 500 <= sip_code < 600):
        return False
    said = " ".join(text for text in texts if text).lower()
    return any(text in said for text in _TEXTS)
