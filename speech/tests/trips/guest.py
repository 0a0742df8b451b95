"""`python -m speech.tests.trips.guest <url> <token> <seconds>`: joins a room with a silent microphone, and tells what
it meets, one word a line: `joined`, `heard`, and last `over <why>`."""

import asyncio
import sys

import numpy
from livekit import rtc

_HZ = 16_000
_AUDIBLE = 300


async def stay(url: str, token: str, for_s: float) -> None:
    room, over, tasks = rtc.Room(), asyncio.Event(), set[asyncio.Task[None]]()
    why = "by itself"

    async def listen(track: rtc.Track) -> None:
        async for event in rtc.AudioStream(track, sample_rate=_HZ, num_channels=1):
            if numpy.abs(numpy.frombuffer(event.frame.data, dtype=numpy.int16)).max(initial=0) > _AUDIBLE:
                print("heard", flush=True)
                return

    def subscribed(track: rtc.Track, *_: object) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            tasks.add(asyncio.create_task(listen(track)))

    def disconnected(reason: rtc.DisconnectReason.ValueType) -> None:
        nonlocal why
        why = rtc.DisconnectReason.Name(reason)
        over.set()

    room.on("track_subscribed", subscribed)
    room.on("disconnected", disconnected)
    await room.connect(url, token)
    print("joined", flush=True)
    source = rtc.AudioSource(_HZ, 1)
    track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
    await room.local_participant.publish_track(track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE))
    try:
        await asyncio.wait_for(over.wait(), for_s)
    except TimeoutError:
        await room.disconnect()
    for task in tasks:
        task.cancel()
    print(f"over {why}", flush=True)


if __name__ == "__main__":
    asyncio.run(stay(sys.argv[1], sys.argv[2], float(sys.argv[3])))
