"""LiveKit through its own client, `livekit-api`.

The client is built with `failover=False`: with it, versions from 1.2 on repeat a dial by themselves up to three times
on LiveKit Cloud, and LiveKit does not deduplicate dials.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import replace
from typing import Any

import aiohttp
from google.protobuf.duration_pb2 import Duration
from livekit import api

from ringline.calls.model.call import AnswerFrom, Call, Direction, attempt_of_room, web_identity
from ringline.calls.model.events import AgentSeen
from ringline.calls.model.outcomes import CarrierFull, Connected, DialOutcome, LivekitAway, NotSent, Placed, Unclear
from ringline.calls.model.recorder import RecordingTarget
from ringline.calls.model.room_view import LegView, Others, RoomView, TelephonyDown
from ringline.calls.model.timing import (
    ANSWER_MARGIN_S,
    EMPTY_ROOM_S,
    JOINED_WITHIN_S,
    LIVEKIT_REQUEST_S,
    ROOM_DEPARTURE_S,
)
from ringline.runtime.clock import MS_PER_S
from ringline.telephony.agent_dispatch import agent_metadata, room_metadata, told_call
from ringline.telephony.asking.meter import RequestMeter
from ringline.telephony.dial_errors import from_twirp, room_refusal
from ringline.telephony.hook import JOINED_ATTRIBUTE
from ringline.telephony.livekit_presence import is_reached
from ringline.telephony.livekit_settings import LivekitSettings
from ringline.telephony.lost_talk import turns_so_far

CALL_HEADER = "X-Ringline-Call"

_CARRIER_CALL_IDS = {
    "sip.twilio.callSid": "twilio",
    "sip.telnyx.callLegID": "telnyx",
    "sip.telnyx.callSessionID": "telnyx",
}
"""The attributes of a leg that LiveKit fills with its carrier's own ids."""


