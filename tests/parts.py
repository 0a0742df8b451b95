"""`make test`: every test, in three parts, of which the second runs in the gaps that the first leaves.

    of the stack    their calls take the time that calls take, so the machine is theirs. They wait more than they work:
                    several stacks run side by side
    beside it       needs a processor and hardly anything else, and has it when the first does not want it
    all others      when the first part is over. Some wait, for phones on a real clock and for processes: two workers
                    more than there are cores

Exit code 0 only where all parts passed. What the second part prints is shown when both it and the first are over.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

OF_THE_STACK = "tests/stack"
_OF_UNIT = (
    *("accounts", "agents", "calls", "cli", "house", "routing", "runtime", "simulation", "telephony", "voices"),
    "webhooks",
)
BESIDE = ("tests/property", *(f"tests/unit/{folder}" for folder in _OF_UNIT))
"""Folders whose tests wait for no clock but one of their own, and for no process that has a time-out."""

_NICENESS = 19
"""A seventieth of a processor that somebody else wants, too (sched(7)): with a thirtieth or a tenth the tests of the
stack, whose processes wake up often, took half a minute longer."""

_OWN_GROUPS_NICENESS = Path("/proc/self/autogroup")
"""Linux shares the processor between sessions first, and by this ("The autogroup feature" there)."""

_ENDS_WITHIN_S = 60.0
"""A stack is taken down in some seconds."""


@dataclass(slots=True)
class Part:
    """One run of pytest."""

    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None

    def start(self, **how: Any) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "pytest", *self.arguments], **how)

    def wait(self) -> None:
        assert self.process is not None
        self.process.wait()

    @property
    def is_over(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def end(self, by: signal.Signals | None, *, leads: bool = False) -> None:
        """Ends it where it runs: by that signal, if it has not had it from the terminal, too, and with all its workers
        where it leads a session of its own. What tests have started they stop themselves, for which they have time."""
        if self.process is None or self.is_over:
            return
        if by is not None:
            (os.killpg if leads else os.kill)(self.process.pid, by)
        try:
            self.process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def code(self) -> int | None:
        return None if self.process is None else self.process.returncode

    def __str__(self) -> str:
        became = {0: "passed", pytest.ExitCode.NO_TESTS_COLLECTED: "no such tests"}
        return f"{self.name}: {became.get(self.code or 0, 'failed')}"


def parts_of(stack_workers: str, workers: str, beside_workers: str, options: Sequence[str], notes: Path) -> list[Part]:
    """The three of them. The third is whatever the others have not."""
    others = [f"--ignore={folder}" for folder in (OF_THE_STACK, *BESIDE)]
    noted = [notes / "stack.json", notes / "beside.json"]
    plugin = ["-p", "tests.slowest"]
    tells = [f"--tell-slowest={each}" for each in noted]
    return [
        Part("of the stack", [OF_THE_STACK, "-n", stack_workers, *plugin, f"--note-slowest={noted[0]}", *options]),
        Part("beside it", [*BESIDE, "-n", beside_workers, *plugin, f"--note-slowest={noted[1]}", *options]),
        Part("all others", ["tests", *others, "-n", workers, *plugin, *tells, *options]),
    ]


def run(parts: Sequence[Part], printed: Path) -> bool:
    """Runs them, and tells whether all passed. `printed` takes what the second prints."""
    of_stack, beside, others = parts
    try:
        with printed.open("wb") as output:
            beside.start(stdout=output, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=_give_way)
        of_stack.start()
        of_stack.wait()
        is_shown = beside.is_over
        if is_shown:
            _show(printed)
        others.start()
        others.wait()
        beside.wait()
        if not is_shown:
            _show(printed)
    except BaseException as why:
        beside.end(signal.SIGTERM, leads=True)
        _show(printed)
        for part in (of_stack, others):
            part.end(None if isinstance(why, KeyboardInterrupt) else signal.SIGINT)
        raise
    print("\n".join(map(str, parts)), flush=True)
    # With `-k` a part may have no test.
    codes = {part.code for part in parts}
    return 0 in codes and codes <= {0, pytest.ExitCode.NO_TESTS_COLLECTED}


def _give_way() -> None:
    """In the process that is to come."""
    os.nice(_NICENESS)
    with suppress(OSError):
        _OWN_GROUPS_NICENESS.write_text(str(_NICENESS))


def _show(printed: Path) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(printed.read_bytes())
    sys.stdout.flush()


def main() -> int:
    said = argparse.ArgumentParser(
        prog="python -m tests.parts", description="All tests, in three parts.", allow_abbrev=False
    )
    said.add_argument("--stack-workers", default="4", help="how many stacks run side by side")
    said.add_argument("--beside-workers", default=str(os.cpu_count()), help="workers of what runs beside them")
    said.add_argument("--workers", required=True, help="workers of all others")
    given, options = said.parse_known_args()
    # Whoever ends this process ends what it has started, and so does who closes its terminal. Where it was started with
    # Ctrl-C ignored, as by `make test &`, its parts would ignore it, too.
    for ends in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ends, lambda told, _frame: sys.exit(128 + told))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="ringline-tests-") as folder:
        parts = parts_of(given.stack_workers, given.workers, given.beside_workers, options, Path(folder))
        return 0 if run(parts, Path(folder) / "beside.log") else 1


if __name__ == "__main__":
    sys.exit(main())
