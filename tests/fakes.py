"""Stand-ins for what calls need from outside: a clock that is set by hand, a bell that counts, a LiveKit that says
what it is told to."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from copy import replace
from dataclasses import dataclass, field

from ringline.calls.model.call import Call
from ringline.calls.model.events import AgentSeen
from ringline.calls.model.outcomes import CarrierFull, Connected, DialOutcome, LivekitAway, NotSent
from ringline.calls.model.ports import Share
from ringline.calls.model.room_view import LegView, RoomView, TelephonyDown
from ringline.calls.model.transfers.transfer import Referred, Transfer, leg_identity
from ringline.webhooks.model.event import EventDraft
from ringline.webhooks.model.event_type import EventType
from tests.builders import NOW


@dataclass
class HandClock:
    """Stands still until moved, or moves by itself with each look when `step_ms` is given."""

    now: int = NOW
    step_ms: int = 0

    def __call__(self) -> int:
        self.now += self.step_ms
        return self.now

    def move(self, seconds: float) -> None:
        self.now += round(seconds * 1000)


@dataclass
class CountingDoorbell:
    rings: list[tuple[str, int]] = field(default_factory=list)

    def ring(self, account_id: str, after_s: int = 0) -> None:
        self.rings.append((account_id, after_s))

    @property
    def accounts(self) -> list[str]:
        return [account for account, _ in self.rings]


@dataclass
class CountingAnnouncer:
    """What was announced to customers' endpoints: call, type and occurrence."""

    told: list[tuple[str, str, int]] = field(default_factory=list)

    def may_write(self, account_id: str, event_type: EventType) -> bool:
        """Somebody has subscribed to those that the SDK's users know."""
        return event_type in {EventType.CALL_RINGING, EventType.CALL_ACTIVE, EventType.CALL_ENDED}

    def write_ahead(self, drafts: Iterable[EventDraft]) -> None:
        """Each is written when it is announced."""

    def announce(self, draft: EventDraft) -> int:
        self.told.append((draft.call_id or "", draft.event_type, int(draft.occurrence)))
        return 1


@dataclass
class CountingLooks:
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)
    is_down: bool = False

    def look_again(self, account_id: str, call_id: str, after_s: int) -> None:
        self.asked.append((account_id, call_id, after_s))

    def hand_out(self, share: Share) -> None:
        if self.is_down:
            raise ConnectionError("scripted")
        self.shares.append(share)


@dataclass
class CountingTransfers:
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    is_down: bool = False

    def carry_out(self, account_id: str, call_id: str, transfer_id: str) -> None:
        if self.is_down:
            raise ConnectionError("scripted")
        self.sent.append((account_id, call_id, transfer_id))


EMPTY_ROOM = RoomView((), ())
AGENT_THERE = RoomView((), (AgentSeen("PA_agent", NOW),))


