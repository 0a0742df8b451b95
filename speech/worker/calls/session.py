"""How an AgentSession of livekit-agents 1.8.9 is set for a telephone call whose words are somebody else's."""

from livekit import rtc
from livekit.agents import AgentSession, inference, room_io

from speech.worker.voices import engines
from speech.worker.voices.table import VoicePlan

HEARS_AT_HZ = 16_000


def a_session(plan: VoicePlan) -> AgentSession[None]:
    """Ears and mouth of the plan, the VAD that livekit-agents brings, and no model: nobody answers here."""
    return AgentSession[None](
        stt=engines.ear(plan.stt),
        tts=engines.mouth(plan.tts),
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
        user_away_timeout=None,
        session_close_transcript_timeout=0.1,
        # A telephone cancels its own echo; the usual three seconds would make the start of the greeting unstoppable.
        aec_warmup_duration=None,
    )


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
