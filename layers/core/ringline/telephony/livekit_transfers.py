"""What transfers ask of LiveKit beside what calls do: send a phone away, call a second one into a room, have another
agent come."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from google.protobuf.duration_pb2 import Duration
from livekit import api
from livekit.protocol.sip import SIPTransferStatus

from ringline.calls.model.call import Call, Direction
from ringline.calls.model.outcomes import Connected, DialOutcome, LivekitAway, Refused, Unclear
from ringline.calls.model.timing import ANSWER_MARGIN_S, LIVEKIT_REQUEST_S, REFER_TAKES_S
from ringline.calls.model.transfers.transfer import Referred, Transfer, leg_identity
from ringline.telephony.dial_errors import from_twirp
from ringline.telephony.livekit import LivekitTelephony, livekit_client
from ringline.telephony.livekit_settings import LivekitSettings


class LivekitTransfers(LivekitTelephony):
    """Implements `calls.transfers.ports.TransferTelephony`."""

    async def refer(self, call: Call, number: str) -> Referred | DialOutcome:
        request = api.TransferSIPParticipantRequest(
            participant_identity=call.leg_identity,
            room_name=call.room_name or "",
            transfer_to=f"tel:{number}",
            ringing_timeout=Duration(seconds=min(call.ring_timeout_s, REFER_TAKES_S - ANSWER_MARGIN_S)),
        )
        try:
            answer = await self._client.sip.transfer_sip_participant(request, timeout=REFER_TAKES_S)
        except api.TwirpError as error:
            return from_twirp(error.code, error.message, error.metadata)
        except aiohttp.ClientConnectorError as error:
            return LivekitAway("unavailable", f"LiveKit not reached: {type(error).__name__}")
        except (aiohttp.ClientError, TimeoutError) as error:
            return Unclear(type(error).__name__)
        return _outcome_of(answer)

    async def call_in(self, call: Call, transfer: Transfer) -> DialOutcome:
        # Whoever is called sees the number of ours that the call goes over.
        from_number = call.to_number if call.direction is Direction.INBOUND else call.from_number
        request = api.CreateSIPParticipantRequest(
            sip_trunk_id=call.trunk_to(transfer) or self._settings.sip_trunk_id,
            sip_call_to=transfer.target.name,
            sip_number=from_number or "",
            room_name=call.room_name or "",
            participant_identity=leg_identity(call.call_id, transfer.dial, transfer.transfer_id),
            participant_attributes={"ringline.call": call.call_id, "ringline.transfer": transfer.transfer_id},
            play_dialtone=True,
            ringing_timeout=Duration(seconds=call.ring_timeout_s),
            max_call_duration=Duration(seconds=call.ring_timeout_s + call.max_call_duration_s),
            wait_until_answered=True,
        )
        try:
            leg = await self._client.sip.create_sip_participant(request, timeout=call.ring_timeout_s + ANSWER_MARGIN_S)
        except api.TwirpError as error:
            return from_twirp(error.code, error.message, error.metadata)
        except aiohttp.ClientConnectorError as error:
            return LivekitAway("unavailable", f"LiveKit not reached: {type(error).__name__}")
        except (aiohttp.ClientError, TimeoutError) as error:
            return Unclear(type(error).__name__)
        return Connected(leg.participant_id, leg.sip_call_id)

    async def send_target(self, call: Call) -> None:
        # Asked for a room that is gone, LiveKit would make it anew: this fails instead.
        await self._dispatches(call.room_name or "")
        await self._dispatch(call, self._settings.agent_for(call))


def _outcome_of(answer: api.TransferSIPParticipantResponse) -> Referred | DialOutcome:
    """A transfer may have failed though no error was raised. LiveKit before 1.13 answers with nothing."""
    if answer.status == SIPTransferStatus.STS_TRANSFER_FAILED:
        code = int(answer.sip_status.code) or None
        return Refused(code, answer.sip_status.status or None, "unknown", "the transfer failed")
    is_over = answer.status == SIPTransferStatus.STS_TRANSFER_SUCCESSFUL or not answer.transfer_id
    return Referred() if is_over else Unclear("the transfer goes on")


@asynccontextmanager
async def connected_for_transfers(
    settings: LivekitSettings, within_s: float = LIVEKIT_REQUEST_S
) -> AsyncIterator[LivekitTransfers]:
    """As `connected`: each request but the dial and the REFER is given `within_s`."""
    async with livekit_client(settings, within_s) as client:
        yield LivekitTransfers(client, settings)
