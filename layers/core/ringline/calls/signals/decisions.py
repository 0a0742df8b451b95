"""What a customer's server decides about a caller, before anybody is sent to them.

caller -> question noted -> server asked (1 s) -> call written as it decided
                         \\ whoever comes again finds the note, and does not ask: the number's default counts
"""

from collections.abc import Callable, Mapping
from copy import replace
from dataclasses import dataclass
from typing import Any, Protocol

from ringline.calls.model.call import Call
from ringline.calls.model.reasons import EndReason
from ringline.calls.signals.inbound_rows import noted_on_arrival, taken_by, turned_away
from ringline.calls.tables.inbound_rooms import InboundRooms
from ringline.routing.records import Number
from ringline.routing.resolve import Route
from ringline.runtime.clock import iso
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.vault.row_secrets import Opens
from ringline.runtime.vault.sealed import NotOpened

ACCEPT, REJECT = "accept", "reject"
_WORDS = {"decision", "reason", "pipe_id", "agent_id", "instructions", "data"}
_LONGEST_REASON = 80
_LONGEST_INSTRUCTIONS = 32_768

type Ask = Callable[[str, str | None, str, Mapping[str, Any]], dict[str, Any] | None]
"""Asks a URL, signed with a secret, under an id of the question: what it answered, or None. Never raises."""


class Routes(Protocol):
    def through(self, account_id: str, dialed: Number, pipe_id: str | None, agent_id: str | None) -> Route | None: ...


@dataclass(frozen=True, slots=True)
class Decide:
    rooms: InboundRooms
    routing: Routes
    ask: Ask
    open_secret: Opens

    def run(self, call: Call, route: Route) -> tuple[Call, Route]:
        """The caller's call as it was decided: as it is, by another route, or over."""
        dialed = route.dialed
        if dialed is None or dialed.decision_url is None:
            return call, route
        told = None
        if self.rooms.notes_question(call):
            told = self._asked(call, dialed, dialed.decision_url)
        decided = None if told is None else self._as_told(call, route, dialed, told)
        return decided or self._by_default(call, route, dialed)

    def _asked(self, call: Call, dialed: Number, url: str) -> dict[str, Any] | None:
        """None too where the secret does not open: a question that nothing proves is not asked."""
        kept = dialed.decision_secret
        try:
            secret = None if kept is None else self.open_secret(call.account_id, dialed.number, kept)
        except NotOpened:
            return None
        return self.ask(url, secret, call.call_id, _question(call))

    def _as_told(self, call: Call, route: Route, dialed: Number, told: Mapping[str, Any]) -> tuple[Call, Route] | None:
        """None for an answer that says nothing that can be done."""
        if not _is_usable(told):
            return None
        if told["decision"] == REJECT:
            return _rejected(call, str(told.get("reason") or "decision")), route
        pipe_id, agent_id = told.get("pipe_id"), told.get("agent_id")
        other = route
        if pipe_id is not None or agent_id is not None:
            found = self.routing.through(call.account_id, dialed, pipe_id, agent_id)
            if found is None:
                return None
            other, call = found, taken_by(call, found)
        call = replace(call, instructions=told.get("instructions"), data=told.get("data") or {})
        return noted_on_arrival(call, "decision: accept"), other

    def _by_default(self, call: Call, route: Route, dialed: Number) -> tuple[Call, Route]:
        default = dialed.decision_default or ACCEPT
        if default == REJECT:
            return _rejected(call, "no_decision"), route
        noted = noted_on_arrival(call, f"no_decision: {default}")
        if default == ACCEPT:
            return noted, route
        other = self.routing.through(call.account_id, dialed, default, None)
        return (noted, route) if other is None else (taken_by(noted, other), other)


def _question(call: Call) -> dict[str, Any]:
    about = {
        "call_id": call.call_id,
        "from_number": call.from_number,
        "to_number": call.to_number,
        "pipe_id": call.pipe_id,
        "agent_id": call.agent_id,
    }
    return {"type": "call_decision", "timestamp": iso(call.created_at), "data": about}


def _is_usable(told: Mapping[str, Any]) -> bool:
    if told.get("decision") not in {ACCEPT, REJECT} or not told.keys() <= _WORDS:
        return False
    ids = (told.get("pipe_id"), told.get("agent_id"))
    if any(each is not None and not (isinstance(each, str) and is_plausible_id(each)) for each in ids):
        return False
    instructions, data = told.get("instructions"), told.get("data")
    if instructions is not None and not (isinstance(instructions, str) and len(instructions) <= _LONGEST_INSTRUCTIONS):
        return False
    return data is None or isinstance(data, dict)


def _rejected(call: Call, why: str) -> Call:
    return turned_away(noted_on_arrival(call, f"rejected: {why[:_LONGEST_REASON]}"), EndReason.CALL_CANCELED)
