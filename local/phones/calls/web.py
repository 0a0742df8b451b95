"""Somebody in a browser, who joins a room with a token and talks there until they leave."""

import asyncio
from dataclasses import dataclass
from typing import Any, Self

import jwt
from livekit.protocol.models import DisconnectReason, ParticipantInfo

from local.phones.calls.exchange import Exchange
from local.phones.kernel.ledger import PhoneCall
from local.phones.model import timings
from local.phones.numbers.person_script import A_TALKER, PersonScript
from local.phones.rooms.participant import Participant, Phone
from local.phones.rooms.room import Room, RoomEvent, RoomTerms
from local.phones.rooms.tracks import leg_track


class TokenRefused(Exception):
    """LiveKit lets nobody in with this token."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What a token says: who joins which room, what they may do there, and how a room is made for them."""

    room: str
    identity: str
    may_speak: bool
    may_tell: bool
    is_hidden: bool
    attributes: dict[str, str]
    terms: RoomTerms

    @classmethod
    def read(cls, token: str, key: tuple[str, str]) -> Self:
        """Raises TokenRefused. LiveKit takes a token for a minute longer than it is good for."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key[1],
                algorithms=["HS256"],
                issuer=key[0],
                leeway=60,
                options={"require": ["exp", "iss", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise TokenRefused(f"invalid token: {error}") from None
        grants, config = claims.get("video") or {}, claims.get("roomConfig") or {}
        if not grants.get("roomJoin") or not grants.get("room"):
            raise TokenRefused("permissions denied")
        return cls(
            room=grants["room"],
            identity=claims["sub"],
            may_speak=grants.get("canPublish", True),
            may_tell=grants.get("canPublishData", True),
            is_hidden=grants.get("hidden", False),
            attributes=dict(claims.get("attributes") or {}),
            terms=RoomTerms(
                config.get("metadata", ""),
                config.get("emptyTimeout") or timings.EMPTY_TIMEOUT_S,
                config.get("departureTimeout") or timings.DEPARTURE_TIMEOUT_S,
            ),
        )


@dataclass(frozen=True, slots=True)
class Visitor:
    """What they do: leave after `leave_after_s`, if at all before they are put out, and say what the `person` says."""

    leave_after_s: float | None = None
    person: PersonScript = A_TALKER

    @classmethod
    def from_json(cls, asked: dict[str, Any]) -> Self:
        return cls(asked.get("leave_after_s"), PersonScript.from_json(asked.get("person", {})))


class WebCaller:
    """One visit, from the joining to the leaving. In the ledger it is a call of direction `web`, answered as soon as an
    agent's audio is there."""

    def __init__(self, exchange: Exchange, admission: Admission, visitor: Visitor) -> None:
        self._exchange = exchange
        self._admission = admission
        self._visitor = visitor
        self._over = asyncio.Event()
        self._ended_by = "livekit"
        self.call: PhoneCall = exchange.ledger.open("web", admission.identity, admission.room)
        self.call.room, self.call.identity = admission.room, admission.identity
        self._room: Room = exchange.roster.ensure(admission.room, admission.terms)
        self._room.watch(self._see)
        self._participant = self._somebody()

    def _somebody(self) -> Participant:
        admission = self._admission
        return Participant(
            admission.identity,
            ParticipantInfo.STANDARD,
            attributes=dict(admission.attributes),
            evicted=lambda _reason: self._over.set(),
            phone=Phone(self._visitor.person, self.call, self.leave) if admission.may_speak else None,
            may_speak=admission.may_speak,
            is_hidden=admission.is_hidden,
        )

    async def run(self) -> None:
        self._room.join(self._participant)
        speaks = self._exchange.tasks.start(self._speak())
        try:
            await self._stay()
        finally:
            speaks.cancel()
        self.call.end(self._ended_by)
        self._room.leave(self._participant, DisconnectReason.CLIENT_INITIATED)

    def leave(self) -> None:
        """They close the page."""
        self._ended_by = "caller"
        self._over.set()

    async def come_back(self) -> None:
        """Their client lost the connection and joins again, with the token that LiveKit gave it last."""
        before = self._participant
        before.evicted = None
        self._participant = self._somebody()
        self._participant.attributes = dict(before.attributes)
        self._room.leave(before, DisconnectReason.SIGNAL_CLOSE)
        self._room.join(self._participant)
        await self._speak()

    async def _stay(self) -> None:
        try:
            async with self._exchange.pace.timeout(self._visitor.leave_after_s or timings.MAX_CALL_S):
                await self._over.wait()
        except TimeoutError:
            self.leave()

    async def _speak(self) -> None:
        await self._exchange.pace.sleep(timings.TRACK_S)
        if self._admission.may_speak:
            self._room.publish(self._participant, leg_track(self._participant.identity))

    def _see(self, event: RoomEvent, participant: Participant | None) -> None:
        if event is RoomEvent.PUBLISHED and participant is not None and participant.is_agent:
            self.call.answered_at = self.call.answered_at or participant.joined_at_ms / 1000
