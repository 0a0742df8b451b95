"""A call's events as bars."""

from typing import Any

import pytest

from cli.console.pages.bars import WIDE, Bar, bars
from ringline.runtime.clock import iso

NOW = 1_795_224_871_000


def event(second: float, what: str, **more: Any) -> dict[str, Any]:
    return {"at": iso(NOW + round(second * 1000)), "what": what} | more


def drawn(events: list[dict[str, Any]], now_s: float = 0, is_over: bool = True) -> dict[str, Bar]:
    return {each.says: each for each in bars(events, NOW + round(now_s * 1000), is_over)}


ONE_DIAL = [
    event(0, "accepted"),
    event(2, "dialed", dial=1),
    event(4, "agent_joined", dial=1),
    event(6, "answered", dial=1),
    event(16, "leg_left", dial=1),
    event(18, "agent_left", dial=1),
    event(20, "ended", dial=1),
]


def test_a_conversation_is_drawn_from_end_to_end() -> None:
    shown = drawn(ONE_DIAL)
    assert {says: (each.left, each.width, each.length_s) for says, each in shown.items()} == {
        "waited": (0, 100, 2),
        "on its way": (100, 200, 4),
        "agent there": (200, 700, 14),
        "phone on the line": (300, 500, 10),
    }
    assert not any(each.is_open for each in shown.values())


def test_what_lasts_is_open_and_goes_until_now() -> None:
    shown = drawn(ONE_DIAL[:4], now_s=10, is_over=False)
    assert shown["phone on the line"].is_open and shown["phone on the line"].length_s == 4
    assert not shown["on its way"].is_open
    waits = drawn([event(0, "accepted")], now_s=30, is_over=False)
    assert (waits["waits"].length_s, waits["waits"].is_open, waits["waits"].width) == (30, True, WIDE)


def test_each_dial_has_its_own_bars_and_the_waiting_between_them() -> None:
    first = [event(0, "accepted"), event(1, "dialed", dial=1), event(11, "attempt_ended", dial=1)]
    second = [event(20, "dialed", dial=2), event(25, "ended", dial=2)]
    shown = drawn(first + second)
    assert shown["on its way (dial 1)"].length_s == 10 and shown["on its way (dial 2)"].length_s == 5
    assert shown["waited (dial 2)"].length_s == 9


def test_a_call_that_is_canceled_in_the_queue_has_waited() -> None:
    assert drawn([event(0, "accepted"), event(9, "ended")])["waited"].length_s == 9


def test_a_transfer_is_a_bar_until_it_is_decided() -> None:
    asked = event(8, "transfer_requested", dial=1, transfer_id="t1", to="+15550100888")
    joined = event(12, "transfer_joined", dial=1, transfer_id="t1")
    assert drawn([*ONE_DIAL[:4], asked, joined, *ONE_DIAL[4:]])["transfer to +15550100888"].length_s == 4
    assert drawn([*ONE_DIAL[:4], asked, *ONE_DIAL[4:]])["transfer to +15550100888"].length_s == 12


@pytest.mark.parametrize("events", [[], [{"what": "accepted"}], [{"at": "no moment", "what": "dialed", "dial": 1}]])
def test_what_has_no_moments_is_not_drawn(events: list[dict[str, Any]]) -> None:
    assert bars(events, NOW, True) == []


def test_what_was_short_is_seen_all_the_same() -> None:
    shown = drawn([event(0, "accepted"), event(9999, "dialed", dial=1), event(10_000, "ended", dial=1)])
    assert shown["on its way"].width > 1 and shown["on its way"].left + shown["on its way"].width <= WIDE
