"""Who else takes a number's callers, and who is asked about them: what an account may say of it."""

from collections.abc import Callable
from copy import replace
from dataclasses import dataclass, field
from typing import Any

from ringline.routing.records import Number
from ringline.routing.store import RoutingStore
from ringline.runtime.web.problems import invalid_field
from ringline.trunking.refusals import overflow_chained, unknown
from ringline.trunking.tables.numbers import Named, named_by


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerRules:
    """`check_url` raises Problem 422 for a field and its URL, if it leads where we do not go."""

    routing: RoutingStore
    check_url: Callable[[str, str], None]
    new_secret: Callable[[], str] = field(repr=False)

    def changed(self, account_id: str, before: Number, said: dict[str, Any]) -> Number:
        """The number with what is said. A decision secret is made with the first `decision_url`, and goes with it.
        Raises Problem 422 for what it names and is not the account's, and for a URL that is not asked."""
        after = replace(before, **said)
        if after.decision_url is not None and "decision_url" in said:
            self.check_url("decision_url", after.decision_url)
        known = named_by(before)
        for each in named_by(after):
            if each not in known:
                self._check(account_id, after, each)
        if after.decision_url is None:
            return replace(after, decision_secret=None)
        return after if after.decision_secret else replace(after, decision_secret=self.new_secret())

    def _overflow(self, account_id: str, number: Number, other: str) -> Number | None:
        """Raises Problem 422 for a chain of numbers."""
        from_there = [each.number for each in self.routing.numbers(account_id) if each.overflow_number == number.number]
        if from_there:
            raise overflow_chained(f"callers of {', '.join(from_there)} go on to this number already")
        found = self.routing.number(account_id, other)
        if found is not None and found.overflow_number is not None:
            raise overflow_chained("names a number whose own callers go on to another number")
        return found

    def _check(self, account_id: str, number: Number, named: Named) -> None:
        match named.kind:
            case "agent":
                found: object = self.routing.agent(account_id, named.id)
            case "pipe":
                found = self.routing.pipe(account_id, named.id)
            case _:
                if named.id == number.number:
                    raise invalid_field(named.field, "must be another number than this one")
                found = self._overflow(account_id, number, named.id)
        if found is None:
            raise unknown(named.kind, named.field)
