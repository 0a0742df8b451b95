"""Whether a bell is worth ringing: for an account that has a call to dial and a line for it."""

from ringline.calls.model.hints import Doorbell
from ringline.calls.tables.store import CallStore
from ringline.runtime.clock import Clock


class NextRing:
    """Apart from `Progress`, which knows every rule of a call: the relay only rings, and starts without them."""

    def __init__(self, store: CallStore, doorbell: Doorbell, clock: Clock) -> None:
        self._store = store
        self._doorbell = doorbell
        self._clock = clock

    def ring_if_waiting(self, account_id: str) -> None:
        """Rings for an account that has a call to dial now and a line for it."""
        if self.somebody_waits(account_id) and self._store.gate(account_id).has_room:
            self._doorbell.ring(account_id)

    def somebody_waits(self, account_id: str) -> bool:
        return bool(self._store.eligible(account_id, self._clock(), 1))
