"""Deletes what is kept of a call: what was said and recorded in it, and what its agent was given.

    row: nothing is kept from now on ---> files, rows, bodies of events ---> receipt
                                     '-- a crash here: what is left goes when it is asked for again

The row goes first, so that what an agent or LiveKit tells late finds that nothing is to be kept. That a number was
called, when, and why it ended stays.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ringline.calls.erasing.content import Content, Deleted
from ringline.calls.model.call import Call
from ringline.calls.model.events import ContentErased
from ringline.calls.progress.progress import Progress, Unapplied
from ringline.runtime.clock import Clock

type EraseEvents = Callable[[Call], int]
"""Takes everything but id, type and time out of a call's stored events; how many there were."""


@dataclass(frozen=True, slots=True)
class Erased:
    """The call as it is kept now, and what was deleted with this request."""

    call: Call
    deleted: Deleted
    events: int


@dataclass(frozen=True, slots=True)
class NotErased:
    """Nothing was deleted. `why`: `not_over`, or `recording_not_finished`."""

    why: str


@dataclass(frozen=True, slots=True)
class EraseContent:
    progress: Progress
    content: Content
    erase_events: EraseEvents
    clock: Clock

    def run(self, account_id: str, call_id: str, number: str | None = None) -> Erased | NotErased | None:
        """None if there is no such call. Asking again completes what broke off, and else finds nothing. With a `number`
        the call forgets that, too."""
        outcome = self.progress.apply(account_id, call_id, ContentErased(self.clock(), number))
        call = outcome.call
        if call is None:
            return None
        if isinstance(outcome, Unapplied) and outcome.why != "erased_before":
            return NotErased(outcome.why)
        return Erased(call, self.content.delete(account_id, call_id), self.erase_events(call))
