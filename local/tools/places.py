"""Where things are: the repository, what is built from it, and the state of a running stack."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"
LOCAL = ROOT / ".local"
BUILD = LOCAL / "build"
EMULATOR_PYTHON = LOCAL / "emulator" / "bin" / "python"


def default_state_dir() -> Path:
    """Where `make up` keeps its stack: `.local`, or RINGLINE_STATE_DIR for a second stack beside it."""
    return Path(os.environ.get("RINGLINE_STATE_DIR") or LOCAL).resolve()
