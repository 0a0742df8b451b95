"""What runs in the speech worker's own environment: the worker, the voice of telephones, guests in a room."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from local.stack.record import Stack
from local.tools import processes
from local.tools.places import LOCAL, ROOT
from local.tools.processes import Child
from local.trips.livekit.servers import HOST

PYTHON = LOCAL / "speech" / "bin" / "python"
_AGENT_NAME = "ringline-speech"
_REGISTERED_WITHIN_S = 90.0
_CALLS_END_WITHIN_S = 10.0


def said(text: str) -> bytes:
    """The local voice, as a telephone's sound."""
    command = [str(PYTHON), "-m", "speech.tests.trips.telephone_voice", text]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


@contextmanager
def speech_worker(stack: Stack, log_dir: Path) -> Iterator[Child]:
    """Registered, for the time of a `with`. It gives somebody who is silent up after 35 s, longer than LiveKit takes
    to notice that a leg is gone."""
    variables = {
        "LIVEKIT_URL": stack.livekit_url,
        "LIVEKIT_API_KEY": stack.livekit_api_key,
        "LIVEKIT_API_SECRET": stack.livekit_api_secret,
        "RINGLINE_URL": stack.base_url,
        "RUNNERS_URL": stack.base_url.replace("http", "ws", 1),
        "SPEECH_AGENT_NAME": _AGENT_NAME,
        "SPEECH_BRIDGE_HOST": HOST,
        "SPEECH_BRIDGE_PORT": "0",
        "SPEECH_HEALTH_PORT": "0",
        "SPEECH_IDLE_PROCESSES": "1",
        "SPEECH_MAX_CALLS": "4",
        "SPEECH_SILENCE_ASK_S": "20",
        "SPEECH_SILENCE_END_S": "15",
    }
    child = processes.start(
        "speech", [str(PYTHON), "-m", "speech.worker"], log_dir, processes.clean_environment(variables)
    )
    try:
        processes.wait_until(child, lambda: "registered worker" in log_of(child), _REGISTERED_WITHIN_S)
        yield child
    finally:
        processes.stop(child, _CALLS_END_WITHIN_S)


def log_of(child: Child) -> str:
    return Path(child.log_path).read_text(errors="replace")


@asynccontextmanager
async def a_guest(url: str, token: str, stays_s: float) -> AsyncIterator["Guest"]:
    """Somebody with LiveKit's own client: a browser, or an agent too many."""
    process = await asyncio.create_subprocess_exec(
        PYTHON, "-m", "speech.tests.trips.guest", url, token, str(stays_s),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield Guest(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Guest:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.met: list[str] = []

    async def until(self, word: str, within_s: float) -> bool:
        """Whether it met that in time. What it met is kept in `met`."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(within_s):
                while not any(each.startswith(word) for each in self.met):
                    line = await self._process.stdout.readline()
                    if not line:
                        return False
                    self.met.append(line.decode().strip())
        except TimeoutError:
            return False
        return True
