"""Builds what `sam build` builds, with the layers' own Makefiles but without SAM CLI: folders that
`local/aws/deploy.py` deploys.

A layer is built once for each content: its folder bears a hash of what went in and is never changed afterwards, so a
stack that runs from it is not disturbed by the next build. Functions are their source folders as they are, as in `sam
build`.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.tools.places import BUILD, LOCAL, ROOT
from local.tools.processes import StackError

PLATFORMS = ("host", "arm64", "x86_64")
_KEPT_BUILDS = 5
_UNINTERESTING = {"__pycache__", ".DS_Store", ".gitkeep"}


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of the template and the make target that builds it."""

    logical_id: str
    source: Path


LAYERS = (Layer("DepsLayer", ROOT / "layers" / "deps"), Layer("CoreLayer", ROOT / "layers" / "core"))


@dataclass(frozen=True, slots=True)
class Build:
    """The built folders by logical id of the layer and by folder name of the function."""

    layers: dict[str, Path]
    functions: dict[str, Path]


def source_files(folder: Path) -> Iterator[Path]:
    """The files below a folder that make up its content, in a fixed order."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not _UNINTERESTING.intersection(path.relative_to(folder).parts):
            yield path


def content_hash(folder: Path, extra: Iterable[str] = ()) -> str:
    digest = hashlib.sha256()
    for path in source_files(folder):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    for text in extra:
        digest.update(f"\0{text}".encode())
    return digest.hexdigest()[:16]


def find_uv() -> str:
    """The uv that the make targets installed, or the one on PATH. Raises StackError."""
    installed = LOCAL / "uv" / "bin" / "uv"
    found = str(installed) if installed.exists() else shutil.which("uv")
    if not found:
        raise StackError("uv is not installed: run `make build`, which installs it")
    return found


def build_functions() -> dict[str, Path]:
    return {path.parent.name: path.parent for path in sorted((ROOT / "functions").glob("*/handler.py"))}


def build_layer(layer: Layer, platform: str) -> Path:
    """The layer's built folder for one of PLATFORMS, made now if its content is new. Raises StackError with make's
    output."""
    version = "{}.{}.{}".format(*sys.version_info[:3])
    built = BUILD / f"{layer.logical_id}-{platform}-{content_hash(layer.source, [platform, version])}"
    if not built.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILD, prefix="unfinished-", ignore_cleanup_errors=True) as unfinished:
            _make_layer(layer, platform, Path(unfinished))
            Path(unfinished).chmod(0o755)
            Path(unfinished).rename(built)
        _drop_old_builds(f"{layer.logical_id}-{platform}-")
    built.touch()
    return built


def _make_layer(layer: Layer, platform: str, target: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MAKE", "MFLAGS"))
    }
    if not os.access(Path("~").expanduser(), os.W_OK):
        environment.setdefault("UV_CACHE_DIR", str(LOCAL / "uv-cache"))  # as the Makefile has it
    command = [
        "make", "-C", str(layer.source), f"build-{layer.logical_id}",
        f"ARTIFACTS_DIR={target}", f"LAYER_PLATFORM={platform}", f"UV={find_uv()}", f"PYTHON={sys.executable}",
    ]  # fmt: skip
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        raise StackError(f"{layer.logical_id} does not build:\n{outcome.stdout[-2000:]}{outcome.stderr[-4000:]}")


@contextmanager
def in_use(built: Build) -> Iterator[list[int]]:
    """Descriptors that keep the layers' folders where they are for as long as a process has them: whoever starts one
    that runs for as long as the stack hands them on."""
    descriptors: list[int] = []
    try:
        for path in built.layers.values():
            descriptors.append(os.open(path, os.O_RDONLY))
            fcntl.flock(descriptors[-1], fcntl.LOCK_SH)
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _drop_old_builds(prefix: str) -> None:
    """Keeps the last few builds of a layer, and those of which a stack runs."""
    builds = sorted(BUILD.glob(f"{prefix}*"), key=lambda path: path.stat().st_mtime)
    for path in builds[:-_KEPT_BUILDS]:
        if not _is_in_use(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_in_use(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    LOCAL.mkdir(parents=True, exist_ok=True)
    with (LOCAL / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_all(platform: str = "host") -> Build:
    """Builds whatever has changed. Raises StackError if a layer does not build."""
    with _one_at_a_time():
        return Build({layer.logical_id: build_layer(layer, platform) for layer in LAYERS}, build_functions())


def main() -> int:
    platform = sys.argv[1] if len(sys.argv) > 1 else "host"
    if platform not in PLATFORMS:
        print(f"usage: python -m local.aws.build [{'|'.join(PLATFORMS)}]", file=sys.stderr)
        return 2
    try:
        built = build_all(platform)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    for logical_id, path in built.layers.items():
        print(f"{logical_id}  {path.relative_to(ROOT)}")
    print(f"functions  {', '.join(built.functions) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
