"""Which tests stay together where a run has workers, and what is handed out first."""

from pathlib import Path

import pytest

from local.tools.places import ROOT
from tests.side_by_side import BY_TEST, LONGEST, together, turn


def test_tests_of_the_stack_come_first_and_the_longest_of_them_before_others() -> None:
    trouble, door = "tests/stack/troubles/test_troubles.py::test_a[b::c]", "tests/stack/test_front_door.py::test_b"
    crash = "tests/component/crash/test_dialing.py::test_c"
    assert turn(together(trouble)) < turn(together(door)) < turn(together(crash))


def test_what_is_said_to_be_long_or_to_be_spread_is_there() -> None:
    for start in {*BY_TEST, *LONGEST}:
        path, _, name = start.partition("::")
        assert (ROOT / path).exists(), start
        assert f"def {name}(" in (ROOT / path).read_text() if name else True, start


def test_tests_of_a_module_stay_together() -> None:
    first, second = (f"tests/unit/calls/rules/test_verdict.py::test_a[{each}::1]" for each in "ab")
    assert together(first) == together(second) != together("tests/unit/calls/rules/test_reasons.py::test_a")


def test_long_tests_that_share_nothing_are_spread() -> None:
    first, second = (f"tests/component/crash/test_dialing.py::test_c[{each}]" for each in "ab")
    assert together(first) != together(second)


@pytest.mark.parametrize(
    "path",
    sorted(path for path in ROOT.glob("tests/**/test_*.py") if 'scope="module"' in path.read_text()),
    ids=lambda path: str(path.relative_to(ROOT / "tests")),
)
def test_a_module_whose_tests_share_a_fixture_is_not_spread(path: Path) -> None:
    module = path.relative_to(ROOT).as_posix()
    assert together(f"{module}::test_a") == together(f"{module}::test_b")
