"""What the use cases of a call need of others, in the field's words: LiveKit, which `telephony` provides, and hints to
the other functions, which `tables` provides. Losing or doubling a hint is harmless."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from ringline.record import Record

if TYPE_CHECKING:
    # Protocols alone: whoever leaves a hint starts without what a dial or a look is made of.
    from ringline.calls.model.call import Call
    from ringline.calls.model.outcomes import CarrierFull, DialOutcome, LivekitAway, NotSent
    from ringline.calls.model.room_view import RoomView


class Telephony(Protocol):
    """LiveKit, as calls see it. Every method but the first two raises TelephonyDown when LiveKit cannot be asked."""

    async def open_room(self, call: "Call") -> "NotSent | LivekitAway | CarrierFull | None":
        """Makes the attempt's room and dispatches the agent with it. None when it stands; repeating changes nothing."""

    async def place_call(self, call: "Call") -> "DialOutcome":
        """Dials once and waits for the answer, unless the carrier tells of it (`answer_from`). Never repeat it for one
        attempt: LiveKit would ring twice."""

    async def send_agent(self, call: "Call") -> None:
        """Dispatches an agent to the call's room once more, as its dispatch number `call.dispatches`: LiveKit drops a
        dispatch that no worker has room for. Two may come then. Opens no room."""

    async def remove(self, room: str, identity: str) -> None:
        """Puts a participant out of the room; one that is gone already is out."""

    async def look(self, room: str) -> "RoomView": ...

    async def end_room(self, room: str) -> None:
        """Closes the room and with it every leg in it; a room that is gone already is closed."""

    async def tell_agents(self, room: str, topic: str, text: str) -> int:
        """Sends a data message to the agents in the room; to how many."""

    async def stop_recordings(self, room: str, keys: Collection[str]) -> None:
        """Ends what is being recorded of the room into these files. Once it has returned nothing is recorded into
        them."""

    async def rooms(self, names: Sequence[str] = ()) -> Mapping[str, int]:
        """Every open room with the moment (ms) it was made, or those of the named ones that are open."""


class Place(Record):
    """A free place of a runner that is there."""

    runner_id: str


class NoPlace(Record):
    """No runner of the agent has a place. `last_seen_at` is when one of them was there last, which is now where all are
    merely busy; None where none ever was."""

    last_seen_at: int | None


class SpeechPlace(Record):
    """A free place of a speech worker that is there. `row` is the sort key under which the worker is kept."""

    row: str


NO_OTHERS: Counter[str] = Counter()
"""No places besides those that are known to be taken."""


class Places(Protocol):
    def least_loaded(self, account_id: str, agent_id: str, besides: Counter[str] = NO_OTHERS) -> Place | NoPlace:
        """The free place to take next, where so many places of runners were taken `besides`, by their ids. It may be
        gone when it is taken: the transaction that takes it finds out."""

    def speech_is_full(self) -> bool:
        """Whether no speech worker that is there has a free place. False where none has registered within a day: then
        nobody knows, and LiveKit decides."""

    def speech_place(self, besides: Counter[str] = NO_OTHERS) -> SpeechPlace | NoPlace | None:
        """A free place to take next, where so many were taken `besides`, by their rows; it may be gone when it is
        taken. None where nobody knows of any worker. LiveKit
        chooses the worker by itself: what is taken is one of all places, whoever is given the call."""


class Doorbell(Protocol):
    def ring(self, account_id: str, after_s: int = 0) -> None:
        """Tells the dialer that the account may have a call to dial and a line for it. A hint; losing or doubling it
        is harmless."""


class Share(Record):
    """A part of a list that the sweep goes through, which somebody else works on: of calls that are due the moments of
    the first and the last of them, of waiting marks the accounts."""

    list_key: str
    first: int | str
    last: int | str
    found_at: int | None = None
    """The moment of the run that found it."""


class LookQueue(Protocol):
    def look_again(self, account_id: str, call_id: str, after_s: int) -> None:
        """Has somebody look at the call in a while. A hint: the sweep looks anyhow."""


class ShareQueue(LookQueue, Protocol):
    def hand_out(self, share: Share) -> None:
        """Has somebody else work on a share of what the sweep found. A hint, too: the next run finds it again."""


class CarrierLinks(Protocol):
    def link(self, provider: str, carrier_call_id: str, room: str) -> None:
        """Notes whose call the carrier's id is, for events of the carrier that name nothing else."""
