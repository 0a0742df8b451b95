"""What an operator changes from the command line, with AWS credentials and beside the API, leaves the same entries."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ringline.audit.entry import Entry, Outcome, changes_between
from ringline.runtime.clock import Clock
from ringline.runtime.ids import new_id
from ringline.runtime.table import OF_THE_DEPLOYMENT

OPERATOR = "operator"


@dataclass(slots=True)
class Change:
    """What becomes known of a change while it is made."""

    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OperatorLog:
    """`caller` is the AWS identity that the changes are made with, where it can be asked."""

    write: Callable[[Entry], None]
    caller: Callable[[], str | None]
    clock: Clock

    @contextmanager
    def change(self, action: str, resource: str, account_id: str = OF_THE_DEPLOYMENT) -> Iterator[Change]:
        """An entry for what is done within: of an account, or of what all accounts share. Nothing is done where it
        cannot be written; what raises is `failed`, because it may have been done in part."""
        told = self.caller()
        begun = Entry(
            audit_id=new_id("aud"),
            account_id=account_id,
            at=self.clock(),
            action=action,
            resource=resource,
            who=OPERATOR if told is None else f"{OPERATOR} {told}",
        )
        self.write(begun)
        change = Change()
        try:
            yield change
        except BaseException:
            # What was told by then was done.
            self._end(begun.ended(Outcome.FAILED, changes=changes_between(change.before, change.after)))
            raise
        self._end(begun.ended(Outcome.DONE, changes=changes_between(change.before, change.after)))

    def _end(self, entry: Entry) -> None:
        """What is done is done: that its entry stays `begun` is no reason to say otherwise, or to lose a key that is
        shown once."""
        try:
            self.write(entry)
        except Exception as error:
            # Without a handler of its own, Python's logging tells a person on stderr.
            logging.getLogger(__name__).warning("The audit entry %s stays begun: %s", entry.audit_id, error)
