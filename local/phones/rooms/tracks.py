"""The audio tracks that legs and agents publish."""

import time

from livekit.protocol.models import BackupCodecPolicy, TrackInfo, TrackSource

from local.phones.kernel.ids import new_id


def leg_track(identity: str) -> TrackInfo:
    """The audio track of a SIP leg."""
    track = _audio_track("TR_AM", identity, "audio/opus", mid="0", stream="camera")
    track.source = TrackSource.MICROPHONE
    return track


def agent_track() -> TrackInfo:
    """The audio track of an agent."""
    return _audio_track("TR_A", "voice", "audio/red", mid="7", stream="unknown")


def _audio_track(prefix: str, name: str, mime_type: str, *, mid: str, stream: str) -> TrackInfo:
    track = TrackInfo(sid=new_id(prefix), name=name, mime_type=mime_type, mid=mid, stream=stream)
    track.version.unix_micro = time.time_ns() // 1000
    track.backup_codec_policy = BackupCodecPolicy.SIMULCAST
    return track
