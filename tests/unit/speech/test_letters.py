"""Letters that come in halves, as JSON may have them."""

import pytest

from speech.bridge.kept_turns import kept_turns
from speech.bridge.model.actions import Speak
from speech.bridge.model.letters import Letters, in_whole_letters
from tests.unit.speech.conversations import of, talking

SMILE = "\U0001f600"
FIRST, SECOND = "\ud83d", "\ude00"


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (["Hi ", FIRST, SECOND], ["Hi ", "", SMILE]),
        ([f"Hi {FIRST}", f"{SECOND}!"], ["Hi ", f"{SMILE}!"]),
        ([FIRST, "no"], ["", "\ufffdno"]),
        ([SECOND, "no"], ["\ufffd", "no"]),
        ([SMILE, "é"], [SMILE, "é"]),
    ],
    ids=["apart", "beside others", "a first one alone", "a second one alone", "whole ones"],
)
def test_a_letter_that_comes_in_halves_is_whole(pieces: list[str], whole: list[str]) -> None:
    letters = Letters()
    assert [letters.whole(piece) for piece in pieces] == whole


def test_a_half_at_the_end_is_nothing_to_the_next_text() -> None:
    letters = Letters()
    assert letters.whole(f"Hi{FIRST}") == "Hi"
    letters.end()
    assert letters.whole("there") == "there"


def test_a_text_at_once_has_whole_letters() -> None:
    assert in_whole_letters(f"a{FIRST}{SECOND}b{FIRST}") == f"a{SMILE}b\ufffd"


def test_a_reply_in_halves_is_spoken_and_kept_in_whole_letters() -> None:
    told = talking()
    told.says("Hello?")
    spoken = "".join(action.text for action in of(Speak, told.replies("Hi ", FIRST, SECOND)))
    assert spoken == f"Hi {SMILE}"
    assert SMILE in kept_turns(told.conversation.turns_to_keep())
