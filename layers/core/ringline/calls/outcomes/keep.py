"""Keeps an outcome, with what is wrong with it. Whatever that is, no outcome is lost for it."""

import json
from dataclasses import dataclass
from typing import Protocol

from ringline.calls.model.call import Call
from ringline.calls.outcomes.outcome import AgentOutcome, Fit, KeptOutcome
from ringline.calls.outcomes.store import Outcomes

MOST_OUTCOMES = 20
"""How many names an attempt may have outcomes of."""


class Schemas(Protocol):
    """The JSON Schema, as text, that an agent's outcomes are to fit; None where it has none."""

    def analytics_schema(self, account_id: str, agent_id: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class KeepOutcome:
    outcomes: Outcomes
    schemas: Schemas

    def keep(self, call: Call, dial: int, outcome: AgentOutcome, at: int) -> str:
        """What came of it, in a word. The schema is the one that the agent has now: what it is changed to later says
        nothing of this conversation."""
        names = {each.outcome.name for each in self.outcomes.of_call(call.account_id, call.call_id, dial)}
        if outcome.name not in names and len(names) >= MOST_OUTCOMES:
            return "too_many_outcomes"
        fit, error = self._fit(call, outcome)
        kept = KeptOutcome(dial, outcome, at, call.agent_id, fit, error)
        return "applied" if self.outcomes.keep(call.account_id, call.call_id, kept) else "told_before"

    def _fit(self, call: Call, outcome: AgentOutcome) -> tuple[Fit, str | None]:
        schema = None if call.agent_id is None else self.schemas.analytics_schema(call.account_id, call.agent_id)
        if schema is None:
            return Fit.OK, None
        if outcome.data is None:
            return Fit.SKIPPED, None
        # It takes as long to load as all else that the function needs, and few reports are held against a schema.
        from ringline.runtime.json_schemas import misfit

        error = misfit(json.loads(schema), outcome.data)
        return (Fit.OK, None) if error is None else (Fit.FAILED, error)
