"""The command `ringline` itself: runs what was asked for, and turns every foreseeable failure into a line and an exit
code. A traceback means a mistake of ours."""

import sys
from collections.abc import Sequence
from typing import Any

import typer
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from typer.core import TyperGroup

from cli.frame.desk import console
from cli.model.failures import ExitCode, Failure, NotReachable, Refused, problem_document, refused_by
from cli.shown.problems import problem_line, show_problem
from ringline.runtime.web.problems import Problem

_AWAY = (EndpointConnectionError, ConnectTimeoutError, ReadTimeoutError)


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
            code = super().main(words, prog_name or "ringline", complete_var, False, windows_expand_args, **extra)
        except Failure as failure:
            code = _tell(failure, as_json)
        except Problem as problem:
            code = _tell(refused_by(problem), as_json)
        except (ClientError, BotoCoreError) as error:
            code = _tell(_of_aws(error), as_json)
        except typer.TyperException as error:
            code = _misunderstood(error, as_json)
        except (typer.Abort, KeyboardInterrupt):
            code = ExitCode.INTERRUPTED
        sys.exit(code if isinstance(code, int) else ExitCode.OK)


def _tell(failure: Failure, as_json: bool) -> ExitCode:
    if as_json:
        sys.stderr.write(problem_line(failure.document, failure.advice) + "\n")
    else:
        show_problem(console(sys.stderr), failure.document, failure.advice)
    return failure.exit_code


def _of_aws(error: Exception) -> Failure:
    if isinstance(error, _AWAY):
        return NotReachable("AWS", str(error))
    code = error.response["Error"].get("Code", "aws_error") if isinstance(error, ClientError) else type(error).__name__
    return Refused(problem_document(400, "aws_refused", str(error)) | {"aws_code": code})


def _misunderstood(error: typer.TyperException, as_json: bool) -> int:
    """A wrong option, argument or command. Where nothing was asked for at all, the help that was shown says it."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return error.exit_code
    where = getattr(error, "ctx", None)
    if as_json:
        sys.stderr.write(problem_line(problem_document(400, "usage", error.format_message())) + "\n")
    else:
        advice = "" if where is None else f"`{where.command_path} --help` shows how."
        show_problem(console(sys.stderr), {"title": error.format_message()}, advice)
    return error.exit_code
