"""A customer's server decides about a caller, or does not, and then the number's own word counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.reasons import EndReason
from ringline.calls.signals.decisions import Decide
from ringline.calls.tables.inbound_rooms import InboundRooms
from ringline.routing.records import Number
from ringline.routing.resolve import Route
from ringline.runtime.vault.sealed import NotOpened
from tests.builders import a_call

DIALED = "+15550100900"
CALL = a_call(State.RINGING, direction=Direction.INBOUND, to_number=DIALED, inbound_room="room", agent_id="desk")


@dataclass
class Server:
    """The customer's, and what of the product stands around the question."""

    answer: dict[str, Any] | None = None
    is_new: bool = True
    default: str | None = None
    routes: dict[tuple[str | None, str | None], Route] = field(default_factory=dict)
    opens: bool = True
    asked: list[tuple[str, str | None, str, Mapping[str, Any]]] = field(default_factory=list)

    def ask(self, url: str, secret: str | None, question_id: str, question: Mapping[str, Any]) -> dict[str, Any] | None:
        self.asked.append((url, secret, question_id, question))
        return self.answer

    def open_secret(self, account_id: str, number: str, kept: str) -> str:
        assert (account_id, number) == (CALL.account_id, DIALED)
        if not self.opens:
            raise NotOpened
        return kept.removeprefix("sealed ")

    def notes_question(self, _call: Call) -> bool:
        return self.is_new

    def through(self, _account: str, _dialed: Number, pipe_id: str | None, agent_id: str | None) -> Route | None:
        return self.routes.get((pipe_id, agent_id))

    def decides(self, url: str | None = "https://decide.example") -> tuple[Call, Route]:
        dialed = Number(
            number=DIALED,
            number_id="num_1",
            decision_url=url,
            decision_secret="sealed whsec_c2VjcmV0",
            decision_default=self.default,
        )
        route = Route(pipe_id="PIPE_1", agent_id="desk", from_number=DIALED, dialed=dialed)
        return Decide(cast(InboundRooms, self), self, self.ask, self.open_secret).run(CALL, route)


NIGHT = Route(pipe_id="PIPE_2", agent_id="night", from_number=DIALED)


def test_a_number_without_a_server_asks_nobody() -> None:
    server = Server()
    assert server.decides(url=None)[0] == CALL
    assert not server.asked


def test_the_server_is_told_who_calls_whom() -> None:
    server = Server({"decision": "accept"})
    call, _ = server.decides()
    assert call.state is State.RINGING
    ((url, secret, question_id, question),) = server.asked
    assert (url, secret, question_id) == ("https://decide.example", "whsec_c2VjcmV0", CALL.call_id)
    assert question["data"]["from_number"] == CALL.from_number
    assert question["data"]["to_number"] == DIALED


def test_a_question_that_nothing_proves_is_not_asked() -> None:
    server = Server({"decision": "accept"}, default="reject", opens=False)
    call, _ = server.decides()
    assert (server.asked, call.end_reason) == ([], EndReason.CALL_CANCELED)


def test_it_may_say_what_the_agent_is_to_know() -> None:
    call, _ = Server({"decision": "accept", "instructions": "Be kind.", "data": {"vip": True}}).decides()
    assert (call.instructions, call.data) == ("Be kind.", {"vip": True})


@pytest.mark.parametrize("named", [{"pipe_id": "PIPE_2"}, {"agent_id": "night"}])
def test_it_may_name_another_pipe_or_agent(named: dict[str, str]) -> None:
    server = Server({"decision": "accept", **named}, routes={(named.get("pipe_id"), named.get("agent_id")): NIGHT})
    call, route = server.decides()
    assert (call.agent_id, call.pipe_id, route) == ("night", "PIPE_2", NIGHT)


def test_it_may_reject_the_caller_and_say_why() -> None:
    call, _ = Server({"decision": "reject", "reason": "blocked list"}).decides()
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.CALL_CANCELED)
    assert call.notes[-1].what == "dial_1_rejected: blocked list"


UNUSABLE: list[dict[str, Any] | None] = [
    None,
    {},
    {"decision": "perhaps"},
    {"decision": "accept", "pipe_id": "unknown"},
    {"decision": "accept", "pipe_id": 7},
    {"decision": "accept", "data": "text"},
    {"decision": "accept", "instructions": 7},
    {"decision": "accept", "recording": True},
]


@pytest.mark.parametrize("answer", UNUSABLE)
@pytest.mark.parametrize(
    ("default", "state", "agent_id"),
    [
        (None, State.RINGING, "desk"),
        ("accept", State.RINGING, "desk"),
        ("reject", State.NOT_CONNECTED, "desk"),
        ("PIPE_2", State.RINGING, "night"),
        ("PIPE_gone", State.RINGING, "desk"),
    ],
)
def test_what_does_not_answer_usably_leaves_it_to_the_numbers_default(
    answer: dict[str, Any] | None, default: str | None, state: State, agent_id: str
) -> None:
    call, _ = Server(answer, default=default, routes={("PIPE_2", None): NIGHT}).decides()
    assert (call.state, call.agent_id) == (state, agent_id)


def test_whoever_hears_of_the_caller_again_does_not_ask_again() -> None:
    server = Server({"decision": "reject"}, is_new=False)
    assert server.decides()[0].state is State.RINGING
    assert not server.asked
