"""`make test` runs every test once, and fails where one of its parts does."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.tools.places import ROOT
from tests import parts
from tests.conftest import CATEGORIES
from tests.parts import BESIDE, OF_THE_STACK, Part, parts_of, run

PASSES, FAILS = "def test_it() -> None:\n    pass\n", "def test_it() -> None:\n    raise AssertionError\n"


@pytest.fixture(autouse=True)
def _hardly_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside these tests are others that want the processor: what waits for it here would wait for long."""
    monkeypatch.setattr(parts, "_NICENESS", 1)


def a_part(folder: Path, name: str, test: str) -> Part:
    module = folder / f"test_{name}.py"
    module.write_text(test)
    return Part(name, [str(module), "-q", "--rootdir", str(folder), "-c", os.devnull, "-p", "no:cacheprovider"])


def test_each_folder_is_of_one_part(tmp_path: Path) -> None:
    of_stack, beside, others = parts_of("4", "3", "2", ["--durations=15"], tmp_path)
    left_out = [each.removeprefix("--ignore=") for each in others.arguments if each.startswith("--ignore=")]
    assert others.arguments[0] == "tests"
    assert sorted(left_out) == sorted((OF_THE_STACK, *BESIDE))
    assert of_stack.arguments[0] == OF_THE_STACK
    assert tuple(beside.arguments[: len(BESIDE)]) == BESIDE
    assert {each.split("/")[1] for each in left_out} < CATEGORIES
    assert all((ROOT / each).is_dir() for each in left_out)
    for part in (of_stack, beside, others):
        assert part.arguments[-1] == "--durations=15"


@pytest.mark.parametrize("failing", [None, 0, 1, 2])
def test_it_fails_where_one_of_its_parts_does(
    failing: int | None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    names = ("first", "second", "third")
    three = [a_part(tmp_path, name, FAILS if failing == place else PASSES) for place, name in enumerate(names)]
    assert run(three, tmp_path / "printed") is (failing is None)
    told = capfd.readouterr().out
    for place, name in enumerate(names):
        assert f"{name}: {'failed' if place == failing else 'passed'}\n" in told
    assert told.count("1 passed") + told.count("1 failed") == len(three), "what the second prints is shown, too"


def test_a_part_may_have_none_of_the_tests_that_are_asked_for_but_not_all_of_them(tmp_path: Path) -> None:
    three = [a_part(tmp_path, name, PASSES) for name in ("first", "second", "third")]
    for part in three[:2]:
        part.arguments = [*part.arguments, "-k", "nothing"]
    assert run(three, tmp_path / "printed")
    three[2].arguments = three[0].arguments
    assert not run(three, tmp_path / "printed")


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_what_runs_ends_with_it(told: signal.Signals, tmp_path: Path) -> None:
    """Both parts: the second leads a session of its own, which no Ctrl-C reaches."""
    names = ("first", "second")
    for name in names:
        note = f"pathlib.Path({str(tmp_path / name)!r}).write_text(str(os.getpid()))"
        test = f"import os, pathlib, time\n\n\ndef test_it() -> None:\n    {note}\n    time.sleep(600)\n"
        (tmp_path / f"test_{name}.py").write_text(test)
    program = f"""
import sys
from pathlib import Path
from tests import parts
def a_part(name):
    return parts.Part(name, [f"{tmp_path}/test_{{name}}.py", "--rootdir", {str(tmp_path)!r}, "-c", "/dev/null"])
parts._NICENESS = 1
parts.parts_of = lambda *_: [a_part("first"), a_part("second"), a_part("first")]
sys.argv = ["parts", "--workers", "1"]
sys.exit(parts.main())
"""
    whole = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 300
        while not all((tmp_path / name).exists() and (tmp_path / name).read_text() for name in names):
            assert whole.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        first, second = (int((tmp_path / name).read_text()) for name in names)
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, first) == ours < os.getpriority(os.PRIO_PROCESS, second)
    finally:
        # Ctrl-C goes to all that the terminal has in front.
        (os.killpg if told is signal.SIGINT else os.kill)(whole.pid, told)
        whole.wait(120)
    for pid in (first, second):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
