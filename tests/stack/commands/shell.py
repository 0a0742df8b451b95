"""`ringline` typed at a shell beside a running stack, with no settings at all."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from local.stack.record import Stack
from local.tools.places import ROOT


def state_of(stack: Stack) -> Path:
    """The state folder of a stack, by which the command finds it."""
    return Path(stack.log_dir).parent


def ringline(state_dir: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """The command as a process of its own."""
    environ = {**os.environ, "RINGLINE_STATE_DIR": str(state_dir), "RINGLINE_CONFIG": str(state_dir / "none.toml")}
    environ.pop("RINGLINE_PROFILE", None)
    command = [sys.executable, "-m", "cli", *words]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False)


def document(state_dir: Path, *words: str) -> Any:
    """The JSON document of a command that succeeds."""
    told = ringline(state_dir, "--json", *words)
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)