class LivekitTelephony:
    """Implements `calls.model.ports.Telephony`. Use it inside `connected()`: the client lives as long as its event
    loop."""

    def __init__(self, client: api.LiveKitAPI, settings: LivekitSettings) -> None:
        self._client = client
        self._settings = settings

    def _dispatched_with(self, call: Call) -> api.RoomAgentDispatch:
        """Who is to come to the call's room. Reads the table, and now and then the stack's secret."""
        return api.RoomAgentDispatch(
            agent_name=self._settings.agent_for(call),
            metadata=agent_metadata(self._settings.whole(call), self._settings.token_secret, self._settings.public_url),
        )

    async def open_room(self, call: Call) -> NotSent | LivekitAway | CarrierFull | None:
        request = api.CreateRoomRequest(
            name=call.room_name or "",
            empty_timeout=EMPTY_ROOM_S,
            departure_timeout=ROOM_DEPARTURE_S,
            metadata=room_metadata(call),
            # Aside: thousands of dials wait in a container's one loop.
            agents=[await asyncio.to_thread(self._dispatched_with, call)],
        )
        try:
            await self._client.room.create_room(request)
        except api.TwirpError as error:
            return room_refusal(error.code, error.message)
        except (aiohttp.ClientError, TimeoutError) as error:
            return LivekitAway("unavailable", f"room not made: {type(error).__name__}")
        return None

    async def place_call(self, call: Call) -> DialOutcome:
        waits = call.answer_from is not AnswerFrom.CARRIER
        request = api.CreateSIPParticipantRequest(
            sip_trunk_id=call.trunk_id or self._settings.sip_trunk_id,
            sip_call_to=call.to_number or "",
            sip_number=call.from_number or "",
            room_name=call.room_name or "",
            participant_identity=call.leg_identity,
            # The carrier's own events name their call by this header.
            headers={CALL_HEADER: call.room_name or ""},
            participant_attributes={"ringline.call": call.call_id, "ringline.attempt": str(call.attempt)},
            ringing_timeout=Duration(seconds=call.ring_timeout_s),
            # LiveKit counts from the dial request, ringing included; our own timer holds the limit from the answer.
            max_call_duration=Duration(seconds=call.ring_timeout_s + call.max_call_duration_s),
            wait_until_answered=waits,
        )
        within_s = call.ring_timeout_s + ANSWER_MARGIN_S if waits else JOINED_WITHIN_S
        try:
            leg = await self._client.sip.create_sip_participant(request, timeout=within_s)
        except api.TwirpError as error:
            return from_twirp(error.code, error.message, error.metadata)
        except aiohttp.ClientConnectorError as error:
            return LivekitAway("unavailable", f"LiveKit not reached: {type(error).__name__}")
        except (aiohttp.ClientError, TimeoutError) as error:
            return Unclear(type(error).__name__)
        return Connected(leg.participant_id, leg.sip_call_id) if waits else Placed()

    async def take_in(self, call: Call) -> RoomView:
        """Has an agent come to the room of a call that has just rung in, unless its dispatch rule sent one; who is in
        the room now. Whether a worker takes a dispatch only time can tell: `send_agent` repeats it. An agent that we
        sent to a caller who had the room before is not this one's, nor is there one sent for that."""
        room = call.room_name or ""
        if call.direction is Direction.WEB:
            # First: from its agent's joining on somebody who comes without the mark has used the token again.
            await self.mark_as_joined(room, call.leg_identity)
        dispatches = await self._dispatches(room)
        if not _without_former(call, dispatches):
            await self._dispatch(call, self._settings.agent_for(call))
        return _without_agents_of_former(await self.look(room), call, dispatches)

    async def mark_as_joined(self, room: str, identity: str) -> None:
        """Tells a caller in a browser who comes back from somebody who uses the token again: LiveKit gives each
        participant whose attributes change a new token, which has them, and the client comes back with that."""
        request = api.UpdateParticipantRequest(room=room, identity=identity, attributes={JOINED_ATTRIBUTE: "1"})
        try:
            await _asked(self._client.room.update_participant(request), missing_is_fine=True)
        except _Missing:
            return

    async def send_agent(self, call: Call) -> None:
        if call.direction is Direction.WEB:
            await self.mark_as_joined(call.room_name or "", call.leg_identity)
        # Where a dispatch rule of somebody else's sent the first one, it is theirs who is sent again, with their words.
        dispatches = _without_former(call, await self._dispatches(call.room_name or ""))
        own = self._settings.own_agents
        others = [each for each in dispatches if each.agent_name not in own and told_call(each.metadata) is None]
        if others:
            await self._dispatch(call, others[-1].agent_name, others[-1].metadata)
        else:
            turns = await self._turns_so_far(call, dispatches)
            await self._dispatch(call, self._settings.agent_for(call), turns=turns)

    async def _turns_so_far(self, call: Call, dispatches: Sequence[api.AgentDispatch]) -> list[dict[str, Any]]:
        if call.brain is None or call.active_at is None:
            return []
        shown = await _asked(
            self._client.room.list_participants(api.ListParticipantsRequest(room=call.room_name or ""))
        )
        return turns_so_far(call, shown.participants, dispatches)

    async def _dispatch(
        self, call: Call, agent_name: str, metadata: str | None = None, turns: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        if metadata is None:
            whole = await asyncio.to_thread(self._settings.whole, call)
            metadata = agent_metadata(whole, self._settings.token_secret, self._settings.public_url, turns)
        request = api.CreateAgentDispatchRequest(agent_name=agent_name, room=call.room_name or "", metadata=metadata)
        await _asked(self._client.agent_dispatch.create_dispatch(request))

    async def remove(self, room: str, identity: str) -> None:
        request = api.RoomParticipantIdentity(room=room, identity=identity)
        try:
            await _asked(self._client.room.remove_participant(request), missing_is_fine=True)
        except _Missing:
            return

    async def remove_later(self, room: str, kept_sid: str | None, identity: str) -> bool:
        """Puts an agent out of a room in which the one of this sid was before it. False, and nobody is put out, if that
        one is not there, be it listed or not, or is this very one under another sid; without a sid any agent is put
        out. Raises TelephonyDown."""
        if kept_sid is not None:
            kept = [agent for agent in (await self.look(room)).agents if agent.sid == kept_sid]
            if not kept or kept[0].identity == identity:
                return False
            if not await _asked(is_reached(self._client, room, kept[0].identity)):
                return False
        await self.remove(room, identity)
        return True

    async def turn_away(self, room: str) -> bool:
        """Closes the room of a caller whom nobody here receives, and says whether it did: a room to which an agent was
        sent is left alone, because somebody else receives that caller. Raises TelephonyDown."""
        if await self._dispatches(room):
            return False
        await self.end_room(room)
        return True

    async def _dispatches(self, room: str) -> list[api.AgentDispatch]:
        """The dispatches to a room, whether or not anybody took them. Asking for them before dispatching also shows
        whether the room is there: dispatching to a room that is gone would make it anew, with nobody in it."""
        # LiveKit lists a dispatch without an agent's name for a room for which nobody named one.
        listed = await _asked(self._client.agent_dispatch.list_dispatch(room))
        return [dispatch for dispatch in listed if dispatch.agent_name]

    async def look(self, room: str) -> RoomView:
        answer = await _asked(self._client.room.list_participants(api.ListParticipantsRequest(room=room)))
        ours = attempt_of_room(room)
        web_caller = None if ours is None else web_identity(ours.call_id)
        legs, agents, others = [], [], Others.NONE
        for participant in answer.participants:
            if participant.kind == api.ParticipantInfo.SIP:
                attributes = participant.attributes
                legs.append(
                    LegView(
                        participant.identity,
                        participant.sid,
                        attributes.get("sip.callID"),
                        attributes.get("sip.callStatus"),
                        _carrier_call_ids(attributes),
                        _joined_at(participant),
                    )
                )
            elif participant.kind == api.ParticipantInfo.AGENT:
                agents.append(AgentSeen(participant.sid, _joined_at(participant), participant.identity))
            elif participant.identity == web_caller:
                legs.append(LegView(participant.identity, participant.sid, None, None))
            elif _may_talk(participant):
                others = Others.TALK
        return RoomView(tuple(legs), tuple(agents), others)

    async def end_room(self, room: str) -> None:
        try:
            await _asked(self._client.room.delete_room(api.DeleteRoomRequest(room=room)), missing_is_fine=True)
        except _Missing:
            return

    async def rooms(self, names: Sequence[str] = ()) -> Mapping[str, int]:
        answer = await _asked(self._client.room.list_rooms(api.ListRoomsRequest(names=names)))
        return {room.name: room.creation_time_ms or room.creation_time * MS_PER_S for room in answer.rooms}

    async def start_recording(self, room: str, target: RecordingTarget) -> str:
        # LiveKit would record the room a second time if it were asked twice.
        for key, egress in await self._recordings_of(room):
            if key == target.key:
                return str(egress.egress_id)
        started = await _asked(self._client.egress.start_room_composite_egress(_audio_of(room, target)))
        return str(started.egress_id)

    async def tell_agents(self, room: str, topic: str, text: str) -> int:
        identities = [agent.identity for agent in (await self.look(room)).agents]
        if identities:
            request = api.SendDataRequest(
                room=room,
                data=text.encode(),
                kind=api.DataPacket.Kind.RELIABLE,
                destination_identities=identities,
                topic=topic,
            )
            await _asked(self._client.room.send_data(request))
        return len(identities)

    async def stop_recordings(self, room: str, keys: Collection[str]) -> None:
        for key, egress in await self._recordings_of(room):
            if key in keys and egress.status in _RUNS:
                await self._stop(egress.egress_id)

    async def _stop(self, egress_id: str) -> None:
        try:
            await self._client.egress.stop_egress(api.StopEgressRequest(egress_id=egress_id))
        except api.TwirpError as error:
            # It was over, or about to be, before it was asked to stop.
            if error.code not in {"failed_precondition", "not_found"}:
                raise TelephonyDown(f"{error.code}: {error.message}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise TelephonyDown(type(error).__name__) from error

    async def _recordings_of(self, room: str) -> list[tuple[str, api.EgressInfo]]:
        """The recordings of a room, each with the file that it writes. LiveKit lists all recordings of rooms that ever
        had this name, also those that are over, and a dispatch rule may give one caller after another the same room:
        only the file shows which call a recording belongs to."""
        page, recordings = api.ListEgressRequest(room_name=room), []
        while True:
            known = await _asked(self._client.egress.list_egress(page))
            for egress in known.items:
                files = [file.filename for file in egress.file_results]
                for key in dict.fromkeys([*(file.filepath for file in egress.room_composite.file_outputs), *files]):
                    recordings.append((key, egress))
            if not (known.items and known.next_page_token.token):
                return recordings
            page.page_token.CopyFrom(known.next_page_token)


def _without_former(call: Call, dispatches: Sequence[api.AgentDispatch]) -> list[api.AgentDispatch]:
    """Those that are not ours for another call: a dispatch rule may give one caller after another the same room, which
    keeps what was dispatched to it."""
    return [each for each in dispatches if told_call(each.metadata) in {None, call.call_id}]


def _without_agents_of_former(room: RoomView, call: Call, dispatches: Sequence[api.AgentDispatch]) -> RoomView:
    """The room as this call has it: the agents of calls before, by the jobs that we gave them, stand apart."""
    kept = {dispatch.id for dispatch in _without_former(call, dispatches)}
    jobs = [job for dispatch in dispatches if dispatch.id not in kept for job in dispatch.state.jobs]
    # A job that has not begun names nobody yet.
    theirs = {job.state.participant_identity for job in jobs} - {""}
    agents = tuple(agent for agent in room.agents if agent.identity not in theirs)
    return replace(room, agents=agents, former=tuple(agent for agent in room.agents if agent.identity in theirs))


_RUNS = {api.EgressStatus.EGRESS_STARTING, api.EgressStatus.EGRESS_ACTIVE}


def _may_talk(participant: api.ParticipantInfo) -> bool:
    """Whether it is a person: neither a recorder nor a player, and not one who may only listen."""
    is_barred = participant.HasField("permission") and not participant.permission.can_publish
    return participant.kind == api.ParticipantInfo.STANDARD and not is_barred


def _joined_at(participant: api.ParticipantInfo) -> int:
    return participant.joined_at_ms or participant.joined_at * MS_PER_S


def _carrier_call_ids(attributes: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((provider, attributes[name]) for name, provider in _CARRIER_CALL_IDS.items() if attributes.get(name))


def _audio_of(room: str, target: RecordingTarget) -> api.RoomCompositeEgressRequest:
    bucket = target.bucket
    upload = api.S3Upload(
        bucket=bucket.name,
        region=bucket.region,
        access_key=bucket.access_key,
        secret=bucket.secret,
        endpoint=bucket.endpoint,
        force_path_style=bool(bucket.endpoint),
    )
    file = api.EncodedFileOutput(
        file_type=api.EncodedFileType.OGG, filepath=target.key, disable_manifest=True, s3=upload
    )
    return api.RoomCompositeEgressRequest(room_name=room, audio_only=True, file_outputs=[file])


class _Missing(Exception):
    """LiveKit knows nothing by that name."""


async def _asked[T](request: Awaitable[T], *, missing_is_fine: bool = False) -> T:
    """LiveKit's answer. Raises TelephonyDown when there is none to rely on."""
    try:
        return await request
    except api.TwirpError as error:
        if missing_is_fine and error.code == "not_found":
            raise _Missing from None
        raise TelephonyDown(f"{error.code}: {error.message}") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise TelephonyDown(type(error).__name__) from error


@asynccontextmanager
async def connected(settings: LivekitSettings, within_s: float = LIVEKIT_REQUEST_S) -> AsyncIterator[LivekitTelephony]:
    """Telephony for the duration of one event loop's work; each request but the dial is given `within_s`."""
    async with livekit_client(settings, within_s) as client:
        yield LivekitTelephony(client, settings)


@asynccontextmanager
async def livekit_client(settings: LivekitSettings, within_s: float) -> AsyncIterator[api.LiveKitAPI]:
    # Without a limit: each dial that waits for its answer holds a connection, and the usual 100 are one container's in
    # a second.
    connector, meter = aiohttp.TCPConnector(limit=0), RequestMeter()
    async with aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=within_s), trace_configs=[meter.listener()]
    ) as session:
        try:
            yield api.LiveKitAPI(settings.url, settings.api_key, settings.api_secret, session=session, failover=False)
        finally:
            meter.tell()


def ask_livekit[T](
    settings: LivekitSettings, ask: Callable[[LivekitTelephony], Awaitable[T]], within_s: float = LIVEKIT_REQUEST_S
) -> T:
    """What LiveKit says within `within_s` in all, to code that has no event loop. Raises TelephonyDown."""

    async def asking() -> T:
        async with asyncio.timeout(within_s), connected(settings, within_s) as telephony:
            return await ask(telephony)

    try:
        return asyncio.run(asking())
    except TimeoutError as error:
        raise TelephonyDown(f"no answer within {within_s} s") from error


def close_rooms(settings: LivekitSettings, rooms: Sequence[str], within_s: float = LIVEKIT_REQUEST_S) -> list[str]:
    """Closes rooms side by side, from code that has no event loop; returns those that were not closed in time."""

    async def close() -> list[BaseException | None]:
        async with connected(settings, within_s) as telephony:
            return await asyncio.gather(*(telephony.end_room(room) for room in rooms), return_exceptions=True)

    results = asyncio.run(close())
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, TelephonyDown):
            raise result
    return [room for room, result in zip(rooms, results, strict=True) if result is not None]
