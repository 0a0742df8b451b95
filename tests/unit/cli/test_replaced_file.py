"""Files that are replaced in one step, or not at all."""

import os
from pathlib import Path

import pytest

from cli.settings.replaced_file import check_replaceable, replacing


def test_what_is_written_takes_the_place_of_what_was_there_and_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("before")
    path.chmod(0o640)
    with replacing(path) as file:
        file.write("after")
        assert path.read_text() == "before"
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("after", 0o640)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("interruption", [OSError("no space"), KeyboardInterrupt()])
def test_an_interrupted_writing_leaves_what_was_there_and_nothing_beside_it(
    tmp_path: Path, interruption: BaseException
) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("before")
    with pytest.raises(type(interruption)), replacing(path) as file:
        file.write("half")
        raise interruption
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_a_file_of_its_owners_is_nobody_elses_from_its_first_byte_on(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("before")
    path.chmod(0o644)
    with replacing(path, 0o600):
        (unfinished,) = set(tmp_path.iterdir()) - {path}
        assert unfinished.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path: Path) -> None:
    kept, link, pipe = tmp_path / "kept.csv", tmp_path / "link.csv", tmp_path / "pipe"
    link.symlink_to(kept)
    with replacing(link) as file:
        file.write("through the link")
    assert link.is_symlink() and kept.read_text() == "through the link"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with replacing(pipe) as file:
        file.write("through the pipe")
    assert pipe.is_fifo() and os.read(reader, 100) == b"through the pipe"
    os.close(reader)


def test_whether_a_file_can_be_replaced_is_found_out_without_a_trace(tmp_path: Path) -> None:
    check_replaceable(tmp_path / "config.toml")
    assert list(tmp_path.iterdir()) == []
    file = tmp_path / "file"
    file.touch()
    for wrong in (tmp_path, tmp_path / "nowhere" / "config.toml", file / "config.toml"):
        with pytest.raises(OSError):
            check_replaceable(wrong)
