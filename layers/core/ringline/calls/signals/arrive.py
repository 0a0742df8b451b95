"""Somebody rings in: finds whose number was dialled and what runs there, writes the call, has the agent come.

caller's INVITE -> LiveKit opens the room, rings -> participant_joined -> row `ringing` -> agent dispatched
                -> agent joins: LiveKit answers, the row is `active`

The row stands before anybody is asked for anything: whatever fails afterwards, the sweep looks after the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call
from ringline.calls.model.events import AgentSeen
from ringline.calls.model.livekit_event import LivekitEvent, What
from ringline.calls.model.ports import LookQueue
from ringline.calls.model.room_view import RoomView, agent_in
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.rules.deadlines import look_again_in_s
from ringline.calls.signals.decisions import Decide
from ringline.calls.signals.inbound_rows import row_of
from ringline.calls.signals.seats import Seats
from ringline.calls.tables.inbound_rooms import InboundRooms, Opened
from ringline.routing.numbers import LONGEST_TEXT, dialed_numbers, is_e164
from ringline.routing.records import Trunk
from ringline.routing.resolve import Route
from ringline.runtime.clock import Clock
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.logging import masked, masked_within


class Numbers(Protocol):
    def owner_of(self, number: str) -> str | None: ...

    def trunk(self, trunk_id: str) -> Trunk | None: ...


class Accounts(Protocol):
    def account(self, account_id: str) -> object | None: ...


class Routing(Protocol):
    def resolve(self, account_id: str, number: str) -> Route | None: ...


class Desk(Protocol):
    """What is done about callers at LiveKit. Every method raises TelephonyDown."""

    def take_in(self, call: Call) -> RoomView:
        """Has an agent come to the call's room, unless one was sent there already; who is in the room now. Opens no
        room: that of a caller who is gone stays gone."""

    def turn_away(self, room: str) -> bool:
        """Closes the room, unless somebody sent an agent there: whether it was closed."""

    def close(self, room: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Arrived:
    """What came of an arrival, in a word for the log. `call` is its row, if it goes on; `agent` is in the room
    already, and so are the agents of `former`, which came for the caller before."""

    word: str
    call: Call | None = None
    agent: AgentSeen | None = None
    former: tuple[AgentSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class _Dialed:
    """Whose number was dialled."""

    number: str
    account_id: str


@dataclass(frozen=True, slots=True)
class Arrive:
    """`default_country` is where the numbers are that a trunk tells without a country's code, unless it has its own.
    Without `accounts` nobody can be named who sees the callers of a number that is nobody's, and without `seats` there
    is room for everybody. `stack` is what this deployment's dispatch rules are marked with; where it `shares_livekit`
    with others, a rule without a mark may be theirs."""

    rooms: InboundRooms
    numbers: Numbers
    routing: Routing
    desk: Desk
    looks: LookQueue
    clock: Clock
    log: Logger
    accounts: Accounts | None = None
    default_country: str | None = None
    seats: Seats | None = None
    decide: Decide | None = None
    stack: str = ""
    shares_livekit: bool = False

    def run(self, seen: LivekitEvent, at: int) -> Arrived | None:
        """What became of a caller whose leg was seen at that moment; None if the call is there already. Raises what
        keeps the call from being written, and TelephonyDown where a caller could not be turned away: LiveKit then
        sends the event again."""
        # Numbers that tell their country need none of the trunk's: no caller waits for it to be read then.
        theirs_is_clear = seen.their_number is None or is_e164(seen.their_number)
        if seen.our_number is not None and is_e164(seen.our_number):
            trunk = None if theirs_is_clear else self._trunk(seen)
            dialed = self._owned((seen.our_number,))
        else:
            trunk = self._trunk(seen)
            dialed = self._owned(dialed_numbers(seen.our_number, self._country(trunk)))
        if dialed is None:
            return self._strange(seen, trunk or self._trunk(seen), at)
        account_id = dialed.account_id
        route = self.routing.resolve(account_id, dialed.number)
        row = row_of(seen, account_id, dialed.number, route, at, self._country(trunk))
        call = self._opened(row, route, seen)
        if call is None:
            return None
        about = {"account_id": account_id, "call_id": call.call_id, "from_number": masked(call.from_number)}
        if route is None:
            self.log.warning("number leads to no agent", extra={**about, "to_number": masked(dialed.number)})
            self.desk.close(seen.room_name)
            return Arrived("number_not_routed")
        if call.state.is_terminal:
            self.log.warning("caller turned away", extra=about | {"why": call.notes[-1].what})
            self.desk.close(seen.room_name)
            return Arrived("turned_away")
        self.log.info("call rang in", extra=about)
        room = self._received(call) if seen.what is What.JOINED else None
        return Arrived("arrived", call, agent_in(room), () if room is None else room.former)

    def _opened(self, row: Call, route: Route | None, seen: LivekitEvent) -> Call | None:
        """The call as it was written; None if it is there already. Who is told to have left already needs no seat."""
        if self.seats is None or route is None or seen.what is not What.JOINED:
            return row if self.rooms.open(row) is Opened.OPENED else None
        if self.decide is not None:
            row, route = self.decide.run(row, route)
        if row.state.is_terminal:
            return row if self.rooms.open(row) is Opened.OPENED else None
        return self.seats.open(row, route)

    def _trunk(self, seen: LivekitEvent) -> Trunk | None:
        return None if seen.trunk_id is None else self.numbers.trunk(seen.trunk_id)

    def _country(self, trunk: Trunk | None) -> str | None:
        return (None if trunk is None else trunk.country) or self.default_country

    def _owned(self, readings: Sequence[str]) -> _Dialed | None:
        """The one reading that is a number of an account. Two of them are a guess, and nobody's call."""
        owners = {number: self.numbers.owner_of(number) for number in readings}
        owned = [_Dialed(number, owner) for number, owner in owners.items() if owner is not None]
        return owned[0] if len(owned) == 1 else None

    def _strange(self, seen: LivekitEvent, trunk: Trunk | None, at: int) -> Arrived | None:
        """The number is no account's, or none: nobody will ever answer, and LiveKit would ring for minutes. Who is
        named by the dispatch rule, or else by the trunk, sees the call; where nobody is, the log alone tells of it. A
        room that somebody else's agent was sent to is somebody else's."""
        if not self._lets_in(seen):
            self.log.info("caller of another deployment", extra={"rule_id": seen.rule_id, "stack": seen.stack})
            return Arrived("number_not_ours")
        is_closed = seen.what is What.JOINED and self.desk.turn_away(seen.room_name)
        account_id = self._who_sees_it(seen, trunk)
        about = {
            "room": masked_within(seen.room_name),
            "rule_id": seen.rule_id,
            "trunk_id": seen.trunk_id,
            "to_number": masked(seen.our_number),
            "account_id": account_id,
        }
        self.log.warning("number of no account", extra={**about, "room_closed": is_closed})
        if account_id is None or (seen.what is What.JOINED and not is_closed):
            return Arrived("number_not_ours")
        readings = dialed_numbers(seen.our_number, self._country(trunk))
        number = readings[0] if readings else (seen.our_number or "")[:LONGEST_TEXT]
        opened = self.rooms.open(row_of(seen, account_id, number or None, None, at, self._country(trunk)))
        return Arrived("number_not_routed") if opened is Opened.OPENED else None

    def _lets_in(self, seen: LivekitEvent) -> bool:
        """Whether it was a dispatch rule of this deployment that let the caller in, as far as the rule says so."""
        return not self.shares_livekit if seen.stack is None else seen.stack == self.stack

    def _who_sees_it(self, seen: LivekitEvent, trunk: Trunk | None) -> str | None:
        named = seen.account_id or (None if trunk is None else trunk.account_id)
        if named is None or self.accounts is None or not is_plausible_id(named):
            return None
        return named if self.accounts.account(named) is not None else None

    def _received(self, call: Call) -> RoomView | None:
        """Has the agent come; who is in the room. An agent whom the dispatch rule sent may be there before the call was
        written; one whom no worker takes never comes, and nobody says so: somebody looks, and goes on looking until one
        is there."""
        ask_for_look(self.looks, self.log, call, look_again_in_s(call))
        try:
            return self.desk.take_in(call)
        except Exception:
            self.log.exception("agent not dispatched", extra={"call_id": call.call_id})
            return None
