"""Lets a browser in: a ticket for its call, and the token that it joins the room of the call with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringline.calls.model.call import Call
from ringline.calls.web.store import Tickets
from ringline.calls.web.ticket import Ticket, a_ticket
from ringline.routing.web import WebRouting
from ringline.runtime.clock import Clock
from ringline.runtime.ids import new_id
from ringline.runtime.web.problems import invalid_field

if TYPE_CHECKING:
    # Bodies are pydantic's, which only requests with one load.
    from ringline.calls.progress.consents import ConsentRequest


@dataclass(frozen=True, slots=True)
class Invited:
    """A ticket that is written, and its token."""

    ticket: Ticket
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteWebCaller:
    """`token_for` makes the token with which the caller of that call joins its room until that moment (ms)."""

    routing: WebRouting
    tickets: Tickets
    token_for: Callable[[Call, int], str]
    clock: Clock

    def run(self, account_id: str, pipe_id: str, *, consent: "ConsentRequest | None" = None, **asked: Any) -> Invited:
        """`asked` are fields of the call to be. Raises Problem 422: `unknown_pipe`, or of a consent that is to come."""
        route = self.routing.resolve(account_id, pipe_id)
        if route is None:
            raise invalid_field("pipe_id", "names no pipe of this account", code="unknown_pipe")
        now = self.clock()
        given = None if consent is None else consent.consent(now)
        ticket = a_ticket(account_id, new_id("call"), route, now, recording_consent=given, **asked)
        self.tickets.put(ticket)
        return Invited(ticket, self.token_for(ticket.call, ticket.valid_until))
