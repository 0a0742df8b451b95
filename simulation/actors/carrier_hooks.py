"""What carriers tell of phone calls in events of their own: each in its own time, in order only where they alone tell
of an answer; lost, late and doubled by chance; repeated a few times where it was not taken."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from local.phones.model.sip_status import TERMINATED
from ringline.calls.model.call import Refusal
from ringline.calls.model.carrier_event import CarrierEvent, Kind
from simulation.actors.scene import Leg
from simulation.kernel.chance import Odds
from simulation.kernel.processes import Process
from simulation.kernel.world import World

_TRIES = 4
_FIRST_WAIT_MS = 1000
_ODDS: Odds = (("carrier_silent", 0.04), ("carrier_twice", 0.04), ("carrier_late", 0.04))
_FORKED = 0.03

type Hear = Callable[[CarrierEvent], Coroutine[Any, Any, bool]]


class CarrierHooks:
    """`overtake` says whether events of a call may pass each other also where nothing goes wrong."""

    def __init__(self, world: World, hear: Hear, *, speaks: bool, overtake: bool) -> None:
        self._world = world
        self._hear = hear
        self._speaks = speaks
        self._overtake = overtake
        self._latest: dict[str, int] = {}

    def rings(self, leg: Leg) -> None:
        self._tells(leg, Kind.RINGING)

    def answers(self, leg: Leg) -> None:
        self._tells(leg, Kind.ANSWERED, sip_code=200)
        if self._speaks and self._world.faults.strikes("carrier_forks", leg.room_name, _FORKED):
            after_ms = self._world.chance.between(f"fork/{leg.room_name}", 50, 5_000)
            self._world.after(after_ms, self._tells_of_the_other_place, leg)

    def _tells_of_the_other_place(self, leg: Leg) -> None:
        """The carrier called two places at once, and has given up the one that did not answer."""
        self.fails(leg, *TERMINATED)

    def forwards(self, leg: Leg) -> None:
        self._tells(leg, Kind.FORWARDED, forwarded_to="voicemail", to_voicemail=True)

    def fails(self, leg: Leg, sip_code: int, sip_status: str, refusal: Refusal | None = None) -> None:
        self._tells(leg, Kind.FAILED, sip_code=sip_code, sip_status=sip_status, refusal=refusal)

    def ends(self, leg: Leg) -> None:
        self._tells(leg, Kind.ENDED, cause="normal clearing")

    def _tells(self, leg: Leg, kind: Kind, **said: Any) -> None:
        if not self._speaks:
            return
        world, room = self._world, leg.room_name
        fault = world.faults.one_of(f"sip/{room}", _ODDS)
        if fault == "carrier_silent":
            world.trace(f"the carrier loses {kind} of {room}")
            return
        moment = world.now + world.chance.between(f"sip/{room}", 20, 2_000 if self._overtake else 60)
        if not self._overtake:
            moment = max(moment, self._latest.get(room, 0) + 20)
            self._latest[room] = moment
        if fault == "carrier_late":
            moment += world.chance.between(f"sip late/{room}", 500, 40_000)
        world.counts["carrier_events"] += 1
        event = CarrierEvent(kind, "simulated", room, at=world.now, **said)
        for _ in range(2 if fault == "carrier_twice" else 1):
            world.at(moment, self._posts, event, 0)

    def _posts(self, event: CarrierEvent, tries: int) -> None:
        def ended(_process: Process, well: bool) -> None:
            if not well and tries + 1 < _TRIES:
                self._world.after(_FIRST_WAIT_MS * 2**tries, self._posts, event, tries + 1)

        room = event.room or ""
        work = partial(self._hear, event)
        self._world.spawn("sip", room, work, ended, account_id=room.partition(".")[0])
