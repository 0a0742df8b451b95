"""Rooms, and who is in them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from livekit.protocol.agent_dispatch import AgentDispatch
from livekit.protocol.models import (
    Codec,
    DisconnectReason,
    ParticipantInfo,
    TrackInfo,
)
from livekit.protocol.models import (
    Room as RoomMessage,
)
from livekit.protocol.webhook import WebhookEvent

from local.phones.kernel.ids import new_id
from local.phones.kernel.pace import Pace
from local.phones.model import room as model
from local.phones.model import timings
from local.phones.numbers.callees import Callee, HookTrouble
from local.phones.post.hooks import Hooks
from local.phones.rooms.counts import HeadCount, LateCount
from local.phones.rooms.participant import Participant, reason_named

_CODECS = ("audio/opus", "audio/red", "video/VP8", "video/H264")


class RoomEvent(StrEnum):
    """What those who watch a room are told."""

    JOINED = "joined"
    PUBLISHED = "published"
    CHANGED = "changed"
    LEFT = "left"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class RoomTerms:
    """What a room was asked to be. Time-outs in whole seconds."""

    metadata: str = ""
    empty_timeout_s: int = timings.EMPTY_TIMEOUT_S
    departure_timeout_s: int = timings.DEPARTURE_TIMEOUT_S
    max_participants: int = 0


class Room:
    """One room, from room_started to room_finished: what LiveKit tells of it, and shows."""

    def __init__(self, name: str, terms: RoomTerms, hooks: Hooks, pace: Pace) -> None:
        self.name = name
        self.terms = terms
        self.metadata = terms.metadata
        self.dispatches: dict[str, AgentDispatch] = {}
        self.callee: Callee | None = None  # whose manners shape this room's webhooks and agent
        self.closed = False
        self.sid = new_id("RM_")
        self.created_at_ms = time.time_ns() // 1_000_000
        self._hooks = hooks
        self._pace = pace
        self._watchers: list[Callable[[RoomEvent, Participant | None], None]] = []
        self._state: model.Room[Participant] = model.Room(
            empty_timeout=terms.empty_timeout_s, departure_timeout=terms.departure_timeout_s, since=pace.now_s()
        )
        self._counts = LateCount(pace.now_s())
        self._is_announced = False
        self._restarts = 0

    @property
    def participants(self) -> dict[str, Participant]:
        """By their identity."""
        return self._state.people

    def announce(self) -> None:
        self._is_announced = True
        self._tell("room_started")

    def message(self) -> RoomMessage:
        """The room as LiveKit shows it, its head count late."""
        counts = self._counts.reported(self._pace.now_s())
        return RoomMessage(
            sid=self.sid,
            name=self.name,
            empty_timeout=self.terms.empty_timeout_s,
            departure_timeout=self.terms.departure_timeout_s,
            max_participants=self.terms.max_participants,
            creation_time=self.created_at_ms // 1000,
            creation_time_ms=self.created_at_ms,
            turn_password=f"turn-{self.sid}",
            enabled_codecs=[Codec(mime=mime) for mime in _CODECS],
            metadata=self.metadata,
            num_participants=counts.participants,
            num_publishers=counts.publishers,
            active_recording=any(participant.is_recorder for participant in self.participants.values()),
        )

    def watch(self, watcher: Callable[[RoomEvent, Participant | None], None]) -> None:
        """Calls `watcher` at every change, until the room is closed."""
        self._watchers.append(watcher)

    def legs(self) -> list[Participant]:
        return [participant for participant in self.participants.values() if participant.is_other_side]

    def agents(self) -> list[Participant]:
        return [participant for participant in self.participants.values() if participant.is_agent]

    def has_agent_audio(self) -> bool:
        return any(p.is_agent and p.tracks for p in self.participants.values())

    def add_default_dispatch(self) -> None:
        """What LiveKit gives a room for which no agents were named: one to workers without a name, of which this
        network has none. It is listed like any other."""
        dispatch = AgentDispatch(id=new_id("AD_"), room=self.name)
        dispatch.state.created_at = time.time_ns()
        self.dispatches[dispatch.id] = dispatch

    def join(self, participant: Participant) -> None:
        if (older := self._state.in_the_way_of(participant.identity)) is not None:
            self.remove(older.who, reason_named(older.reason))
        self._state.join(participant)
        self._tell_of_joining(participant)
        self._notify(RoomEvent.JOINED, participant)

    def _tell_of_joining(self, participant: Participant) -> None:
        if not self._is_announced:
            self.announce()
        self._count()
        self._tell("participant_joined", participant)

    def publish(self, participant: Participant, track: TrackInfo) -> None:
        """Publishes, unless the participant has left meanwhile."""
        if not self._state.has(participant):
            return
        participant.tracks.append(track)
        participant.is_publisher = True
        participant.version += 2
        self._count()
        self._tell_track("track_published", participant, track)
        self._notify(RoomEvent.PUBLISHED, participant)

    def change(self, participant: Participant, attributes: dict[str, str]) -> None:
        """Changes attributes, one version each time. No webhook tells of it, and the server hears of none while the
        participant is away after a restart."""
        if not self._state.has(participant) or not participant.attached:
            return
        participant.attributes.update(attributes)
        participant.version += 1
        self._notify(RoomEvent.CHANGED, participant)

    def leave(self, participant: Participant, reason: DisconnectReason) -> None:
        """The participant goes; nothing happens when it is gone already."""
        left = self._state.leave(participant, DisconnectReason.Name(reason), self._pace.now_s())
        if left is None:
            return
        participant.left_for, participant.is_followed = reason, left.is_followed
        tracks, participant.tracks = participant.tracks, []
        participant.version += participant.closing_versions(reason)
        for track in tracks:
            self._tell_track("track_unpublished", participant, track)
        self._count()
        self._tell("participant_left", participant)
        self._notify(RoomEvent.LEFT, participant)

    def remove(self, participant: Participant, reason: DisconnectReason) -> None:
        """The server puts the participant out."""
        if not self._state.has(participant):
            return
        self.leave(participant, reason)
        if participant.evicted is not None:
            participant.evicted(reason)

    def close(self, reason: DisconnectReason) -> None:
        """Everyone leaves for `reason`, and the room is finished."""
        for leaving in self._state.closing(DisconnectReason.Name(reason)):
            self.remove(leaving.who, reason_named(leaving.reason))
        self.closed = True
        self._tell("room_finished")
        self._notify(RoomEvent.CLOSED, None)

    def is_idle(self) -> bool:
        """Nobody but agents and recorders for longer than the room allows."""
        return self._state.is_idle(self._pace.now_s())

    def lose_everybody(self) -> None:
        """The server is killed. The first to come to the room after that makes it known again."""
        self._restarts += 1
        self._is_announced = False
        for participant in self.participants.values():
            self._state.lose(participant)

    async def begin_again(self) -> bool:
        """The server is back, and so are those who are still in the room, agents and recorders first. Whether the room
        goes on: one to which nobody came does not."""
        restarts = self._restarts
        self._state.begin_again(self._pace.now_s())
        self._counts = LateCount(self._pace.now_s())
        await self._pace.sleep(timings.AGENT_BACK_S)
        if self._restarts == restarts:
            self._come_back([each for each in self.participants.values() if each.is_dependent])
        await self._pace.sleep(timings.LEG_BACK_S - timings.AGENT_BACK_S)
        if self._restarts == restarts:
            self._come_back(list(self.participants.values()))
        return self._is_announced or self._restarts != restarts

    def _come_back(self, people: list[Participant]) -> None:
        for participant in people:
            if participant.attached:
                continue
            participant.begin_again()
            self._state.come_back(participant, new_id("PA_"))
            tracks, participant.tracks = participant.tracks, []
            self._tell_of_joining(participant)
            for track in tracks:
                self.publish(participant, track)

    def _count(self) -> None:
        people = [each for each in self.participants.values() if each.attached]
        count = HeadCount(sum(not p.is_dependent for p in people), sum(bool(p.tracks) for p in people))
        self._counts.change(count, self._pace.now_s())

    def _notify(self, event: RoomEvent, participant: Participant | None) -> None:
        for watcher in list(self._watchers):
            watcher(event, participant)

    def _tell(self, event: str, participant: Participant | None = None) -> None:
        """Of whom the server does not reach it tells nothing."""
        message = WebhookEvent(event=event, room=self.message())
        if participant is not None:
            if not participant.attached:
                return
            message.participant.CopyFrom(participant.message())
        self._hooks.send(message, self.name, self._trouble())

    def _tell_track(self, event: str, participant: Participant, track: TrackInfo) -> None:
        if not participant.attached:
            return
        message = WebhookEvent(
            event=event,
            room=RoomMessage(sid=self.sid, name=self.name),
            participant=ParticipantInfo(sid=participant.sid, identity=participant.identity),
            track=track,
        )
        self._hooks.send(message, self.name, self._trouble())

    def _trouble(self) -> HookTrouble:
        return self.callee.hooks if self.callee is not None else HookTrouble.NONE
