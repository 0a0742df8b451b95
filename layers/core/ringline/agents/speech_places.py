"""Gives back the places of speech workers that calls hold no more.

A call gives its place back with its end, in one transaction: only a function of a release that knows nothing of places
leaves one behind, or knows of none to give back. Each minute the workers' beats say how many jobs they have; where more
places are held, each holder's call is read as it is. A holder is one attempt, so that one that is over is over for
good, and no place is given back that a call may still have.
"""

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.agents.model.speech_places import held_for_nothing
from ringline.agents.tables.registry import Registry
from ringline.calls.model.call import attempt_of_holder, holder_name
from ringline.calls.tables.store import CallStore
from ringline.runtime.clock import Clock

_BATCH = 100


@dataclass(frozen=True, slots=True)
class SpeechPlaces:
    registry: Registry
    store: CallStore
    clock: Clock
    log: Logger

    def reconcile(self) -> int:
        """How many places were given back. Doing it again changes nothing."""
        rows = held_for_nothing(self.registry.speech_workers(), self.clock())
        held = [(each.row, holder) for each in rows for holder in each.holders]
        given_back = 0
        for start in range(0, len(held), _BATCH):
            batch = held[start : start + _BATCH]
            still_held = self._still_held([holder for _, holder in batch])
            for row, holder in batch:
                if still_held.get(holder, row) != row:
                    self.registry.give_back_speech_place(row, holder)
                    given_back += 1
        if given_back:
            self.log.warning("places of speech workers given back", extra={"places": given_back})
        return given_back

    def _still_held(self, holders: list[str]) -> dict[str, str | None]:
        """In which row each holder has a place, None where in none. Those whose call this release cannot read are left
        out, and keep theirs."""
        attempts = {holder: attempt_of_holder(holder) for holder in holders}
        unread: list[str] = []
        keys = [(each.account_id, each.call_id) for each in attempts.values()]
        found = {call.call_id: call for call in self.store.get_many(keys, unread)}
        unread += [call.call_id for call in found.values() if not call.is_understood]
        rows = {holder_name(call): call.holds_speech_place_of for call in found.values()}
        return {holder: rows.get(holder) for holder, each in attempts.items() if each.call_id not in unread}
