"""How the bench reads what was said in a call."""

from typing import Any

import pytest

from local.bench.plane.ledger import Tally, answer_gaps_s, tally

pytestmark = pytest.mark.unit


def a_call(*words: str) -> dict[str, Any]:
    """Words as `user: one`, a second apart; those of an agent who was cut off end with a dash."""
    said = []
    for at, word in enumerate(words):
        who, _, text = word.partition(": ")
        said.append({"at": float(at), "who": who, "text": text, "cut_off": text.endswith("-")})
    return {"words": said}


def test_every_line_with_its_answer_is_counted_once() -> None:
    call = a_call("user: one", "agent: one", "user: two", "agent: two")
    assert tally([call, call], ["one", "two"]) == Tally(answered=4, astray=0)


def test_a_line_without_an_answer_is_missing() -> None:
    assert tally([a_call("user: one", "user: two", "agent: two")], ["one", "two"]) == Tally(answered=1, astray=0)


@pytest.mark.parametrize(
    "last", ["agent: two", "agent: one", "agent: three"], ids=["a second answer", "an earlier one", "nobody's line"]
)
def test_an_answer_that_does_not_belong_there_is_astray(last: str) -> None:
    call = a_call("user: one", "agent: one", "user: two", "agent: two", last)
    assert tally([call], ["one", "two"]) == Tally(answered=2, astray=1)


def test_answers_in_the_wrong_order_are_no_answers_in_order() -> None:
    call = a_call("user: one", "user: two", "agent: two", "agent: one")
    assert tally([call], ["one", "two"]) == Tally(answered=1, astray=1)


def test_an_answer_that_was_cut_off_is_none() -> None:
    assert tally([a_call("user: one", "agent: one-")], ["one"]) == Tally()


def test_only_a_line_that_is_answered_next_has_a_gap() -> None:
    call = a_call("agent: Hello", "user: one", "user: two", "agent: two", "agent: Are you there?")
    assert answer_gaps_s(call) == [1.0]
