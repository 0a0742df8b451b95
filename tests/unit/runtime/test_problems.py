"""What every answer that refuses says."""

import pytest

from ringline.runtime.web.problems import Problem


@pytest.mark.parametrize(
    ("headers", "shown"), [({}, {"retry-after": "1"}), ({"retry-after": "20"}, {"retry-after": "20"})]
)
def test_whoever_may_ask_again_is_told_when(headers: dict[str, str], shown: dict[str, str]) -> None:
    assert Problem(503, "contended", "Too many came at once", headers=headers).headers == shown


def test_whoever_asks_in_vain_is_told_no_moment() -> None:
    assert Problem(409, "in_use", "It is used").headers == {}
