"""A recorded trace, told to a call: every webhook through the hook's own reader, every answer to a dial through the
dialer's, in the order of the recording or in another."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from copy import replace
from dataclasses import dataclass
from typing import Any, cast

from aws_lambda_powertools import Logger

from ringline.calls.model.call import AttemptId, Call, Direction, State
from ringline.calls.model.events import AgentSeen, Answered, DialRefused, EndAsked, Event, FoundOver
from ringline.calls.model.outcomes import Refused
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Moved
from ringline.calls.model.room_view import LegView, RoomView
from ringline.calls.progress.progress import Applied, Outcome, Progress, Unapplied
from ringline.calls.rules.deadlines import is_up
from ringline.calls.rules.lifecycle import apply
from ringline.calls.signals.arrive import Arrive
from ringline.calls.signals.observe import Observe
from ringline.calls.tables.inbound_rooms import InboundRooms, Opened, Tenant
from ringline.routing.resolve import Route
from ringline.telephony.dial_errors import from_twirp
from ringline.telephony.hook import read
from tests.builders import ACCOUNT, a_call
from tests.contract.replay.trace_replay import RINGING_TIMEOUT_S

type Trace = dict[str, Any]

# LiveKit was asked for 6 s in all, ringing included.
LIMITS = {"answered-max-duration": {"ring_timeout_s": 2, "max_call_duration_s": 4}}
# The leg of every recorded dial.
_DIALED_AS = "leg-a1"
_KIND_AGENT = 4
_SIP_STATUS = re.compile(r"sip status: (\d{3}): (.+)$")
_SETTLED_AFTER_S = 60


@dataclass(frozen=True, slots=True)
class Hook:
    """LiveKit posts an event."""

    at: int
    body: dict[str, Any]

    @property
    def is_end_of_leg(self) -> bool:
        return bool(self.body["event"] == "participant_left" and self.body["participant"]["kind"] == "SIP")


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody of ours learned something: the dialer, whoever looks at a room, or who asks for the end."""

    at: int
    event: Event

    @property
    def is_dialers(self) -> bool:
        return isinstance(self.event, Answered | DialRefused)


type Step = Hook | Told


@dataclass
class OneCall:
    """Stands in for the table of one call: `Progress` and `LookQueue` of the use case that takes webhooks."""

    call: Call

    def apply(self, account_id: str, call_id: str, event: Event) -> Outcome:
        assert (account_id, call_id) == (self.call.account_id, self.call.call_id)
        result = apply(self.call, event)
        if isinstance(result, Moved):
            self.call = result.call
            return Applied(result.call, result.effects)
        return Unapplied(self.call, result.why, result.effects)

    def look_again(self, account_id: str, call_id: str, after_s: int) -> None:
        """The looks of a trace are at its end."""


@dataclass
class Lobby:
    """Stands in for what somebody who rings in meets: a number that leads to an agent, and a room for one call."""

    told: OneCall
    is_open: bool = False

    def trunk(self, trunk_id: str) -> None:
        """No trunk has a country or an account of its own."""

    def owner_of(self, number: str) -> str:
        return ACCOUNT

    def resolve(self, account_id: str, number: str) -> Route:
        return Route(pipe_id="PIPE_1", agent_id="AGENT_1", from_number=number)

    def tenant(self, room: str) -> Tenant | None:
        call = self.told.call
        return Tenant(AttemptId(call.account_id, call.call_id, 1), call.sip_call_id) if self.is_open else None

    def open(self, call: Call) -> Opened:
        self.told.call, self.is_open = call, True
        return Opened.OPENED

    def take_in(self, call: Call) -> RoomView:
        """The agents of the traces come by themselves."""
        return RoomView((), ())

    def turn_away(self, room: str) -> bool:
        raise AssertionError(f"{room}: every number of the traces is the account's")

    def close(self, room: str) -> None:
        raise AssertionError(f"{room}: every number of the traces leads to an agent")


