"""What the use cases of a call leave for others to act on: hints, all of them. Losing or doubling one is harmless."""

from typing import Protocol


class Doorbell(Protocol):
    def ring(self, account_id: str, after_s: int = 0) -> None:
        """Tells the dialer that the account may have a call to dial and a line for it. A hint; losing or doubling it
        is harmless."""


class LookQueue(Protocol):
    def look_again(self, account_id: str, call_id: str, after_s: int) -> None:
        """Has somebody look at the call in a while. A hint: the sweep looks anyhow."""


class CarrierLinks(Protocol):
    def link(self, provider: str, carrier_call_id: str, room: str) -> None:
        """Notes whose call the carrier's id is, for events of the carrier that name nothing else."""
