"""The receivers of docs/webhooks.md, run as they stand there: a block of the page, the public library of its language,
a port of this machine."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.tools.places import LOCAL, ROOT

_PAGE = ROOT / "docs" / "webhooks.md"
_LIBRARIES = LOCAL / "receivers"
_READY_WITHIN_S = 60.0

RUN_BY = {
    "python": ("receiver.py", (sys.executable, "receiver.py")),
    "javascript": ("receiver.cjs", ("node", "receiver.cjs")),
    "go": ("main.go", ("go", "run", ".")),
    "java": ("Receiver.java", ("java", "-cp", "standardwebhooks.jar", "Receiver.java")),
}
"""For each language: what its block is written to, and what runs it."""


def blocks(language: str) -> list[str]:
    """The page's blocks in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", _PAGE.read_text(), re.DOTALL | re.MULTILINE)


def languages_here() -> list[str]:
    """Python's library is in the lock of the tests; `make test-receivers` fetches those of other languages, and names
    them."""
    return os.environ.get("RINGLINE_TEST_RECEIVERS", "python").split()


@dataclass(frozen=True, slots=True)
class Receiving:
    url: str
    process: subprocess.Popen[str]

    def next_line(self) -> str:
        """What the receiver says of the next event that it believes."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def receiving(language: str, secret: str, folder: Path) -> Iterator[Receiving]:
    """The page's receiver in this language, until the block ends."""
    name, command = RUN_BY[language]
    if language != "python":
        shutil.copytree(_LIBRARIES / language, folder, dirs_exist_ok=True)
    (folder / name).write_text(blocks(language)[0])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PORT": str(port), "WEBHOOK_SECRET": secret},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _wait_for(port, process)
        yield Receiving(f"http://127.0.0.1:{port}/hook", process)
    finally:
        # `go run` has a child: all of the group end.
        os.killpg(process.pid, 9)
        process.communicate()


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    for _ in range(int(_READY_WITHIN_S / 0.05)):
        assert process.poll() is None, "the receiver ended by itself"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port}")
