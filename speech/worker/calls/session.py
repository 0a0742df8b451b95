"""How an AgentSession of livekit-agents 1.8.9 is set for a telephone call whose words are somebody else's."""

from typing import Any

from livekit import rtc
from livekit.agents import Agent, AgentSession, JobContext, inference, room_io, stt, tts
from livekit.agents.voice.agent_session import SessionConnectOptions

HEARS_AT_HZ = 16_000
MOST_FAILURES_IN_A_ROW = 1
"""Utterances that could not be spoken, or not be understood. One more ends the call."""


def a_session(ear: stt.STT[Any], mouth: tts.TTS[Any]) -> AgentSession[None]:
    """These ears, this mouth, the VAD that livekit-agents brings, and no model: nobody answers here."""
    return AgentSession[None](
        stt=ear,
        tts=mouth,
        vad=inference.VAD(),
        # The usual detector of turns is a model in LiveKit Cloud, or 247 MB here under LiveKit's own licence.
        turn_handling={
            "turn_detection": "vad",
            "preemptive_generation": {"enabled": False},
            "endpointing": {"min_delay": 0.3, "max_delay": 2.0},
            # The usual mode asks LiveKit Cloud. With the resuming of false interruptions the brain hears of an
            # interruption two seconds late, with the final transcript.
            "interruption": {"mode": "vad", "min_duration": 0.4, "resume_false_interruption": False},
        },
        # Each has been tried again before it counts. A call in which nothing is heard or spoken is better ended.
        conn_options=SessionConnectOptions(max_unrecoverable_errors=MOST_FAILURES_IN_A_ROW),
        user_away_timeout=None,
        session_close_transcript_timeout=0.1,
        # A telephone cancels its own echo; the usual three seconds would make the start of the greeting unstoppable.
        aec_warmup_duration=None,
    )


async def join(ctx: JobContext, session: AgentSession[None], listener: Agent, leg_identity: str | None) -> None:
    """The session hears and speaks in the job's room from here on."""
    # `start` would connect too, but after it has asked for this participant's identity, which nobody has before.
    await ctx.connect()
    await session.start(listener, room=ctx.room, room_options=room_options(leg_identity), record=False)


def room_options(leg_identity: str | None) -> room_io.RoomOptions:
    """Bound to the call's leg, for as long as the job lives: its leaving is judged by `leg`, not by the session. Text
    goes out too, since its synchroniser alone knows what was heard of a speech that was interrupted."""
    options = room_io.RoomOptions(
        text_input=False,
        close_on_disconnect=False,
        participant_kinds=[
            rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
            rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
        ],
        audio_input=room_io.AudioInputOptions(sample_rate=HEARS_AT_HZ, pre_connect_audio=False),
    )
    if leg_identity is not None:
        options.participant_identity = leg_identity
    return options
