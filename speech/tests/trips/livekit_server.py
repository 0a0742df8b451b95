"""`make speech-livekit`: the same worker in a real LiveKit room, where there is a LiveKit server.

It is LIVEKIT_URL's (with LIVEKIT_API_KEY and LIVEKIT_API_SECRET), or one that is started here if `livekit-server` is on
the PATH. A participant with the attributes of a telephone's leg joins, is greeted, asks something by voice, is
answered, and hangs up; the runner is told why the call ended. No key of a speech provider is needed.
"""

import asyncio
import contextlib
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import numpy
from livekit import api, rtc
from unpod.connectivity.call_context import CallContext
from unpod.connectivity.runner import AgentRunner

from speech.bridge.hub import serving
from speech.bridge.tokens import bridge_key
from speech.tests.session.control_plane import ControlPlane, metadata
from speech.tests.session.sound import HZ, spoken
from tests.contract.bridge.rig import AGENT, CALL, Control, Echo

PORT = 17880
KEY, SECRET = "key", "a-secret-of-more-than-32-characters"
LEG = "leg_of_the_call"
LONGEST_S = 120
AUDIBLE = 300
"""Of 32,767."""
TOLD: list[dict[str, Any]] = []
"""What the runner's `state` hook was given."""
HUNG_UP = {"end_reason": "USER_HUNG_UP_IN_CALL", "status": "completed", "call_id": CALL}


@dataclass
class LiveKit:
    url: str
    key: str
    secret: str


@dataclass
class Seen:
    """Moments, in seconds since the room was asked for."""

    began_at: float = field(default_factory=time.monotonic)
    moments: list[tuple[str, float]] = field(default_factory=list)

    def now(self, what: str) -> None:
        at = time.monotonic() - self.began_at
        self.moments.append((what, at))
        print(f"{at:7.2f} s  {what}", flush=True)


