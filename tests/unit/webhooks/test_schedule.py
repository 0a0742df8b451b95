"""What an answer to a delivery means, and when the next try is due."""

import pytest

from ringline.webhooks.model.schedule import (
    JITTER,
    LONGEST_RETRY_AFTER_S,
    WAITS_S,
    Accepted,
    Stop,
    TryAgain,
    retry_after_in_s,
    verdict,
)

NOW = 1_795_224_871_000


@pytest.mark.parametrize("status_code", [200, 201, 202, 204, 299])
def test_any_2xx_is_accepted(status_code: int) -> None:
    assert verdict(1, status_code, None, 0.5) == Accepted()


@pytest.mark.parametrize("status_code", [None, 100, 300, 301, 302, 307, 308, 400, 401, 404, 429, 500, 503])
def test_anything_else_is_tried_again_redirects_included(status_code: int | None) -> None:
    assert verdict(1, status_code, None, 0.0) == TryAgain(5_000)


def test_the_waits_are_those_of_standard_webhooks() -> None:
    waits = [verdict(made, 500, None, 0.0) for made in range(1, 10)]
    hours = [3_600_000 * each for each in (2, 5, 10, 14, 20, 24)]
    assert waits == [TryAgain(ms) for ms in (5_000, 300_000, 1_800_000, *hours)]


def test_the_tenth_failure_is_the_last() -> None:
    assert verdict(len(WAITS_S), 500, None, 0.0) == Stop(endpoint_gone=False)


def test_410_ends_it_at_once_and_says_the_endpoint_is_gone() -> None:
    assert verdict(1, 410, 60, 0.0) == Stop(endpoint_gone=True)


def test_jitter_only_ever_lengthens_a_wait_and_by_a_tenth_at_most() -> None:
    assert verdict(2, 500, None, 0.0) == TryAgain(300_000)
    assert verdict(2, 500, None, 1.0) == TryAgain(round(300_000 * (1 + JITTER)))


def test_a_longer_retry_after_is_obeyed() -> None:
    assert verdict(1, 429, 120, 0.0) == TryAgain(120_000)


def test_a_shorter_retry_after_does_not_speed_things_up() -> None:
    assert verdict(2, 503, 1, 0.0) == TryAgain(300_000)


def test_retry_after_is_bounded() -> None:
    assert verdict(1, 503, 10**9, 0.0) == TryAgain(LONGEST_RETRY_AFTER_S * 1000)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("120", 120),
        (" 7 ", 7),
        ("0", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("1.5", None),
        ("²", None),
        ("9" * 5000, 9_999_999_999),
        ("Sat, 21 Nov 2026 01:36:31 GMT", 120),
        ("Sat, 21 Nov 2020 01:36:31 GMT", None),
        ("Sat, 99 Nov 2026 99:36:31 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_garbage_is_ignored(value: str | None, expected: int | None) -> None:
    assert retry_after_in_s(value, NOW) == expected
