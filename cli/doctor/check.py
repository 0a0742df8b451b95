"""A check, what it found, and how all of them are run."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from enum import StrEnum
from threading import Lock
from typing import Any

from cli.model.failures import Failure

WITHIN_S = 25.0
"""All checks together: the command is done within half a minute."""

AT_ONCE = 12


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
    aside = ThreadPoolExecutor(AT_ONCE)
    looking = [aside.submit(each.look) for each in checks]
    wait(looking, timeout=within_s)
    aside.shutdown(wait=False, cancel_futures=True)
    return [_found(check, future, within_s) for check, future in zip(checks, looking, strict=True)]


def worst(findings: Iterable[Finding]) -> Result:
    """The gravest result there is."""
    results = {each.result for each in findings}
    return next((each for each in (Result.FAIL, Result.WARN, Result.OK) if each in results), Result.SKIPPED)


def _found(check: Check, future: "Future[Finding]", within_s: float) -> Finding:
    if not future.done() or future.cancelled():
        return Finding(
            check.name, Result.FAIL, f"not answered within {within_s:g} s", "See what keeps it, and try again."
        )
    error = future.exception()
    if error is None:
        return future.result()
    advice = error.advice if isinstance(error, Failure) else ""
    return Finding(check.name, Result.FAIL, str(error) or type(error).__name__, advice)
