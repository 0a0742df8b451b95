"""Moments as people say them to a command."""

from datetime import UTC, datetime, timedelta

from cli.model.failures import Usage

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}

_LONGEST_SHOWN = 40


def asked_moment(option: str, text: str | None, now_ms: int) -> str | None:
    """A moment as the API takes it: said in ISO 8601, or as so long ago. Raises Usage."""
    if text is None:
        return None
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    try:
        if text[-1:] in _UNITS and text[:-1].isdecimal():
            return (now - int(text[:-1]) * _UNITS[text[-1]]).isoformat()
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.astimezone()).isoformat()
    except (ValueError, OverflowError):  # the latter for what lies before the year 1
        shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
        raise Usage(f"{shown!r} is no moment: ISO 8601, or 30m, 2h, 7d for so long ago", option) from None
