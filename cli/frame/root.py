"""The command `ringline` itself: runs what was asked for, and turns every foreseeable failure into a line and an exit
code. A traceback means a mistake of ours."""

import errno
import io
import sys
from collections.abc import Sequence
from typing import Any, TextIO

import typer
from typer.core import TyperGroup

from cli.frame.desk import console, leave_stdout
from cli.model.failures import ExitCode, Failure, NotReachable, Refused, problem_document, refused_by
from cli.shown.problems import problem_line, show_problem
from ringline.runtime.web.problems import Problem

NAME = "ringline"
"""What the command calls itself, however it was started."""

_NOT_WRITTEN = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})

_SET_A_REGION = (
    "`export AWS_DEFAULT_REGION=...` names the stack's region, `ringline profile add NAME --region ...` for good."
)
_GIVE_CREDENTIALS = (
    "They come from the environment, as for any AWS command, or from `ringline profile add NAME --aws-profile ...`."
)


class Root(TyperGroup):
    """The whole command line. It exits with a code of `ExitCode`, from the console script and from a test alike."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        as_json = "--json" in words
        try:
            _take_any_text()
            code = super().main(words, NAME, complete_var, False, windows_expand_args, **extra)
            sys.stdout.flush()
        except Failure as failure:
            code = _tell(failure, as_json)
        except Problem as problem:
            code = _tell(refused_by(problem), as_json)
        except typer.TyperException as error:
            code = _misunderstood(error, as_json)
        except (typer.Abort, KeyboardInterrupt):
            code = ExitCode.INTERRUPTED
        except Exception as error:
            foreseeable = _of_stdout(error) or _of_aws(error)
            if foreseeable is None:
                raise
            code = _tell(foreseeable, as_json)
        sys.exit(code if isinstance(code, int) else ExitCode.OK)


def _take_any_text() -> None:
    """What a stream's encoding does not have is written as a question mark: JSON is escaped before. Raises Failure
    where there is no stdout, before anything is done whose answer would be lost."""
    # Python has no stream where the shell has closed its file.
    streams: list[TextIO | None] = [sys.stdout, sys.stderr]
    if streams[1] is None:
        sys.stderr = io.StringIO()
    if streams[0] is None:
        sys.stdout = io.StringIO()
        raise Failure(problem_document(400, "not_written", "There is no stdout to write the answer to: it is closed"))
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


def _of_stdout(error: Exception) -> Failure | None:
    """What stdout did not take, such as a file on a full disk; None for any other error. Of a pipe whose reader is gone
    nobody is told."""
    if not isinstance(error, OSError) or error.filename is not None or error.errno not in _NOT_WRITTEN:
        return None
    leave_stdout()
    return Failure(problem_document(400, "not_written", f"stdout did not take the answer: {error.strerror}"))


def _tell(failure: Failure, as_json: bool) -> ExitCode:
    if as_json:
        sys.stderr.write(problem_line(failure.document, failure.advice) + "\n")
    else:
        show_problem(console(sys.stderr), failure.document, failure.advice)
    return failure.exit_code


def _of_aws(error: Exception) -> Failure | None:
    """What AWS refused or did not answer; None for any other error."""
    if "botocore" not in sys.modules:
        return None
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionError,
        HTTPClientError,
        NoCredentialsError,
        NoRegionError,
    )

    if isinstance(error, ConnectionError | HTTPClientError):
        return NotReachable("AWS", str(error))
    if isinstance(error, ClientError):
        return Refused(problem_document(400, "aws_refused", str(error)) | {"aws_code": error.response["Error"]["Code"]})
    if not isinstance(error, BotoCoreError):
        return None
    advice = _SET_A_REGION if isinstance(error, NoRegionError) else ""
    advice = _GIVE_CREDENTIALS if isinstance(error, NoCredentialsError) else advice
    return Refused(problem_document(400, "aws_refused", str(error)), advice)


def _misunderstood(error: typer.TyperException, as_json: bool) -> int:
    """A wrong option, argument or command. Where nothing was asked for at all, the help that was shown says it."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return error.exit_code
    where = getattr(error, "ctx", None)
    if as_json:
        field = _field_of(error)
        errors = () if field is None else ((field, getattr(error, "message", "") or "must be given"),)
        sys.stderr.write(problem_line(problem_document(400, "usage", error.format_message(), errors)) + "\n")
    else:
        advice = "" if where is None else f"`{where.command_path} --help` shows how."
        show_problem(console(sys.stderr), {"title": error.format_message()}, advice)
    return error.exit_code


def _field_of(error: typer.TyperException) -> str | None:
    """What the command line calls what was wrong: an option by its long name, an argument as its help does."""
    parameter = getattr(error, "param", None)
    if parameter is None:
        return getattr(error, "option_name", None)
    if parameter.param_type_name == "option":
        return str(max(parameter.opts, key=len))
    return str(parameter.metavar or parameter.name).upper()
