"""The command `ringline` itself: runs what was asked for, and turns every foreseeable failure into a line and an exit
code. A traceback means a mistake of ours."""

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from cli.frame.desk import console
from cli.model.failures import ExitCode, Failure, NotReachable, Refused, problem_document, refused_by
from cli.shown.problems import problem_line, show_problem
from ringline.runtime.web.problems import Problem

NAME = "ringline"
"""What the command calls itself, however it was started."""


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
            code = super().main(words, NAME, complete_var, False, windows_expand_args, **extra)
        except Failure as failure:
            code = _tell(failure, as_json)
        except Problem as problem:
            code = _tell(refused_by(problem), as_json)
        except typer.TyperException as error:
            code = _misunderstood(error, as_json)
        except (typer.Abort, KeyboardInterrupt):
            code = ExitCode.INTERRUPTED
        except Exception as error:
            from_aws = _of_aws(error)
            if from_aws is None:
                raise
            code = _tell(from_aws, as_json)
        sys.exit(code if isinstance(code, int) else ExitCode.OK)


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
    from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

    if isinstance(error, ConnectionError | HTTPClientError):
        return NotReachable("AWS", str(error))
    if isinstance(error, ClientError):
        return Refused(problem_document(400, "aws_refused", str(error)) | {"aws_code": error.response["Error"]["Code"]})
    return Refused(problem_document(400, "aws_refused", str(error))) if isinstance(error, BotoCoreError) else None


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