@dataclass
class ScriptedTelephony:
    """Answers each dial with the next scripted outcome; rooms look as scripted; `down` makes every question fail. Until
    it is dialled, a room that was opened looks as the next of `awaited` says, the last one for all looks that
    follow."""

    outcomes: list[DialOutcome] = field(default_factory=list)
    room_refusals: list[NotSent | LivekitAway | CarrierFull] = field(default_factory=list)
    views: list[RoomView] = field(default_factory=list)
    awaited: list[RoomView] = field(default_factory=lambda: [AGENT_THERE])
    looks: int = 0
    opened: set[str] = field(default_factory=set)
    open_rooms: dict[str, int] = field(default_factory=dict)
    open_rooms_later: dict[str, int] = field(default_factory=dict)
    down: bool = False
    before_dial: Callable[[Call], Awaitable[None]] | None = None
    while_ringing: Callable[[Call], Awaitable[None]] | None = None
    dialed: list[Call] = field(default_factory=list)
    ended_rooms: list[str] = field(default_factory=list)
    sent_agents: list[int] = field(default_factory=list)
    """The dispatch numbers of agents that were sent again."""
    refers: list[Referred | DialOutcome] = field(default_factory=list)
    referred: list[str] = field(default_factory=list)
    called_in: list[Transfer] = field(default_factory=list)
    shows_targets: bool = True
    """Whether who is called into a room is seen there."""
    sent_targets: list[Call] = field(default_factory=list)
    while_coming: Callable[[Call], Awaitable[None]] | None = None
    removed: list[str] = field(default_factory=list)
    told_agents: list[tuple[str, str]] = field(default_factory=list)
    stopped_recordings: set[str] = field(default_factory=set)
    removals_fail: bool = False
    dispatches_fail: bool = False

    async def open_room(self, call: Call) -> NotSent | LivekitAway | CarrierFull | None:
        if self.room_refusals:
            return self.room_refusals.pop(0)
        self.open_rooms[call.room_name or ""] = call.dialed_at or 0
        self.opened.add(call.room_name or "")
        if self.before_dial is not None:
            await self.before_dial(call)
        return None

    async def place_call(self, call: Call) -> DialOutcome:
        self.dialed.append(call)
        self.opened.discard(call.room_name or "")
        if self.while_ringing is not None:
            await self.while_ringing(call)
        return self.outcomes.pop(0) if self.outcomes else Connected("PA_leg", "SCL_1")

    async def send_agent(self, call: Call) -> None:
        self._ask()
        if self.dispatches_fail:
            raise TelephonyDown("scripted")
        self.sent_agents.append(call.dispatches)

    async def send_target(self, call: Call) -> None:
        self._ask()
        self.sent_targets.append(call)
        if self.while_coming is not None:
            await self.while_coming(call)

    async def refer(self, call: Call, number: str) -> Referred | DialOutcome:
        self.referred.append(number)
        return self.refers.pop(0) if self.refers else Referred()

    async def call_in(self, call: Call, transfer: Transfer) -> DialOutcome:
        self.called_in.append(transfer)
        if self.while_ringing is not None:
            await self.while_ringing(call)
        outcome = self.outcomes.pop(0) if self.outcomes else Connected("PA_target", "SCL_2")
        if isinstance(outcome, Connected) and self.shows_targets:
            identity = leg_identity(call.call_id, transfer.dial, transfer.transfer_id)
            target = LegView(identity, outcome.leg_sid, outcome.sip_call_id, "active")
            self.views = [replace(view, legs=(*view.legs, target)) for view in self.views]
        return outcome

    async def remove(self, room: str, identity: str) -> None:
        self._ask()
        if self.removals_fail:
            raise TelephonyDown("scripted")
        self.removed.append(identity)

    async def look(self, room: str) -> RoomView:
        self.looks += 1
        self._ask()
        views = self.awaited if room in self.opened else self.views
        return views.pop(0) if len(views) > 1 else views[0] if views else EMPTY_ROOM

    async def end_room(self, room: str) -> None:
        self._ask()
        self.open_rooms.pop(room, None)
        self.ended_rooms.append(room)

    async def tell_agents(self, room: str, topic: str, text: str) -> int:
        self._ask()
        self.told_agents.append((topic, text))
        return 1

    async def stop_recordings(self, room: str, keys: Collection[str]) -> None:
        self._ask()
        self.stopped_recordings |= set(keys)

    async def rooms(self, names: Sequence[str] = ()) -> Mapping[str, int]:
        self._ask()
        return {name: made_at for name, made_at in self.open_rooms.items() if not names or name in names}

    def _ask(self) -> None:
        if self.down:
            raise TelephonyDown("scripted")


@dataclass(frozen=True)
class LambdaContext:
    """What Powertools reads of Lambda's context."""

    function_name: str = "test"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:test"
    aws_request_id: str = "52fdfc07-2182-154f-163f-5f0f9a621d72"


CONTEXT = LambdaContext()
