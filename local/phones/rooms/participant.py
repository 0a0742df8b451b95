"""Who is in a room: a leg, an agent or a recorder, as LiveKit shows them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from livekit.protocol.models import ClientInfo, DisconnectReason, ParticipantInfo, ParticipantPermission, TrackInfo

from local.phones.kernel.ids import new_id
from local.phones.kernel.ledger import PhoneCall
from local.phones.model import legs
from local.phones.model.legs import LegStatus
from local.phones.numbers.person_script import PersonScript

CALL_STATUS = "sip.callStatus"
"""The attribute of a leg that says how far its call has come."""

_AGENT_CAPABILITIES = (ClientInfo.CAP_PACKET_TRAILER, ClientInfo.CAP_COMPRESSION_DEFLATE_RAW)


def reason_named(word: str) -> DisconnectReason:
    """LiveKit's reason of that name."""
    return cast(DisconnectReason, DisconnectReason.Value(word))


@dataclass(frozen=True, slots=True)
class Phone:
    """The telephone behind a leg: what its owner says, what is written down of its call, and how its owner hangs up."""

    person: PersonScript
    call: PhoneCall
    hang_up: Callable[[], None]


@dataclass(slots=True, eq=False)
class Participant:
    """A leg or an agent in a room. `evicted` is called when the server, not they, ended it. A leg has its `phone`."""

    identity: str
    kind: ParticipantInfo.Kind
    name: str = ""
    metadata: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    evicted: Callable[[DisconnectReason], None] | None = None
    phone: Phone | None = None
    may_speak: bool = True
    hears: Callable[[str, bytes], None] | None = None  # data messages of the server: topic and payload
    is_hidden: bool = False
    sid: str = field(default_factory=lambda: new_id("PA_"))
    joined_at_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    version: int = 2
    is_publisher: bool = False
    attached: bool = False  # the server reaches them
    left_for: DisconnectReason | None = None
    is_followed: bool = False  # they have left, and workers' agents leave behind them
    tracks: list[TrackInfo] = field(default_factory=list)

    @property
    def is_agent(self) -> bool:
        return self.kind == ParticipantInfo.AGENT

    @property
    def is_dependent(self) -> bool:
        """An agent or a recorder, for whom alone no room stays open."""
        return self.is_agent or self.is_recorder

    @property
    def is_recorder(self) -> bool:
        return self.kind == ParticipantInfo.EGRESS

    @property
    def is_leg(self) -> bool:
        return self.kind == ParticipantInfo.SIP

    @property
    def is_other_side(self) -> bool:
        """Whether an agent talks with them: a leg, or somebody in a browser who may speak."""
        return self.is_leg or (self.kind == ParticipantInfo.STANDARD and self.phone is not None)

    @property
    def can_hear(self) -> bool:
        """Whether the other side hears what is said: a leg once it is answered, a browser from the beginning."""
        return self.is_answered_leg or (self.is_other_side and not self.is_leg)

    @property
    def is_answered_leg(self) -> bool:
        return self.is_leg and self.attributes.get(CALL_STATUS) == LegStatus.ACTIVE

    def begin_again(self) -> None:
        """They are about to come back after a restart, which shows them as it shows who has just come."""
        self.version, self.is_publisher = 2, False
        self.joined_at_ms = time.time_ns() // 1_000_000
        if self.is_leg:
            self.attributes[CALL_STATUS] = legs.BACK_AS

    def message(self) -> ParticipantInfo:
        """The participant as LiveKit shows it."""
        return ParticipantInfo(
            sid=self.sid,
            identity=self.identity,
            state=ParticipantInfo.ACTIVE if self.left_for is None else ParticipantInfo.DISCONNECTED,
            tracks=self.tracks,
            metadata=self.metadata,
            joined_at=self.joined_at_ms // 1000,
            joined_at_ms=self.joined_at_ms,
            name=self.name,
            version=self.version,
            permission=ParticipantPermission(
                can_subscribe=True,
                can_publish=self.may_speak and not self.is_recorder,
                can_publish_data=self.may_speak and not self.is_recorder,
                agent=self.is_agent,
                hidden=self.is_hidden or self.is_recorder,
                recorder=self.is_recorder,
            ),
            is_publisher=self.is_publisher,
            kind=self.kind,
            attributes=self.attributes,
            disconnect_reason=self.left_for or DisconnectReason.UNKNOWN_REASON,
            client_protocol=2 if self.is_agent else 0,
            capabilities=_AGENT_CAPABILITIES if self.is_agent else [],
        )

    def closing_versions(self, reason: DisconnectReason) -> int:
        """How many changes LiveKit counts while the participant leaves, as recorded."""
        if self.is_dependent:
            return 0 if reason == DisconnectReason.CLIENT_INITIATED else 1
        if reason == DisconnectReason.DUPLICATE_IDENTITY:
            return 1
        outbound = "sip.ruleID" not in self.attributes
        return 3 if reason == DisconnectReason.ROOM_DELETED and outbound else 2
