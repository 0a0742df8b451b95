"""The whole worker without LiveKit: main process, hub, real job processes in a room that is nobody's."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from multiprocessing.forkserver import _forkserver
from pathlib import Path
from typing import Any

from livekit.agents.job import JobAcceptArguments, RunningJobInfo
from livekit.agents.utils import shortuuid
from livekit.protocol import agent, models
from unpod.connectivity.runner import AgentRunner

from speech.bridge.hub import serving
from speech.bridge.tokens import bridge_key
from speech.tests.session.control_plane import ControlPlane
from speech.worker.main import _let_jobs_import, a_server, bridges
from speech.worker.places import PlacesServer
from speech.worker.settings import Settings
from tests.contract.bridge.rig import AGENT, KEY, Control, Entrypoint

SECRET = "a-secret-of-more-than-32-characters"
"""The one behind the rig's bridge tokens."""
ROOT = Path(__file__).parents[3]


@dataclass
class Worker:
    server: PlacesServer
    plane: ControlPlane
    url: str
    bridge_base: str

    async def take(self, metadata: str) -> None:
        """Starts a job as LiveKit would: `AgentServer.simulate_job`, which knows no metadata."""
        job = agent.Job(
            id=shortuuid("mock-job-"),
            room=models.Room(sid=shortuuid("SRM_"), name="room"),
            type=agent.JobType.JT_ROOM,
            metadata=metadata,
        )
        arguments = JobAcceptArguments(identity=shortuuid("fake-agent-"), name="", metadata="")
        await self.server._proc_pool.launch_job(
            RunningJobInfo(
                worker_id=self.server.id, accept_arguments=arguments, job=job, url="", token="", fake_job=True
            )
        )

    async def idle(self) -> None:
        """Returns when no call is left."""
        await _until(lambda: not any(process.running_job for process in self.server._proc_pool.processes))

    async def warm(self) -> None:
        """Returns when a process is ready for a call."""
        await _until(lambda: self.server._proc_pool._warmed_proc_queue.qsize() > 0)


async def _until(is_so: Callable[[], bool]) -> None:
    """For what the framework tells nobody. The test has its own limit."""
    while not is_so():  # noqa: ASYNC110
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def a_worker(
    *entrypoints: Entrypoint,
    served: dict[str, Any] | None = None,
    control: Control | None = None,
    **variables: str,
) -> AsyncIterator[Worker]:
    assert bridge_key(SECRET) == KEY
    control = control or Control()
    plane = ControlPlane(control, served)
    set_here = {
        "LIVEKIT_URL": "ws://127.0.0.1:1",
        "LIVEKIT_API_KEY": "key",
        "LIVEKIT_API_SECRET": SECRET,
        "LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE": "0",
        "SPEECH_BRIDGE_HOST": "127.0.0.1",
        "SPEECH_BRIDGE_PORT": "0",
        "SPEECH_HEALTH_PORT": "0",
        "SPEECH_MAX_CALLS": "4",
        "SPEECH_IDLE_PROCESSES": "1",
        **variables,
    }
    # Jobs inherit the environment of this process through the server that forks them.
    os.environ.update(set_here)
    settings = Settings.read(set_here)
    _let_jobs_import(ROOT)
    server = a_server(settings)
    started = asyncio.Event()
    lost: list[tuple[str, int | None]] = []
    server.on("worker_started", lambda *_: started.set())
    async with (
        bridges(settings, server, lambda *job: lost.append(job)) as reached,
        serving(plane.routes(), "127.0.0.1") as port,
    ):
        runners = [
            AgentRunner(each, AGENT, platform_token="t", org_handle="o", base_url=f"ws://127.0.0.1:{port}")
            for each in entrypoints
        ]
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(runner.run()) for runner in runners]
        await control.registered(len(runners))
        running = asyncio.create_task(server.run(unregistered=True))
        await started.wait()
        try:
            yield Worker(server, plane, f"http://127.0.0.1:{port}", reached.base)
        finally:
            await server.aclose()
            await running
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # Or the next worker's jobs would be forked by a process that has this one's environment.
            _forkserver._stop()  # type: ignore[attr-defined]
            for name in set_here:
                os.environ.pop(name, None)
