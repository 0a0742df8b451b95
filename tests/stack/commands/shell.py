"""`ringline` typed at a shell beside a running stack, with no settings at all."""

import json
import os
import shlex
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


def type_in(folder: Path, line: str) -> "subprocess.CompletedProcess[str]":
    """A line at a shell in a folder beside the stack's state, where `ringline` is the command of this repository."""
    command = folder / "ringline"
    if not command.exists():
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m cli "$@"\n')
        command.chmod(0o755)
    environ = {
        **os.environ,
        "PATH": f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "RINGLINE_STATE_DIR": str(folder / ".local"),
        "RINGLINE_CONFIG": str(folder / "none.toml"),
    }
    environ.pop("RINGLINE_PROFILE", None)
    return subprocess.run(
        ["sh", "-c", line], cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
