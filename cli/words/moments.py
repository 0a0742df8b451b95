"""Moments and lengths of time for people."""

from datetime import datetime


def moment(text: str | None) -> datetime | None:
    """A moment of the API; None for what is none."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def clock_time(text: str | None) -> str:
    """`17:04:09.123`, in the time of this machine."""
    at = moment(text)
    return "" if at is None else at.astimezone().strftime("%H:%M:%S.%f")[:-3]


def date_and_time(text: str | None) -> str:
    at = moment(text)
    return "" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def length(seconds: float | None) -> str:
    """`4 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest_s = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest_s} s" if rest_s else f"{minutes} min"
    hours, rest_min = divmod(minutes, 60)
    return f"{hours} h {rest_min} min" if rest_min else f"{hours} h"


def since(text: str | None, now_ms: int) -> str:
    """How long ago a moment of the API was."""
    at = moment(text)
    return "" if at is None else length(max(0.0, now_ms / 1000 - at.timestamp()))


def until(text: str | None, now_ms: int) -> str:
    """How long it is until a moment of the API."""
    at = moment(text)
    return "" if at is None else length(max(0.0, at.timestamp() - now_ms / 1000))
