"""A file that is written beside the one that it is to replace, so that an interrupted command leaves what was there."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

ANYBODY = 0o666
"""The mode of a file that is nobody's in particular: the umask takes from it what it takes from every new file."""


@contextmanager
def replacing(path: Path, mode: int | None = None) -> Iterator[TextIO]:
    """What is written takes the place of the file at `path` in one step, when all of it is on the disk. `mode` are its
    permissions, None for those of the file that is there. What is no file, such as /dev/stdout, is written to as it
    is. Raises OSError."""
    place = path.resolve()
    there = _there(place)
    if there is not None and not stat.S_ISREG(there.st_mode):
        with place.open("w", newline="") as file:
            yield file
        return
    unfinished = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ANYBODY if mode is None else mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            if mode is None and there is not None:
                os.fchmod(descriptor, stat.S_IMODE(there.st_mode))
            yield file
            file.flush()
            os.fsync(descriptor)
        unfinished.replace(place)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def check_replaceable(path: Path) -> None:
    """Raises OSError where `replacing` would: tried, because permissions alone do not tell."""
    place = path.resolve()
    if place.is_dir():
        raise IsADirectoryError(21, os.strerror(21), str(place))
    tried = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    os.close(os.open(tried, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    tried.unlink()


def _there(place: Path) -> os.stat_result | None:
    try:
        return place.stat()
    except FileNotFoundError:
        return None
