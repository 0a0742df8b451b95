"""Whether there is room for a caller, and who takes them where there is none.

A line, where the account reserves some for its callers; places under the caps of agent, pipe and number; an agent that
can come. A caller who lacks one of them goes on to the overflow of the number that was dialled, if it names one.
"""

from collections.abc import Callable
from copy import replace
from dataclasses import dataclass
from typing import Protocol

from ringline.calls.capacity.counters import OVERFLOW, Kind, kind_of, names_of
from ringline.calls.model.call import Call
from ringline.calls.model.ports import NoPlace, Places, SpeechPlace
from ringline.calls.model.reasons import EndReason
from ringline.calls.signals.inbound_rows import noted_on_arrival, taken_by, turned_away
from ringline.calls.tables.inbound_rooms import InboundRooms, Opened
from ringline.calls.tables.limits.counters import Counters
from ringline.calls.tables.store import CallStore
from ringline.record import Record
from ringline.routing.records import Number
from ringline.routing.resolve import Route

_TRIES = 4
"""Each lost race means that another caller took the line or the place that was seen."""

_TRIES_WITH_SPEECH = 2
"""How often a caller tries to take a place of a speech worker: after that they come without."""

_FULL = {Kind.AGENT: "agent_cap", Kind.PIPE: "pipe_cap", Kind.NUMBER: "number_cap"}

type Take = Callable[[], Call | NoSeat]


class Overflows(Protocol):
    def overflow(self, account_id: str, dialed: Number) -> Route | None:
        """Who takes a caller of this number for whom nobody is free."""


class NoSeat(Record):
    """What the caller would have to take and is not free, in the words that waiting calls have for it."""

    why: str


@dataclass(frozen=True, slots=True)
class Seats:
    rooms: InboundRooms
    routing: Overflows
    store: CallStore
    counters: Counters
    places: Places

    def open(self, call: Call, route: Route) -> Call | None:
        """The call as it was written: with the seat it has, as the overflow's, or over because there is no seat. None
        if the call is there already."""
        overflow = None if route.dialed is None else self.routing.overflow(call.account_id, route.dialed)
        takes: list[Take] = []
        if overflow is None or not self._has_no_agent(call):
            takes.append(lambda: self._with_seat(call))
        if overflow is not None:
            other = noted_on_arrival(taken_by(call, overflow), OVERFLOW)
            takes.append(lambda: self._with_overflows_seat(other))
        why = "agent"
        for take in takes:
            opened = self._opened(take)
            if not isinstance(opened, NoSeat):
                return opened
            why = opened.why
        away = turned_away(noted_on_arrival(call, f"turned_away: {why}"), EndReason.NO_AGENT_AVAILABLE)
        return away if self.rooms.open(away) is Opened.OPENED else None

    def _opened(self, take: Take) -> Call | NoSeat | None:
        for tried in range(_TRIES):
            seated = take()
            if isinstance(seated, NoSeat):
                return seated
            if tried < _TRIES_WITH_SPEECH:
                seated = self._with_speech_place(seated)
            match self.rooms.open(seated):
                case Opened.OPENED:
                    return seated
                case Opened.KNOWN:
                    return None
        return NoSeat("gate")

    def _with_speech_place(self, call: Call) -> Call:
        """The call with a place of a speech worker, where one is free. No caller is kept waiting for one: LiveKit may
        have room for them yet, and if not, their pipe's fallback has its turn."""
        place = None if call.brain is None else self.places.speech_place()
        return replace(call, speech_row=place.row) if isinstance(place, SpeechPlace) else call

    def _with_seat(self, call: Call) -> Call | NoSeat:
        """The call with what it takes. An account that reserves nothing has a line for every caller."""
        gate = self.store.gate(call.account_id)
        takes_line = gate.inbound_reserve is not None
        if takes_line and not gate.has_line_for_caller:
            return NoSeat("gate")
        if not gate.caps_version:
            return replace(call, takes_line=takes_line)
        return self._under_caps(replace(call, takes_line=takes_line), names_of(call))

    def _with_overflows_seat(self, call: Call) -> Call | NoSeat:
        """The same of a caller for whom nobody was free: the overflow is there for more callers than there are lines,
        and counts only under its own caps."""
        if not self.store.gate(call.account_id).caps_version:
            return call
        return self._under_caps(call, names_of(call))

    def _has_no_agent(self, call: Call) -> bool:
        """Whether the call's brain is a runner and none has a place for it, or no speech worker has."""
        if call.brain is None:
            return False
        if call.needs_place and isinstance(self.places.least_loaded(call.account_id, call.agent_id or ""), NoPlace):
            return True
        return self.places.speech_is_full()

    def _under_caps(self, call: Call, names: tuple[str, ...]) -> Call | NoSeat:
        counters = self.counters.look_at(call.account_id, names)
        # The dials of a day are of those who are called.
        capped = {name: counter for name, counter in counters.items() if counter.max_calls is not None}
        for name, counter in capped.items():
            if counter.in_use >= (counter.max_calls or 0):
                return NoSeat(_FULL[kind_of(name)])
        return replace(call, counters=tuple(capped))
