"""How a command ends: its exit codes, and the failures that lead to them.

The tree:  Failure (told to the user, never a traceback) - Usage, NotReachable, Refused, Interrupted.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from ringline.runtime.web.problems import Problem

_BUSY, _BROKEN = 429, 500
"""The status of an answer to too many requests, and the first one that is the server's fault."""


class ExitCode(IntEnum):
    """What a script reads of a command."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    NOT_REACHABLE = 3
    CALL_FAILED = 4
    TO_MEND = 5
    WORTH_A_LOOK = 6
    INTERRUPTED = 130


EXIT_CODES = {
    ExitCode.OK: "did what was asked",
    ExitCode.REFUSED: "was refused, or failed",
    ExitCode.USAGE: "was asked in a way that it does not understand, or has no stack to talk to",
    ExitCode.NOT_REACHABLE: "did not reach the API, or AWS",
    ExitCode.CALL_FAILED: "followed a call, or a transfer, that failed",
    ExitCode.TO_MEND: "found something to mend (`doctor`)",
    ExitCode.WORTH_A_LOOK: "found nothing that keeps calls back, but something to look at (`doctor`)",
    ExitCode.INTERRUPTED: "was interrupted; a call that it followed goes on",
}


class Failure(Exception):
    """A foreseeable failure: its problem document, as the API would write it, and what to do about it."""

    exit_code = ExitCode.REFUSED

    def __init__(self, document: Mapping[str, Any], advice: str = "") -> None:
        super().__init__(document.get("title", ""))
        self.document = dict(document)
        self.advice = advice


class Refused(Failure):
    """The API, or AWS, said no."""


class Usage(Failure):
    """The command cannot be carried out as it was asked for."""

    exit_code = ExitCode.USAGE

    def __init__(self, title: str, field: str | None = None, advice: str = "") -> None:
        errors = () if field is None else ((field, title),)
        super().__init__(problem_document(400, "usage", title, errors), advice)


class NotReachable(Failure):
    """Nobody answered."""

    exit_code = ExitCode.NOT_REACHABLE

    def __init__(self, what: str, why: str, advice: str = "") -> None:
        super().__init__(problem_document(503, "not_reachable", f"{what} is not reached: {why}"), advice)


class Interrupted(Failure):
    """Ctrl-C, where it matters what was left."""

    exit_code = ExitCode.INTERRUPTED

    def __init__(self, title: str, advice: str) -> None:
        super().__init__(problem_document(400, "interrupted", title), advice)


def is_passing(failure: Failure) -> bool:
    """Whether it may be over in a moment: nobody answered, or who answered was too busy, or broken."""
    return failure.document.get("status") == _BUSY or is_left_open(failure)


def is_left_open(failure: Failure) -> bool:
    """Whether nobody knows what came of the request: it may have been carried out, and its answer lost."""
    status = failure.document.get("status")
    is_broken = isinstance(failure, Refused) and isinstance(status, int) and status >= _BROKEN
    return is_broken or isinstance(failure, NotReachable)


def problem_document(status: int, code: str, title: str, errors: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    """A problem document of the command's own."""
    document: dict[str, Any] = {
        "type": f"urn:ringline:problem:{code}", "title": title, "status": status, "code": code,
    }  # fmt: skip
    if errors:
        document["errors"] = [{"field": field, "message": message} for field, message in errors]
    return document


def refused_by(problem: Problem) -> Refused:
    """A refusal of the product's own code, which an operator's command calls without the API between."""
    return Refused(problem.body())
