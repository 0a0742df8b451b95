"""livekit.SIP: dialing out, and handing a call over."""

import asyncio
from collections import Counter

from livekit.protocol import sip

from local.phones.api.trunks import TrunkApi
from local.phones.calls.exchange import Exchange
from local.phones.calls.outbound import DialTerms, OutboundLeg
from local.phones.calls.transfers import refer
from local.phones.kernel.faults import FaultKind
from local.phones.kernel.ids import new_id
from local.phones.kernel.twirp import BadGatewayError, ConnectionDroppedError, TwirpError, as_error
from local.phones.model import legs, timings
from local.phones.numbers.callees import Callee, DialTrouble

_FAILS_AT_FIRST = 2


class SipApi:
    """CreateSIPParticipant and TransferSIPParticipant. Every dial rings: nothing is deduplicated."""

    def __init__(self, exchange: Exchange, trunks: TrunkApi) -> None:
        self._exchange = exchange
        self._trunks = trunks
        self._dials: Counter[str] = Counter()
        self.legs: dict[str, OutboundLeg] = {}

    async def create_participant(self, request: sip.CreateSIPParticipantRequest) -> sip.SIPParticipantInfo:
        """Dials. With `wait_until_answered` it answers once the callee did, or with the callee's refusal."""
        terms = self._checked(request)
        self._dials[terms.to_number] += 1
        turn = self._dials[terms.to_number]
        callee = self._exchange.callee(terms.to_number).at_dial(turn)
        await self._find_bridge(terms, callee, turn)
        leg = OutboundLeg(self._exchange, terms, callee)
        self.legs[leg.sip_call_id] = leg
        self._exchange.tasks.start(self._run(leg))
        participant = await asyncio.shield(leg.joined)
        await self._lose_answer(leg, callee)
        if terms.waits:
            await self._wait_for_answer(leg)
        else:
            await self._exchange.pace.sleep(timings.DIAL_ANSWER_S)
        return sip.SIPParticipantInfo(
            participant_id=participant.sid,
            participant_identity=terms.identity,
            room_name=terms.room,
            sip_call_id=leg.sip_call_id,
        )

    async def transfer_participant(
        self, request: sip.TransferSIPParticipantRequest
    ) -> sip.TransferSIPParticipantResponse:
        """Hands an answered call over: the leg leaves as if its phone had hung up, once the target has picked up."""
        number = request.transfer_to.removeprefix("tel:")
        await refer(
            self._exchange.roster.get(request.room_name),
            request.participant_identity,
            self._exchange.callee(number),
            self._exchange.pace,
            _seconds(request, "ringing_timeout", timings.REFER_WAITS_S),
        )
        return sip.TransferSIPParticipantResponse(
            transfer_id=new_id("STR_"), status=sip.SIPTransferStatus.STS_TRANSFER_SUCCESSFUL
        )

    async def _run(self, leg: OutboundLeg) -> None:
        try:
            await leg.run()
        finally:
            self.legs.pop(leg.sip_call_id, None)

    async def _wait_for_answer(self, leg: OutboundLeg) -> None:
        try:
            async with self._exchange.pace.timeout(timings.RPC_BUDGET_S):
                failure = await asyncio.shield(leg.outcome)
        except TimeoutError:
            raise TwirpError("deadline_exceeded", "request timed out") from None
        if failure is not None:
            raise failure

    async def _find_bridge(self, terms: DialTerms, callee: Callee, turn: int) -> None:
        """Fails before anything rings when no SIP bridge takes the dial."""
        missing_at_first = callee.dial is DialTrouble.NO_BRIDGE_AT_FIRST and turn % (_FAILS_AT_FIRST + 1) != 0
        missing = callee.dial is DialTrouble.NO_BRIDGE or missing_at_first
        if missing or self._exchange.faults.take(FaultKind.NO_BRIDGE, "CreateSIPParticipant", terms.room):
            await self._exchange.pace.sleep(timings.NO_BRIDGE_S)
            raise as_error(legs.NO_BRIDGE)

    async def _lose_answer(self, leg: OutboundLeg, callee: Callee) -> None:
        """Breaks the HTTP call after the INVITE, for numbers that do that. The phone goes on."""
        if callee.dial not in (DialTrouble.CONNECTION_DROPPED, DialTrouble.BAD_GATEWAY, DialTrouble.HANGS):
            return
        await leg.invited.wait()
        if callee.dial is DialTrouble.HANGS:
            await self._exchange.pace.sleep(timings.RPC_BUDGET_S)
        raise BadGatewayError if callee.dial is DialTrouble.BAD_GATEWAY else ConnectionDroppedError

    def _checked(self, request: sip.CreateSIPParticipantRequest) -> DialTerms:
        """The request's terms. Raises TwirpError before anything rings, without SIP metadata."""
        if not request.sip_call_to:
            raise TwirpError("invalid_argument", "missing sip callee number")
        if "@" in request.sip_call_to:
            raise TwirpError("invalid_argument", "SipCallTo should be a phone number or SIP user, not a full SIP URI")
        if not request.room_name:
            raise TwirpError("invalid_argument", "missing room name")
        hostname, from_number, has_credentials = self._line(request)
        return DialTerms(
            room=request.room_name,
            identity=request.participant_identity or f"sip_{request.sip_call_to}",
            to_number=request.sip_call_to,
            from_number=from_number,
            trunk_id=request.sip_trunk_id,
            hostname=hostname,
            name=request.participant_name,
            metadata=request.participant_metadata,
            attributes=dict(request.participant_attributes),
            headers=dict(request.headers),
            hide_phone_number=request.hide_phone_number,
            has_credentials=has_credentials,
            ringing_timeout_s=_seconds(request, "ringing_timeout", timings.RINGING_TIMEOUT_S),
            max_call_s=_seconds(request, "max_call_duration", timings.MAX_CALL_S),
            waits=request.wait_until_answered,
        )

    def _line(self, request: sip.CreateSIPParticipantRequest) -> tuple[str, str, bool]:
        """The host, our number, and whether there are credentials: from the trunk, or else from the request itself."""
        if request.HasField("trunk"):
            if not request.sip_number:
                raise TwirpError("invalid_argument", "sip_number must be set with an inline trunk")
            return request.trunk.hostname, request.sip_number, bool(request.trunk.auth_username)
        if not request.sip_trunk_id:
            raise TwirpError("invalid_argument", "missing sip trunk id")
        trunk = self._trunks.outbound_trunk(request.sip_trunk_id)
        from_number = request.sip_number or next(iter(trunk.numbers), "")
        if not from_number:
            raise TwirpError("failed_precondition", "no numbers on outbound trunk")
        return trunk.address, from_number, bool(trunk.auth_username)


def _seconds(
    request: sip.CreateSIPParticipantRequest | sip.TransferSIPParticipantRequest, field: str, default_s: float
) -> float:
    """A duration of the request, or the bridge's default where that is absent or zero; at most the bridge's cap."""
    given = getattr(request, field)
    return min(given.seconds + given.nanos / 1e9 or default_s, timings.MAX_CALL_S)
