"""Commands typed in this process, at a command line that is put together once: that takes longer than most commands."""

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any, TextIO

from typer.main import get_command

from cli.frame.surroundings import Surroundings
from cli.main import app

COMMAND: Any = get_command(app)


@dataclass(frozen=True, slots=True)
class Typed:
    """What a command came to."""

    exit_code: int
    stdout: str
    stderr: str


def typed(words: list[str], around: Surroundings, stdout: TextIO | None = None) -> Typed:
    """Types a command. What it raises beside its exit code is raised here."""
    out, err = io.StringIO() if stdout is None else stdout, io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            COMMAND.main(words, obj=around)
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Typed(code, out.getvalue() if isinstance(out, io.StringIO) else "", err.getvalue())
