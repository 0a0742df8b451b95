"""One call, from its dispatch to its end. Runs in a process of its own.

dispatched -> [in the room] and, side by side, [brain asked for, handshake] -> ready (speech is held)
           of a caller: [brain asked for, handshake] -> ready -> [in the room], for LiveKit answers with that
           -> other side can hear -> live -> leg or room gone, or the conversation is over -> the end is told
"""

import logging
import os
from contextlib import AsyncExitStack

import aiohttp
from livekit.agents import JobContext, JobProcess, inference
from livekit.agents.tokenize.basic import hyphenate_word

from speech.bridge.attach import attached
from speech.bridge.brain import BrainClient
from speech.bridge.hub import path_of
from speech.worker.calls.call import CallInRoom
from speech.worker.calls.dispatch import Dispatch, DispatchError
from speech.worker.settings import Settings
from speech.worker.voices.profile import ProfileError, chosen, read_profiles, sounding
from speech.worker.voices.table import LOCAL_PROVIDER, VoicePlan, plan

HUB_URL = "SPEECH_INTERNAL_HUB_URL"
HUB_SECRET = "SPEECH_INTERNAL_HUB_SECRET"  # noqa: S105 - the name of a variable
BRIDGE_BASE = "SPEECH_INTERNAL_BRIDGE_BASE"
WORKER_ID = "SPEECH_INTERNAL_WORKER_ID"
"""What the main process tells its jobs. They inherit its environment."""

_log = logging.getLogger(__name__)


def warm_up(process: JobProcess) -> None:
    """Loads what is slow to load before the process has a call."""
    settings = Settings.read(os.environ)
    inference.VAD()
    # The rules for syllables, by which the transcript follows the sound, take as long to read as a greeting to begin.
    hyphenate_word("telephone")
    profiles = read_profiles(settings.voices).values()
    if any(LOCAL_PROVIDER in (profile.stt_provider, profile.tts_provider) for profile in profiles):
        from speech.worker.voices import local

        local.warm()


async def entrypoint(ctx: JobContext) -> None:
    """The job. Ends when the call has."""
    settings = Settings.read(os.environ)
    try:
        dispatch = Dispatch.read(ctx.job.metadata, room_id=ctx.job.room.sid, ringline_url=settings.ringline_url)
    except DispatchError as error:
        _log.error("not dispatched by Ringline", extra={"error": str(error)})
        ctx.shutdown("not dispatched by Ringline")
        return
    ctx.log_context_fields = {"call_id": dispatch.facts.call_id}
    async with AsyncExitStack() as open_for_call:
        http = await open_for_call.enter_async_context(aiohttp.ClientSession())
        brain = BrainClient(
            http,
            brain_url=dispatch.brain_url,
            events_url=dispatch.events_url,
            token=dispatch.token,
            bridge_url=f"{os.environ[BRIDGE_BASE]}/bridge/{path_of(dispatch.facts.call_id, dispatch.number)}",
            dispatch=dispatch.number,
            worker_id=os.environ.get(WORKER_ID),
        )
        try:
            voice_plan = _plan_for(dispatch, settings)
        except ProfileError as error:
            reason = str(error).splitlines()[0]
            _log.error("voice profile cannot be served", extra={"error": str(error)})
            await brain.report([{"type": "hang_up", "reason": f"failed: {reason}"}])
        else:
            line = await open_for_call.enter_async_context(
                attached(
                    http,
                    os.environ[HUB_URL],
                    dispatch.facts.call_id,
                    os.environ[HUB_SECRET],
                    dispatch.attempt,
                    dispatch.number,
                )
            )
            await CallInRoom(ctx, settings, dispatch, voice_plan, http).run(line, brain)
    ctx.shutdown("the call is over")


def _plan_for(dispatch: Dispatch, settings: Settings) -> VoicePlan:
    profiles = read_profiles(settings.voices)
    profile = chosen(profiles, settings.default_voice, dispatch.facts.voice_profile_id, dispatch.voice_profile)
    return plan(sounding(profile, dispatch.voice or {}), os.environ)
