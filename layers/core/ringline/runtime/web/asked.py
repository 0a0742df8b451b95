"""What the parameters behind a question mark ask for, in every list."""

from datetime import datetime

from ringline.runtime.clock import MS_PER_S
from ringline.runtime.web.problems import invalid_field

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


def moment_asked(name: str, text: str | None) -> int | None:
    """In milliseconds since 1970. Raises Problem 422."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no offset")
        return round(moment.timestamp() * MS_PER_S)
    except (ValueError, OverflowError):
        raise invalid_field(
            name, "is not a moment in ISO 8601 with its offset, such as 2026-11-21T02:09:00.123Z"
        ) from None


def limit_asked(text: str | None, most: int = MAX_LIMIT) -> int:
    """How many a page is to hold. Raises Problem 422."""
    if text is None:
        return min(DEFAULT_LIMIT, most)
    if not text.isdecimal() or len(text) > len(str(most)) or not 1 <= int(text) <= most:
        raise invalid_field("limit", f"is not a whole number from 1 to {most}")
    return int(text)
