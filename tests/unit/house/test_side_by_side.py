"""Which tests stay together where a run has workers, and what is handed out first."""

from pathlib import Path

import pytest

from local.tools.places import ROOT
from tests.side_by_side import together, turn


def test_one_worker_runs_all_tests_of_the_stack_and_begins_with_them() -> None:
    call, deploy = "tests/stack/troubles/test_troubles.py::test_a[b::c]", "tests/stack/test_deploy.py::test_b"
    crash = "tests/component/crash/test_dialing.py::test_c"
    assert together(call) == together(deploy)
    assert turn(together(call)) < turn(together(crash))


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
