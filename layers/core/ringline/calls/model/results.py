"""What an event does to a call: it moves it, with what must be done about it, or changes nothing and says why."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from ringline.calls.model.call import Call
from ringline.record import Record


class Effect(StrEnum):
    """What a change asks for outside the table. Losing one costs time, never truth: the sweep makes up for it."""

    END_ROOM = "end_room"
    LOOK_AGAIN = "look_again"
    """Soon, when a successor, a rejoin or somebody else's word has had its time."""
    STOP_RECORDING = "stop_recording"
    """LiveKit records, or may do so, what is not to be recorded."""
    REMOVE_AGENT = "remove_agent"
    """The agent that the event is about came while another one talks: it must leave the room."""

    REMOVE_LISTENER = "remove_listener"
    """The listener that the event is about came to another call than its token is for: it must leave the room."""


class Moved(Record):
    """The call as the event leaves it, and what is to be done about it."""

    call: Call
    effects: frozenset[Effect] = frozenset()


class Unmoved(Record):
    """The event changes nothing, and why."""

    why: str
    effects: frozenset[Effect] = frozenset()


type Result = Moved | Unmoved
type Rule = Callable[[Call, Any], Result]

END_ROOM = frozenset({Effect.END_ROOM})
LOOK_AGAIN = frozenset({Effect.LOOK_AGAIN})
REMOVE_AGENT = frozenset({Effect.REMOVE_AGENT})
REMOVE_LISTENER = frozenset({Effect.REMOVE_LISTENER})
STOP_RECORDING = frozenset({Effect.STOP_RECORDING})
