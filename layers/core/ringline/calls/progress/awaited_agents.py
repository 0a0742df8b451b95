"""Whether it is its agent that a waiting call lacks: what it says when its time is over.

agent missed, or at rest after that -----> it waits for its agent, whether or not a line is free
no runner, or no speech worker has room -> the same
otherwise -------------------------------> it waits for a line, or for its turn
"""

from collections.abc import Sequence

from ringline.calls.model.call import Call
from ringline.calls.model.ports import NoPlace, Places
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.agent_rests import AgentRests
from ringline.record import Record
from ringline.runtime.clock import Clock


class AwaitedAgents(Record):
    rests: AgentRests
    places: Places
    clock: Clock

    def lacks(self, call: Call) -> bool:
        """Whether a line would not help the call."""
        if call.needs_place and isinstance(self.places.least_loaded(call.account_id, call.agent_id or ""), NoPlace):
            return True
        if call.brain is not None and self.places.speech_is_full():
            return True
        return call.agent_first and self.rests.look(call.account_id, call.agent_id).is_missing(self.clock())

    def why_each_expired(self, calls: Sequence[Call]) -> list[EndReason]:
        """As `why_expired` says of each, which asks once for all that wait for the same agent in the same way."""
        known: dict[tuple[str, str | None, bool, bool, bool], EndReason] = {}
        reasons = []
        for call in calls:
            waits_for = (call.account_id, call.agent_id, call.needs_place, call.brain is None, call.agent_first)
            if waits_for not in known:
                known[waits_for] = self.why_expired(call)
            reasons.append(known[waits_for])
        return reasons

    def why_expired(self, call: Call) -> EndReason:
        """Why a call ends that waits past its `expires_at`."""
        return EndReason.NO_AGENT_AVAILABLE if self.lacks(call) else EndReason.EXPIRED_IN_QUEUE
