"""A browser has joined the room of a token of ours: its call begins, unless the token is too old or no line is free.

join -> participant_joined -> ticket used: row `ringing`, line taken -> agent dispatched -> agent joins: `active`

As with callers by phone the row stands before anybody is asked for anything: whatever fails afterwards, the sweep looks
after the caller.
"""

from dataclasses import dataclass, replace
from typing import Protocol

from aws_lambda_powertools import Logger

from ringline.calls.model.call import AttemptId, Call
from ringline.calls.model.events import AgentSeen
from ringline.calls.model.livekit_event import LivekitEvent, What
from ringline.calls.model.ports import LookQueue, Places, SpeechPlace
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import RoomView, agent_in
from ringline.calls.progress.capacity import Capacity, Known, Room
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.rules.deadlines import look_again_in_s
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.writes.results import Committed, TableContended
from ringline.calls.web.store import Tickets
from ringline.calls.web.ticket import Ticket, begun, turned_away

_TRIES = 5
"""Each lost race means that a cap of the account was changed in the same moment."""

_TRIES_WITH_SPEECH = 2
"""How often a caller tries to take a place of a speech worker: after that they come without."""


class Desk(Protocol):
    """What is done about callers at LiveKit. Every method raises TelephonyDown."""

    def take_in(self, call: Call) -> RoomView: ...

    def mark_as_joined(self, room: str, identity: str) -> None: ...

    def close(self, room: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of a join, in a word for the log. `call` is its row, if it goes on; `agent` is in the room already."""

    word: str
    call: Call | None = None
    agent: AgentSeen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveWebCaller:
    tickets: Tickets
    store: CallStore
    capacity: Capacity
    places: Places
    desk: Desk
    looks: LookQueue
    log: Logger

    def run(self, attempt_id: AttemptId, seen: LivekitEvent, at: int) -> Joined | None:
        """What became of somebody who came with a token, or of whose going is heard first; None where there is no
        ticket: it was used, or the room is nobody's of ours. Raises what keeps the call from being written, and
        TelephonyDown where somebody could not be put out: LiveKit then sends the event again."""
        ticket = self.tickets.get(attempt_id.account_id, attempt_id.call_id)
        if ticket is None:
            return None
        about = {"account_id": attempt_id.account_id, "call_id": attempt_id.call_id}
        if ticket.is_over(at):
            self.log.warning("token came too late", extra=about)
            self._put_out(seen)
            return Joined("token_too_late")
        call = self._redeemed(ticket, at, seen.sid)
        if call is None:
            return None
        if not call.in_flight:
            self.log.info("no line for a caller", extra=about)
            self._put_out(seen)
            return Joined("no_line_free")
        self.log.info("caller joined", extra=about)
        return Joined("arrived", call, self._received(call) if seen.what is What.JOINED else None)

    def back(self, attempt_id: AttemptId, seen: LivekitEvent) -> None:
        """A caller who came back with the first token, and may, needs the mark of one who was there."""
        call = self.store.get(attempt_id.account_id, attempt_id.call_id)
        if call is None or not call.in_flight or call.leg_sid != seen.sid:
            return
        try:
            self.desk.mark_as_joined(seen.room_name, seen.identity)
        except Exception:
            self.log.exception("caller not marked as joined", extra={"room": seen.room_name})

    def _redeemed(self, ticket: Ticket, at: int, sid: str) -> Call | None:
        """The call that the ticket has become, turned away where there is no room for it; None where somebody else has
        used the ticket. Raises TableContended."""
        account_id, call_id = ticket.call.account_id, ticket.call.call_id
        for tried in range(_TRIES):
            call = begun(ticket, at, sid)
            gate = self.store.gate(account_id)
            room = self.capacity.room_for(call, gate, Known())
            if isinstance(room, Room):
                row = self._speech_row(call) if tried < _TRIES_WITH_SPEECH else None
                call = replace(call, counters=room.counters, speech_row=row)
                outcome = self.tickets.redeem(call, gate.caps_version)
                if outcome is Committed.DONE:
                    return call
                if outcome is Committed.PLACE_TAKEN:
                    continue
                if outcome is Committed.STALE:
                    # Either the ticket is gone, or a cap was set this moment.
                    if self.tickets.get(account_id, call_id) is None:
                        return None
                    continue
            away = turned_away(begun(ticket, at, sid), EndReason.NO_LINE_FREE)
            return away if self.tickets.redeem(away) is Committed.DONE else None
        raise TableContended

    def _speech_row(self, call: Call) -> str | None:
        """Where a place of a speech worker is free for the caller, who is not kept waiting for one."""
        place = None if call.brain is None else self.places.speech_place()
        return place.row if isinstance(place, SpeechPlace) else None

    def _put_out(self, seen: LivekitEvent) -> None:
        if seen.what is What.JOINED:
            self.desk.close(seen.room_name)

    def _received(self, call: Call) -> AgentSeen | None:
        """Has the agent come. Somebody looks whether one has, and goes on looking until one is there."""
        ask_for_look(self.looks, self.log, call, look_again_in_s(call))
        try:
            room = self.desk.take_in(call)
        except Exception:
            self.log.exception("agent not dispatched", extra={"call_id": call.call_id})
            return None
        return agent_in(room)
