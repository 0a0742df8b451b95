"""Moments and lengths of time as people read them."""

import pytest

from cli.words.moments import clock_time, date_and_time, length, moment, since, until

AT = "2026-11-21T02:09:00.500Z"
AT_MS = 1_795_226_940_500


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, ""), (0, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (61, "1 min 1 s"), (120, "2 min"), (3600, "1 h"),
        (3720, "1 h 2 min"), (90_000, "25 h"),
    ],
)  # fmt: skip
def test_a_length_is_told_in_the_two_units_that_matter(seconds: float | None, told: str) -> None:
    assert length(seconds) == told


def test_how_long_ago_and_how_long_yet() -> None:
    assert (since(AT, AT_MS + 65_000), until(AT, AT_MS - 2000)) == ("1 min 5 s", "2 s")
    assert (since(AT, AT_MS - 9000), until(AT, AT_MS + 9000)) == ("0 s", "0 s"), "clocks that differ tell nothing odd"


@pytest.mark.parametrize("text", [None, "", "soon"])
def test_what_is_no_moment_is_left_out(text: str | None) -> None:
    assert moment(text) is None
    assert clock_time(text) == date_and_time(text) == since(text, 0) == until(text, 0) == ""


def test_a_moment_is_told_to_the_millisecond() -> None:
    assert clock_time(AT).endswith(":00.500")
    assert date_and_time(AT).endswith(":00")
