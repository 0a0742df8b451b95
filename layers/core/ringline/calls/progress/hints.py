"""How hints are left for others: a bell that is worth ringing, a look at a call, the id by which the carrier names it.

A hint that cannot be left is logged and forgotten: what it hints at is written, and the sweep looks within its minute.
"""

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call
from ringline.calls.model.ports import CarrierLinks, Doorbell, LookQueue
from ringline.calls.model.timing import SHORT_LIMIT_S
from ringline.calls.tables.store import CallStore
from ringline.runtime.clock import Clock


class NextRing:
    """Stands apart from `Progress`, which imports every rule of a call: the relay only rings, and starts faster without
    them."""

    def __init__(self, store: CallStore, doorbell: Doorbell, clock: Clock) -> None:
        self._store = store
        self._doorbell = doorbell
        self._clock = clock

    def ring_if_waiting(self, account_id: str) -> None:
        """Rings for an account that has a call to dial now and a line for it."""
        if self.somebody_waits(account_id) and self._store.gate(account_id).has_free_line:
            self._doorbell.ring(account_id)

    def somebody_waits(self, account_id: str) -> bool:
        return bool(self._store.eligible(account_id, self._clock(), 1))


def ask_for_look(looks: LookQueue, log: Logger, call: Call, after_s: int) -> None:
    try:
        looks.look_again(call.account_id, call.call_id, after_s)
    except Exception:
        log.exception("look not asked for", extra={"call_id": call.call_id})


def link_carrier_calls(
    links: CarrierLinks, log: Logger, call: Call, carrier_call_ids: tuple[tuple[str, str], ...]
) -> None:
    """Notes the carrier's ids of the call, for those of its events that name the call by nothing else."""
    try:
        for provider, carrier_call_id in carrier_call_ids:
            links.link(provider, carrier_call_id, call.room_name or "")
    except Exception:
        log.exception("carrier's call not linked", extra={"call_id": call.call_id})


def ask_for_look_at_limit(looks: LookQueue, log: Logger, call: Call) -> None:
    """Asks after an answer for a look at the moment of a limit that the sweep's first look at the call might miss."""
    if call.max_call_duration_s <= SHORT_LIMIT_S:
        ask_for_look(looks, log, call, call.max_call_duration_s)
