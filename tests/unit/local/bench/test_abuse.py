"""The table of what an account feels of another's floods, where the machine left few samples or none."""

import asyncio

import pytest

from local.bench.abuse.__main__ import _reading, _Samples, _sorted
from local.bench.abuse.victim import Felt

pytestmark = pytest.mark.unit


def test_p99_with_and_without_stand_beside_each_other() -> None:
    shown = _reading("call", [10.0, 20.0], [20.0, 50.0])
    assert (shown.value, shown.note) == ("20 -> 50 ms", "x 2.50; p50 10 ms -> 20 ms")


@pytest.mark.parametrize(
    ("without", "beside", "says"),
    [([], [20.0], "none -> 20 ms"), ([10.0], [], "10 -> none ms"), ([], [], "none -> none ms")],
)
def test_what_was_never_answered_is_said_so(without: list[float], beside: list[float], says: str) -> None:
    assert _reading("webhook", without, beside).value == says


def test_a_webhook_that_was_not_heard_is_no_number() -> None:
    samples = _Samples([Felt(1, 2, None, 4), Felt(1, 2, 3, 4)])
    assert _sorted(samples, lambda felt: felt.webhook) == [3]


def test_no_sample_is_begun_when_the_time_is_over() -> None:
    samples = _Samples()
    asyncio.run(samples.take(None, 5, until=0.0))  # type: ignore[arg-type]
    assert (samples.felt, samples.lost) == ([], 0)
