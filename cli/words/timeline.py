"""A call's events, each as one line."""

from typing import Any

_SAYS = {
    "accepted": "accepted",
    "dialed": "dialled",
    "ringing": "the phone rings",
    "answered": "answered",
    "agent_joined": "the agent joined",
    "agent_ready": "the agent is ready",
    "agent_left": "the agent left",
    "leg_left": "the phone left",
    "user_spoke": "the person spoke",
    "room_finished": "the room closed",
    "end_asked": "asked to end",
    "attempt_ended": "the attempt ended",
    "waits": "waits",
}
_LEFT_OUT = frozenset({"at", "what", "dial", "attempt"})


def says(event: dict[str, Any]) -> str:
    """`ended: reason USER_BUSY, sip code 486`: what happened, and what belongs to it."""
    what = str(event.get("what"))
    more = [_said(name, value) for name, value in event.items() if name not in _LEFT_OUT]
    words = _SAYS.get(what, what.replace("_", " "))
    dial = event.get("dial")
    which = f" (dial {dial})" if isinstance(dial, int) and dial > 1 else ""
    return f"{words}{which}" + (f": {', '.join(more)}" if more else "")


def _said(name: str, value: Any) -> str:
    """`waited for line 0.2 s`: a field and its value, a length of time with its unit behind it."""
    words = name.removesuffix("_s").replace("_", " ")
    return f"{words} {_plain(value)}{' s' if name.endswith('_s') else ''}"


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
