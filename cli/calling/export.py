"""Calls written to a file, or to stdout: all of them, or nothing of the file is changed."""

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TextIO

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.frame.desk import Desk
from cli.model.failures import Failure, Interrupted, problem_document
from cli.reach.api import Document
from cli.settings.replaced_file import replacing
from cli.shown.printable import json_text, printable
from cli.shown.tables import at, plain


class Format(StrEnum):
    """CSV has the columns alone, JSONL each call as the API shows it."""

    CSV = "csv"
    JSONL = "jsonl"


def export_calls(
    desk: Desk, rows: Iterator[Document], form: Format, columns: Sequence[str], output: Path | None
) -> None:
    """Writes all rows to `output`, whose place the new file takes when the last one is written; None is stdout. A
    failure, and an interruption, say what became of the file."""
    with _file(output) as file, _counted(desk, rows) as counted:
        count = _write(file, counted, form, columns)
    if output is not None:
        desk.show({"rows": count, "path": str(output)}, lambda: f"{count} calls in {output}")


def _write(file: TextIO, rows: Iterable[Document], form: Format, columns: Sequence[str]) -> int:
    count = 0
    writer = csv.writer(file)
    if form is Format.CSV:
        writer.writerow(columns)
    for row in rows:
        if form is Format.CSV:
            writer.writerow([printable(plain(at(row, name))) for name in columns])
        else:
            file.write(json_text(row, to=file) + "\n")
        count += 1
    return count


@contextmanager
def _file(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    left = f"{path} stays as it was." if path.exists() else f"{path} is not made."
    try:
        with replacing(path) as file:
            yield file
    except OSError as error:
        title = f"{path} cannot be written: {error.strerror}"
        raise Failure(problem_document(400, "not_written", title), left) from None
    except Failure as failure:
        failure.advice = " ".join(each for each in (left, failure.advice) if each)
        raise
    except KeyboardInterrupt:
        raise Interrupted("The export was interrupted", left) from None


@contextmanager
def _counted(desk: Desk, rows: Iterator[Document]) -> Iterator[Iterator[Document]]:
    """The rows, counted on stderr as they go by. How many there will be nobody knows."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.completed} calls"),
        TimeElapsedColumn(),
        console=desk.err,
        disable=desk.json or not desk.err.is_terminal,
    )
    with bar:
        yield iter(bar.track(rows, description="calls", total=None))
