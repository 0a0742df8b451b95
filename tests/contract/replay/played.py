"""A recorded trace, played in a world with a clock of its own: everyone outside LiveKit does again what they did, at
the same moments, and what the product would hear of it is written down."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from local.phones.numbers import book
from local.phones.numbers.callees import Callee
from ringline.calls.model.call import AnswerFrom, Call, Direction, State
from ringline.calls.model.outcomes import DialOutcome
from tests.builders import a_call
from tests.contract.replay.heard import Event, Trace, an_answer, seen
from tests.contract.replay.trace_calls import LIMITS
from tests.contract.replay.trace_replay import (
    CALLER_NUMBER,
    INBOUND_RINGING_TIMEOUT_S,
    RINGING_TIMEOUT_S,
    Move,
    moves_of,
    participant_of,
)

LOOK_EVERY_MS = 20
GOES_ON_S = 1.0


class Played(ABC):
    """One trace in one world. `play` is given every move at its moment, and `look` comes every now and then."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.heard: list[Event] = []
        self._shown: dict[str, tuple[str, str | None]] = {}
        self.moves = moves_of(trace)
        self.lasts_s = float(trace["events"][-1]["t"]) + GOES_ON_S

    # --- what the trace says -----------------------------------------------------------------------------------------

    @property
    def terms(self) -> tuple[int, int]:
        """How long its room stands empty, and how long after the last one left."""
        started = [each["body"]["room"] for each in self.trace["events"] if each["kind"] == "webhook"]
        return (started[0]["emptyTimeout"], started[0]["departureTimeout"]) if started else (30, 2)

    @property
    def worker_does(self) -> tuple[str, float]:
        """What the worker's agent does, and how long after its joining. "absent" where none was dispatched, or none
        took it."""
        listed = [each["ok"] for each in self.trace["events"] if each.get("method") == "ListDispatch"]
        jobs = [job for dispatches in listed for each in dispatches for job in each["state"].get("jobs", [])]
        if not jobs:
            return "absent", 0.0
        told = json.loads(jobs[0]["metadata"])
        return str(told["do"]), float(told.get("after_s", 0))

    def call_of(self, dial: Move) -> Call:
        """The call as the product has it when it makes that dial."""
        name, asked = self.trace["scenario"], dial.details
        joined = next(each for each in self.trace["events"] if participant_of(each).get("kind") == "SIP")
        fields: dict[str, Any] = {"ring_timeout_s": RINGING_TIMEOUT_S.get(name, 30)} | LIMITS.get(name, {})
        return a_call(
            State.DIALING,
            caller_identity=participant_of(joined)["identity"],
            to_number=asked.get("to") or participant_of(joined)["attributes"]["sip.phoneNumber"],
            answer_from=AnswerFrom.DIALER if asked.get("wait", True) else AnswerFrom.CARRIER,
            **fields,
        )

    def call_of_caller(self, number: str, room: str) -> Call:
        return a_call(
            State.RINGING,
            direction=Direction.INBOUND,
            from_number=CALLER_NUMBER,
            to_number=number,
            inbound_room=room,
            caller_identity=f"sip_{CALLER_NUMBER}",
            ring_timeout_s=INBOUND_RINGING_TIMEOUT_S,
        )

    def callee(self, number: str) -> Callee:
        """Who is at that phone: somebody of the sandbox's, unless the trace says what they do."""
        return book.callee_for(number).with_changes(self.trace.get("phones", {}).get(number, {}))

    # --- what happens ------------------------------------------------------------------------------------------------

    def make(self, move: Move) -> None:
        deeds: dict[str, Callable[[], None]] = {
            "CreateRoom": self.create_room,
            "CreateSIPParticipant": lambda: self.dial(self.call_of(move)),
            "drop the dialer": self.drop_the_dialer,
            "DeleteRoom": self.delete_room,
            "RemoveParticipant": lambda: self.remove("leg-a1"),
            "ListDispatch": lambda: None,
            "look and delete": self._look_and_delete,
            "call in": lambda: self.call_in(move.details["to"]),
            "hang up": self.hang_up,
            "agent joins": lambda: self.agent_joins(move.details["identity"]),
            "agent leaves": lambda: self.agent_leaves(move.details["identity"]),
            "restart the server": lambda: self.restart_server(move.details["away_s"]),
        }
        deeds[move.what]()

    def _look_and_delete(self) -> None:
        self.heard.append({"t": self.at_s, "kind": "check", "left_in_room": list(self.people())})
        self.delete_room()

    def learns(self, outcome: DialOutcome) -> None:
        """The dialer has its answer."""
        self.heard.append(an_answer(self.at_s, outcome))

    def look(self) -> None:
        """Notes who is in the room whenever that changed."""
        if (people := self.people()) != self._shown:
            self.heard.append(seen(self.at_s, people))
            self._shown = people

    def told(self) -> Trace:
        """What was heard, when all is over."""
        self.heard.append({"t": self.lasts_s, "kind": "end", "room_exists": self.room_exists()})
        return {"scenario": self.trace["scenario"], "events": sorted(self.heard, key=lambda each: float(each["t"]))}

    @property
    @abstractmethod
    def at_s(self) -> float:
        """Seconds since the beginning."""

    @abstractmethod
    def run(self) -> Trace: ...

    @abstractmethod
    def create_room(self) -> None:
        """Makes the room, to which the trace's worker is dispatched if there is one."""

    @abstractmethod
    def dial(self, call: Call) -> None:
        """Dials, of which the outcome goes to `learns`."""

    @abstractmethod
    def drop_the_dialer(self) -> None: ...

    @abstractmethod
    def delete_room(self) -> None: ...

    @abstractmethod
    def remove(self, identity: str) -> None: ...

    @abstractmethod
    def call_in(self, number: str) -> None: ...

    @abstractmethod
    def hang_up(self) -> None:
        """The person at the phone does."""

    @abstractmethod
    def agent_joins(self, identity: str) -> None:
        """An agent comes by itself, and follows nobody."""

    @abstractmethod
    def agent_leaves(self, identity: str) -> None: ...

    @abstractmethod
    def restart_server(self, away_s: float) -> None:
        """LiveKit's server is killed, and is back so much later."""

    @abstractmethod
    def people(self) -> dict[str, tuple[str, str | None]]:
        """Who is in the room: sid and call status, by identity."""

    @abstractmethod
    def room_exists(self) -> bool: ...