@dataclass(frozen=True, slots=True)
class TracedCall:
    """The call as it was before a trace, and what happened to it then, in order."""

    call: Call
    steps: tuple[Step, ...]

    def ends(self, steps: Sequence[Step] | None = None) -> Call:
        """The call after these steps, or those of the recording, and after the sweep has looked at what is left."""
        told = OneCall(self.call)
        log, lobby = Logger("traces", level="CRITICAL"), Lobby(told)
        # Rooms and progress are the product's own classes over the table, and no Protocols.
        rooms, progress = cast(InboundRooms, lobby), cast(Progress, told)
        arrive = Arrive(rooms, lobby, lobby, lobby, told, lambda: self.steps[-1].at, log)
        observe = Observe(
            progress=progress,
            close_room=lambda _: None,
            looks=told,
            log=log,
            remove_later=lambda *_: False,
            remove=lambda *_: None,
            reception=lambda: arrive,
        )
        for step in self.steps if steps is None else steps:
            match step:
                case Hook(at, body):
                    observe.run(read(json.dumps(body).encode()), at)
                case Told(_, event):
                    told.apply(told.call.account_id, told.call.call_id, event)
        if told.call.in_flight:
            last_at = max(step.at for step in self.steps)
            over = FoundOver(last_at + _SETTLED_AFTER_S * 1000, self.call.attempt)
            told.apply(told.call.account_id, told.call.call_id, over)
        return told.call

    @property
    def with_an_agent(self) -> "TracedCall":
        """The same, with an agent in the room when the phone is answered."""
        agent = AgentSeen("PA_agent", self.steps[0].at)
        steps = [
            replace(step, event=replace(step.event, agent=step.event.agent or agent))
            if isinstance(step, Told) and isinstance(step.event, Answered)
            else step
            for step in self.steps
        ]
        return replace(self, steps=tuple(steps))

    @property
    def without_record(self) -> "TracedCall":
        """The same, with nobody having noted that we asked for the end."""
        steps = [step for step in self.steps if not (isinstance(step, Told) and isinstance(step.event, EndAsked))]
        return replace(self, steps=tuple(steps))

    @property
    def without_dialer(self) -> "TracedCall":
        """An outbound call with a dialer that died and nobody who looked in time: only the webhooks are left."""
        if self.call.direction is Direction.INBOUND:
            return self
        return replace(self, steps=tuple(step for step in self.steps if isinstance(step, Hook)))

    @property
    def with_the_dialer_and_the_leg_swapped(self) -> "TracedCall":
        """The same, with each of the dialer's answers and the leaving of its leg in the other order. Not where we
        asked for the end between the two: that is another story, not another order. Inbound calls have no dialer."""
        if self.call.direction is Direction.INBOUND:
            return self
        steps = list(self.steps)
        for told in [step for step in self.steps if isinstance(step, Told) and step.is_dialers]:
            here = steps.index(told)
            ends = [index for index, step in enumerate(steps) if isinstance(step, Hook) and step.is_end_of_leg]
            there = min(ends, key=lambda index: abs(steps[index].at - told.at))
            between = steps[min(here, there) + 1 : max(here, there)]
            if not any(isinstance(step, Told) for step in between):
                steps.insert(there, steps.pop(here))
        return replace(self, steps=tuple(steps))

    @property
    def with_every_webhook_twice(self) -> "TracedCall":
        """The same, with each webhook told twice at once, and all of them a third time when all is over."""
        hooks = [step for step in self.steps if isinstance(step, Hook)]
        steps = [copy for step in self.steps for copy in ([step] * 2 if isinstance(step, Hook) else [step])]
        late = [replace(hook, at=hook.at + _SETTLED_AFTER_S * 1000) for hook in hooks]
        return replace(self, steps=(*steps, *late))


def traced(name: str, trace: Trace) -> TracedCall | None:
    """The call of a trace, ready to be told it; None where LiveKit tells nothing of a call."""
    events: list[dict[str, Any]] = trace["events"]
    hooks = [event["body"] for event in events if event["kind"] == "webhook"]
    if not hooks:
        return None
    began_at = int(hooks[0]["createdAt"]) * 1000
    timed = [event | {"at": began_at + round(event["t"] * 1000)} for event in events]
    call = _inbound(timed) if events[0]["kind"] == "phone" else _outbound(name, timed)
    steps = [step for event in timed for step in _steps(event, call, timed)]
    return TracedCall(call, tuple(steps))


