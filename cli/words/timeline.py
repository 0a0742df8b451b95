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
    """`ended   end_reason USER_BUSY, sip_code 486`: what happened, and what belongs to it."""
    what = str(event.get("what"))
    more = [f"{name.replace('_', ' ')} {_plain(value)}" for name, value in event.items() if name not in _LEFT_OUT]
    words = _SAYS.get(what, what.replace("_", " "))
    dial = event.get("dial")
    which = f" (dial {dial})" if isinstance(dial, int) and dial > 1 else ""
    return f"{words}{which}" + (f": {', '.join(more)}" if more else "")


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
