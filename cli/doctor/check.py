"""A check, what it found, and how all of them are run."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import asdict, dataclass
from enum import StrEnum
from threading import Lock, Thread
from typing import Any

from cli.model.failures import Failure
from cli.reach.api import AWAY

WITHIN_S = 25.0
"""All checks together: the command is done within half a minute."""


class Result(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `remedy` says what to do, where something is to be done."""

    name: str
    result: Result
    says: str
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Check:
    """`look` looks at one thing, changes nothing, and is done in a few seconds."""

    name: str
    look: Callable[[], Finding]


class Once[Value]:
    """Finds something out at the first call, which others wait for; a failure is the same for all of them."""

    def __init__(self, find: Callable[[], Value]) -> None:
        self._find = find
        self._found: list[Value] = []
        self._failed: Exception | None = None
        self._one_at_a_time = Lock()

    def __call__(self) -> Value:
        with self._one_at_a_time:
            if self._failed is not None:
                raise self._failed
            if not self._found:
                try:
                    self._found.append(self._find())
                except Exception as error:
                    self._failed = error
                    raise
            return self._found[0]


def run_all(checks: Sequence[Check], within_s: float = WITHIN_S) -> list[Finding]:
    """Every check's finding, in the order of the checks, all looked for at once. One that does not come to an end in
    time, or that comes to grief, is a finding too."""
    looking = [_looked_for(each) for each in checks]
    wait(looking, timeout=within_s)
    return [_found(check, future, within_s) for check, future in zip(checks, looking, strict=True)]


def worst(findings: Iterable[Finding]) -> Result:
    """The gravest result there is."""
    results = {each.result for each in findings}
    return next((each for each in (Result.FAIL, Result.WARN, Result.OK) if each in results), Result.SKIPPED)


def _looked_for(check: Check) -> "Future[Finding]":
    """The finding, when there is one. Its thread keeps no process from ending, as one of an executor's would."""
    future: Future[Finding] = Future()

    def look() -> None:
        try:
            future.set_result(check.look())
        except Exception as error:
            future.set_exception(error)

    Thread(target=look, name=f"doctor-{check.name}", daemon=True).start()
    return future


def _found(check: Check, future: "Future[Finding]", within_s: float) -> Finding:
    if not future.done():
        return Finding(
            check.name, Result.FAIL, f"not answered within {within_s:g} s", "See what keeps it, and try again."
        )
    error = future.exception()
    if error is None:
        return future.result()
    advice = error.advice if isinstance(error, Failure) else ""
    # Who asks the doctor is not sent to the doctor.
    remedy = "Is the stack up?" if advice == AWAY else advice
    return Finding(check.name, Result.FAIL, str(error) or type(error).__name__, remedy)
