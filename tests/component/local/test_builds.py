"""What is built is kept for as long as somebody runs from it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.aws import build
from local.aws.build import Build


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A layer's builds, the oldest first, of which one is too many."""
    monkeypatch.setattr(build, "BUILD", tmp_path)
    made = [tmp_path / f"CoreLayer-host-{number}" for number in range(build._KEPT_BUILDS + 1)]
    for age, path in enumerate(made):
        path.mkdir()
        os.utime(path, (age, age))
    return made


def left(builds: list[Path]) -> list[bool]:
    build._drop_old_builds("CoreLayer-host-")
    return [path.exists() for path in builds]


def test_the_last_few_builds_are_kept(builds: list[Path]) -> None:
    assert left(builds) == [False] + [True] * build._KEPT_BUILDS


def test_a_build_that_a_stack_runs_from_is_kept_however_old_it_is(builds: list[Path]) -> None:
    with build.in_use(Build({"CoreLayer": builds[0]}, {})) as held:
        waits = [sys.executable, "-c", "input()"]
        front_door = subprocess.Popen(waits, stdin=subprocess.PIPE, pass_fds=held)
    # Whoever started it has gone on, or away.
    assert all(left(builds))
    front_door.communicate(b"\n")
    assert not left(builds)[0]
