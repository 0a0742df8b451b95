"""Where the turns of a conversation are found whose speech worker is lost."""

import json
from copy import replace
from dataclasses import dataclass, field

from ringline.calls.model.call import State
from ringline.telephony.lost_talk import TURNS_ATTRIBUTE, turns_so_far
from speech.bridge import kept_turns
from tests.builders import a_call

TURNS = [{"role": "user", "content": "Hello?", "at": 1, "open": True}]


@dataclass
class Shown:
    sid: str
    attributes: dict[str, str] = field(default_factory=dict)
    identity: str = ""


@dataclass
class Dispatched:
    metadata: str


CALL = a_call(State.ACTIVE, agent_id="bot", agent_sid="PA_1", brain="runner")


def test_the_turns_are_those_that_the_lost_worker_shows() -> None:
    shown = [
        Shown("PA_leg"),
        Shown("PA_0", {TURNS_ATTRIBUTE: "[]"}),
        Shown("PA_1", {TURNS_ATTRIBUTE: json.dumps(TURNS)}),
    ]
    assert (
        turns_so_far(CALL, shown, [Dispatched(json.dumps({"agent_id": "bot", "turns": [{"role": "agent"}]}))]) == TURNS
    )


def test_a_lost_worker_that_is_shown_under_another_sid_is_known_by_its_identity() -> None:
    call = replace(CALL, agent_identity="agent-AJ_1")
    shown = [Shown("PA_again", {TURNS_ATTRIBUTE: json.dumps(TURNS)}, "agent-AJ_1")]
    assert turns_so_far(call, shown, []) == TURNS


def test_where_it_is_shown_no_more_they_are_those_of_the_dispatch_before() -> None:
    told = Dispatched(json.dumps({"agent_id": "bot", "turns": TURNS}))
    assert turns_so_far(CALL, [Shown("PA_leg")], [told, Dispatched(json.dumps({"agent_id": "bot"}))]) == TURNS


def test_what_another_agent_talked_of_before_is_not_told() -> None:
    assert turns_so_far(CALL, [], [Dispatched(json.dumps({"agent_id": "desk", "turns": TURNS}))]) == []


def test_what_cannot_be_read_is_nothing() -> None:
    for text in ("", "no JSON", "7", '["a", 1]'):
        assert turns_so_far(CALL, [Shown("PA_1", {TURNS_ATTRIBUTE: text})], [Dispatched(text)]) == []


def test_the_speech_worker_writes_where_this_reads() -> None:
    assert kept_turns.TURNS_ATTRIBUTE == TURNS_ATTRIBUTE
