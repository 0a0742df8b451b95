"""LiveKit, for the one who receives callers: a webhook's handler, which has no event loop and little time.

LiveKit's client takes as long to load as the rest of such a function. It is loaded with the first caller.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringline.calls.model.call import Call
from ringline.calls.model.room_view import RoomView
from ringline.telephony.livekit_settings import LivekitSettings

if TYPE_CHECKING:
    from ringline.telephony.livekit import LivekitTelephony

_WITHIN_S = 3.0
"""How long LiveKit may take over one caller: it waits for our answer before it sends the room's next event."""


@dataclass(frozen=True, slots=True)
class FrontDesk:
    """Implements `calls.signals.arrive.Desk`."""

    settings: LivekitSettings

    def take_in(self, call: Call) -> RoomView:
        return self._ask(lambda livekit: livekit.take_in(call))

    def mark_as_joined(self, room: str, identity: str) -> None:
        self._ask(lambda livekit: livekit.mark_as_joined(room, identity))

    def turn_away(self, room: str) -> bool:
        return self._ask(lambda livekit: livekit.turn_away(room))

    def close(self, room: str) -> None:
        self._ask(lambda livekit: livekit.end_room(room))

    def remove(self, room: str, identity: str) -> None:
        self._ask(lambda livekit: livekit.remove(room, identity))

    def remove_later(self, room: str, kept_sid: str | None, identity: str) -> bool:
        return self._ask(lambda livekit: livekit.remove_later(room, kept_sid, identity))

    def _ask[T](self, ask: "Callable[[LivekitTelephony], Awaitable[T]]") -> T:
        from ringline.telephony.livekit import ask_livekit

        return ask_livekit(self.settings, ask, _WITHIN_S)
