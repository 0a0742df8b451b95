"""The layers build wherever the checkout lies."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.tools.places import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as in `~/My Projects`, with a Python and a uv in it."""
    folder = tmp_path / "my projects"
    folder.mkdir()
    (folder / "python").symlink_to(sys.executable)
    uv = folder / "uv"
    uv.write_text(
        '#!/bin/sh\nprintf "%s\\n" "$@" > "$(dirname "$0")/asked"\nmkdir -p "$ARTIFACTS_DIR/python/botocore/data"\n'
    )
    uv.chmod(0o755)
    return folder


def built(folder: Path, layer: str, logical_id: str) -> Path:
    source, target = folder / layer, folder / "built"
    source.mkdir()
    shutil.copy(ROOT / "layers" / layer / "Makefile", source)
    (source / "ringline").mkdir()
    (source / "ringline" / "told.py").write_text("TOLD = True\n")
    command = ["make", "-C", str(source), f"build-{logical_id}"]
    settings = {"ARTIFACTS_DIR": str(target), "PYTHON": str(folder / "python"), "UV": str(folder / "uv")}
    given = [f"{name}={value}" for name, value in settings.items()]
    environment = {"PATH": os.environ["PATH"], "ARTIFACTS_DIR": str(target)}
    outcome = subprocess.run([*command, *given], env=environment, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    return target


def test_our_own_code_builds_in_a_folder_with_a_blank_in_its_name(folder: Path) -> None:
    compiled = built(folder, "core", "CoreLayer") / "python" / "ringline" / "__pycache__"
    assert [path.name.partition(".")[0] for path in compiled.iterdir()] == ["told"]


def test_what_is_installed_builds_in_a_folder_with_a_blank_in_its_name(folder: Path) -> None:
    built(folder, "deps", "DepsLayer")
    asked = (folder / "asked").read_text().splitlines()
    assert asked[asked.index("--python") + 1] == str(folder / "python")
    assert asked[asked.index("--target") + 1] == str(folder / "built" / "python")