def _outbound(name: str, events: list[dict[str, Any]]) -> Call:
    dialed_at = next(
        (event["at"] for event in events if event.get("method") == "CreateSIPParticipant"), events[0]["at"]
    )
    fields = {"ring_timeout_s": RINGING_TIMEOUT_S.get(name, 30)} | LIMITS.get(name, {})
    # Most were recorded without an agent, so that none was waited for.
    has_agent = any(event.get("body", {}).get("participant", {}).get("kind") == "AGENT" for event in events)
    return a_call(State.DIALING, dialed_at=dialed_at, caller_identity=_DIALED_AS, agent_first=has_agent, **fields)


def _inbound(events: list[dict[str, Any]]) -> Call:
    """Stands for the call until its caller arrives."""
    return a_call(State.RINGING, direction=Direction.INBOUND, dialed_at=None, created_at=events[0]["at"])


def _steps(event: dict[str, Any], call: Call, events: list[dict[str, Any]]) -> Iterator[Step]:
    at = event["at"]
    match event:
        case {"kind": "webhook", "body": body}:
            # LiveKit names the rooms of callers, we those of the called.
            named = {} if call.direction is Direction.INBOUND else {"name": call.room_name}
            yield Hook(at, body | {"room": body.get("room", {}) | named})
        case {"kind": "api_answer", "method": "CreateSIPParticipant"} if _is_waited_for(event, events):
            yield Told(at, _dialers_word(at, event, events))
        case {"kind": "participants", "now": people} if not _some_dial_is_waited_for(events, call):
            yield from _adopted(at, people, events)
        case {"kind": "api_request", "method": "DeleteRoom" | "RemoveParticipant"} | {
            "kind": "check",
            "left_in_room": _,
        }:
            yield Told(at, EndAsked(at, EndReason.API_HUNG_UP))


def _dialers_word(at: int, answer: dict[str, Any], events: list[dict[str, Any]]) -> Event:
    if "ok" in answer:
        leg = answer["ok"]
        return Answered(at, 1, leg["participantId"], leg["sipCallId"], _agent_seen(at, events))
    outcome = from_twirp(*as_raised(answer))
    assert isinstance(outcome, Refused), outcome
    return DialRefused(at, 1, outcome.sip_code, outcome.sip_status, outcome.twirp_code, outcome.message)


def as_raised(answer: dict[str, Any]) -> tuple[str, str, dict[str, str]]:
    """Code, message and metadata of an error. One trace kept only its text."""
    if "code" in answer:
        return answer["code"], answer["message"], answer["metadata"]
    found = _SIP_STATUS.search(answer["error"])
    assert found is not None
    return "unknown", answer["error"], {"sip_status_code": found[1], "sip_status": found[2]}


def _agent_seen(at: int, events: Iterable[dict[str, Any]]) -> AgentSeen | None:
    """The agent whom the dialer finds in the room when the phone is answered."""
    people: list[dict[str, Any]] = []
    for event in events:
        if event["kind"] == "participants" and event["at"] <= at:
            people = list(event["now"].values())
    return next((AgentSeen(each["sid"], at) for each in people if each.get("kind") == _KIND_AGENT), None)


def _adopted(at: int, people: dict[str, dict[str, Any]], events: list[dict[str, Any]]) -> Iterator[Step]:
    """A look at the room of a dial whose answer nobody hears: a leg that is up is taken over."""
    for identity, seen in people.items():
        leg = LegView(identity, seen["sid"], seen["attributes"].get("sip.callID"), seen["callStatus"])
        if is_up(leg):
            yield Told(at, Answered(at, 1, leg.sid, leg.sip_call_id, _agent_seen(at, events)))


def _is_waited_for(answer: dict[str, Any], events: list[dict[str, Any]]) -> bool:
    asked = [event for event in events if event["kind"] == "api_request" and event["at"] <= answer["at"]]
    dials = [event for event in asked if event["method"] == answer["method"]]
    return bool(dials[-1].get("wait", True))


def _some_dial_is_waited_for(events: list[dict[str, Any]], call: Call) -> bool:
    answers = [event for event in events if event["kind"] == "api_answer" and event["method"] == "CreateSIPParticipant"]
    return call.direction is Direction.INBOUND or any(_is_waited_for(answer, events) for answer in answers)
