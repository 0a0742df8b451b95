"""One invocation of a function as a process that can die: it counts its steps outside - calls of DynamoDB, SQS,
LiveKit, a customer's server, a bucket - and meets its trouble at one of them.

A process killed between two steps leaves the same world as one killed right after the first of them, and one killed
after a read the same as one killed before it: so it is killed before its first step and after each that changes
something. A killed process takes no further step: whatever its
`finally` or `except` blocks try, in whichever of its tasks, is refused as well.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from local.phones.model.post import is_taken


class Trouble(StrEnum):
    KILLED = "killed"
    """The process is gone; the step it took last has taken effect."""
    ANSWER_LOST = "answer lost"
    """The step took effect, its answer never came, and the process lives on with that failure."""


READS = frozenset({"GetItem", "BatchGetItem", "Query", "list_participants", "list_rooms", "list_dispatch"})
"""Steps that change nothing outside: killed after one is killed after the step before it."""


class Killed(BaseException):
    """The process is dead. Not an Exception: nothing in it may catch its own death."""


class AnswerLost(Exception):
    """The step was taken, its answer is lost. Whoever stands in for the other side raises its own failure instead."""


@dataclass
class Invocation:
    function: str
    trouble: Trouble | None = None
    trouble_after: int | str = 0
    """After how many steps, or after the first of this name."""
    steps: list[str] = field(default_factory=list)
    met_trouble: bool = False
    is_dead: bool = False
    answer: Any = None
    raised: Exception | None = None

    @property
    def failed(self) -> bool:
        return self.is_dead or self.raised is not None

    @property
    def needs_repeat(self) -> bool:
        """Whether who sent an HTTP request has no answer to it, or one that asks to send it again: all of them read it
        as LiveKit does."""
        return self.failed or not is_taken(self.answer["statusCode"])

    def before_step(self) -> None:
        """Raises Killed if the process is dead, or dies before its first step."""
        if self.trouble is Trouble.KILLED and self.trouble_after == len(self.steps) == 0:
            self.is_dead = self.met_trouble = True
        if self.is_dead:
            raise Killed

    def after_step(self, what: str) -> None:
        """Raises Killed or AnswerLost if this was the step."""
        self.steps.append(what)
        if self.trouble is None or self.met_trouble or self.trouble_after not in {what, len(self.steps)}:
            return
        self.met_trouble = True
        if self.trouble is Trouble.KILLED:
            self.is_dead = True
            raise Killed
        raise AnswerLost


ACTING: ContextVar[Invocation | None] = ContextVar("ACTING", default=None)
"""Whose step it is. None: the test itself looks or prepares."""


def before_step() -> None:
    if (invocation := ACTING.get()) is not None:
        invocation.before_step()


def after_step(what: str) -> None:
    if (invocation := ACTING.get()) is not None:
        invocation.after_step(what)
