"""Which calls stand longer where they stand than they should."""

from typing import Any

import pytest

from cli.words.stuck import LONG_WAIT_S, stuck_s, why_stuck
from ringline.calls.model.timing import LONGEST_CALL_DURATION_S, MAX_AGENT_JOIN_S, MAX_RING_TIMEOUT_S
from ringline.runtime.clock import iso

NOW = 1_795_224_871_000


def ago(seconds: float) -> str:
    return iso(NOW - round(seconds * 1000))


@pytest.mark.parametrize(
    ("call", "too_long_s"),
    [
        ({"status": "pending", "created": ago(LONG_WAIT_S)}, 0),
        ({"status": "pending", "created": ago(LONG_WAIT_S + 60)}, 60),
        ({"status": "pending", "created": ago(9000), "scheduled_at": ago(-60)}, 0),
        ({"status": "pending", "created": ago(9000), "scheduled_at": ago(8000), "next_attempt_at": ago(200)}, 20),
        ({"status": "ringing", "created": ago(9000), "started_at": ago(MAX_RING_TIMEOUT_S + MAX_AGENT_JOIN_S)}, 0),
        ({"status": "ringing", "started_at": ago(MAX_RING_TIMEOUT_S + MAX_AGENT_JOIN_S + 70)}, 10),
        ({"status": "ringing", "created": ago(200), "started_at": None}, 50),
        ({"status": "active", "started_at": ago(LONGEST_CALL_DURATION_S)}, 0),
        ({"status": "active", "started_at": ago(LONGEST_CALL_DURATION_S + 61)}, 1),
        ({"status": "completed", "created": ago(90_000), "started_at": ago(90_000)}, 0),
        ({"status": "of_a_later_release", "created": ago(90_000)}, 0),
        ({"status": "pending", "created": None}, 0),
    ],
)
def test_a_call_is_stuck_from_the_moment_on_at_which_it_should_have_moved(
    call: dict[str, Any], too_long_s: float
) -> None:
    assert stuck_s(call, NOW) == pytest.approx(too_long_s)
    assert bool(why_stuck(call, NOW)) == bool(too_long_s)


def test_what_is_wrong_is_said_in_a_few_words() -> None:
    assert why_stuck({"status": "pending", "created": ago(240)}, NOW) == "has waited for 4 min"
    assert "on its way for 5 min: longer than any phone" in why_stuck(
        {"status": "ringing", "started_at": ago(300)}, NOW
    )