@contextlib.asynccontextmanager
async def a_livekit() -> AsyncIterator[LiveKit | None]:
    if os.environ.get("LIVEKIT_URL"):
        yield LiveKit(os.environ["LIVEKIT_URL"], os.environ["LIVEKIT_API_KEY"], os.environ["LIVEKIT_API_SECRET"])
        return
    program = shutil.which("livekit-server")
    if program is None:
        yield None
        return
    options = ["--dev", "--bind", "127.0.0.1", "--node-ip", "127.0.0.1", "--keys", f"{KEY}: {SECRET}"]
    config = f"port: {PORT}\nrtc:\n  tcp_port: {PORT + 1}\n  port_range_start: 50000\n  port_range_end: 50200\n"
    process = await asyncio.create_subprocess_exec(
        program, *options, "--config-body", config, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await _listens(PORT)
        yield LiveKit(f"ws://127.0.0.1:{PORT}", KEY, SECRET)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Returns when one of them has; the others are given up."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listens(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


@contextlib.asynccontextmanager
async def a_worker(livekit: LiveKit) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = os.environ | {
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.key,
        "LIVEKIT_API_SECRET": livekit.secret,
        "SPEECH_AGENT_NAME": "speech-trip",
        "SPEECH_BRIDGE_HOST": "127.0.0.1",
        "SPEECH_BRIDGE_PORT": "0",
        "SPEECH_HEALTH_PORT": "0",
        "SPEECH_IDLE_PROCESSES": "1",
        "SPEECH_MAX_CALLS": "2",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "speech.worker", env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    registered = asyncio.Event()
    reading = asyncio.create_task(_read_log(process.stdout, registered))
    try:
        await _first(registered.wait(), process.wait())
        if not registered.is_set():
            raise ConnectionError(f"the worker has ended with {process.returncode}; SPEECH_TRIP_LOG=1 shows its log")
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await reading


async def _read_log(stream: asyncio.StreamReader, registered: asyncio.Event) -> None:
    async for line in stream:
        text = line.decode("utf-8", "replace")
        if "registered worker" in text:
            registered.set()
        if '"level": "ERROR"' in text or "SPEECH_TRIP_LOG" in os.environ:
            print(text.rstrip(), file=sys.stderr)


class Telephone:
    """A participant that looks like a telephone's leg: it speaks, and tells when the agent is heard."""

    def __init__(self, on_sound: Callable[[], None], on_silence: Callable[[], None]) -> None:
        self.room = rtc.Room()
        self._on_sound = on_sound
        self._on_silence = on_silence
        self._source = rtc.AudioSource(HZ, 1)
        self._listening: set[asyncio.Task[None]] = set()
        self.room.on("track_subscribed", self._subscribed)

    async def join(self, livekit: LiveKit, room: str) -> None:
        token = (
            api.AccessToken(livekit.key, livekit.secret)
            .with_identity(LEG)
            .with_kind("sip")
            .with_attributes({"sip.callStatus": "active"})
            .with_grants(api.VideoGrants(room_join=True, room=room))
            .to_jwt()
        )
        await self.room.connect(livekit.url, token)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        await self.room.local_participant.publish_track(
            track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        )

    async def speak(self, samples: bytes) -> None:
        size = HZ // 50 * 2
        for start in range(0, len(samples), size):
            chunk = samples[start : start + size].ljust(size, b"\0")
            await self._source.capture_frame(rtc.AudioFrame(chunk, HZ, 1, size // 2))
        await self._source.wait_for_playout()

    def _subscribed(self, track: rtc.Track, *_: object) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            task = asyncio.create_task(self._listen(track))
            self._listening.add(task)

    async def _listen(self, track: rtc.Track) -> None:
        sounds, quiet_frames = False, 0
        async for event in rtc.AudioStream(track, sample_rate=HZ, num_channels=1):
            loud = int(numpy.abs(numpy.frombuffer(event.frame.data, dtype=numpy.int16)).max(initial=0)) > AUDIBLE
            quiet_frames = 0 if loud else quiet_frames + 1
            if loud and not sounds:
                sounds = True
                self._on_sound()
            elif sounds and quiet_frames * event.frame.duration > 0.8:
                sounds = False
                self._on_silence()

    async def hang_up(self) -> None:
        await self.room.disconnect()
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)


async def talk(livekit: LiveKit, base_url: str, control: Control) -> None:
    sound, silence = asyncio.Event(), asyncio.Event()
    telephone = Telephone(sound.set, silence.set)
    seen = Seen()
    room = f"trip-{time.time_ns()}"
    async with api.LiveKitAPI(livekit.url, livekit.key, livekit.secret) as admin:
        dispatch = api.RoomAgentDispatch(agent_name="speech-trip", metadata=metadata(base_url, leg_identity=LEG))
        await admin.room.create_room(api.CreateRoomRequest(name=room, agents=[dispatch]))
        seen.now("room made, worker dispatched")
        await _reported(control, "ready")
        seen.now("worker ready: in the room's hands, runner's handshake done")
        await telephone.join(livekit, room)
        seen.now("the phone is answered")
        await sound.wait()
        seen.now("the greeting is heard")
        await silence.wait()
        sound.clear()
        silence.clear()
        await telephone.speak(spoken("Please tell me what time it is."))
        seen.now("the question has been spoken")
        await sound.wait()
        seen.now("the answer is heard")
        await silence.wait()
        await telephone.hang_up()
        seen.now("the phone hangs up")
        await _reported(control, "usage")
        seen.now("transcript and usage are told")
        with contextlib.suppress(api.TwirpError):
            await admin.room.delete_room(api.DeleteRoomRequest(room=room))


async def _reported(control: Control, kind: str) -> None:
    while not control.reported(kind):  # noqa: ASYNC110 - another process tells it over HTTP
        await asyncio.sleep(0.01)


async def greets_and_echoes(ctx: CallContext) -> None:
    @ctx.session.on("state")
    async def keep(event: Any) -> None:
        TOLD.append(event.model_extra)

    ctx.session.dialog_machine = Echo()
    await ctx.session.say("Hello, this is the agent of the trip.")
    await ctx.session.run()


async def trip() -> int:
    async with a_livekit() as livekit:
        if livekit is None:
            print("No LiveKit server: set LIVEKIT_URL, or put livekit-server on the PATH. Nothing was run.")
            return 0
        control = Control(bridge_key(livekit.secret))
        plane = ControlPlane(control)
        async with asyncio.timeout(LONGEST_S), serving(plane.routes(), "127.0.0.1") as port:
            url = f"http://127.0.0.1:{port}"
            runner = AgentRunner(
                greets_and_echoes, AGENT, platform_token="t", org_handle="o", base_url=url.replace("http", "ws")
            )
            running = asyncio.create_task(runner.run())
            await control.registered(1)
            try:
                async with a_worker(livekit) as worker:
                    await talk(livekit, url, control)
                    worker.terminate()
                    print(f"worker drained, exit code {await worker.wait()}")
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
        (transcript,) = control.reported("transcript")
        for turn in transcript["turns"]:
            print(f"{turn['role']:>6}: {turn['content']}")
        print(f"the runner was told: {TOLD}")
        print(f"usage: {control.reported('usage')[0]['usage']['latency']}")
        roles = [turn["role"] for turn in transcript["turns"]]
        return 0 if roles == ["agent", "user", "agent"] and TOLD[-1:] == [HUNG_UP] else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(trip()))
