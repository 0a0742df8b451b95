"""How a command is declared: a function that is handed a Desk, its own parameters and, where it changes a thing, what
was said of the thing's fields.

    @command(app, "set", fields=PIPE_FIELDS)
    def set_pipe(desk: Desk, pipe_id: PipeId, said: Said) -> None:
        \"\"\"Changes a pipe.\"\"\"

Every command also takes `--json` and `--profile`, wherever they stand on the line.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from cli.frame.desk import Desk
from cli.frame.fields import Field, parameters_of, said_of
from cli.frame.surroundings import Surroundings

type Said = dict[str, Any]
"""What was said of a thing's fields, as the API takes it: a null takes a field back."""

JSON_HELP = "One JSON document on stdout; a failure as a problem document on stderr."
PROFILE_HELP = "Which stack: a profile by its name, or `local`."

_JSON = Annotated[bool, typer.Option("--json", help=JSON_HELP, rich_help_panel="Everywhere")]
_PROFILE = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help=PROFILE_HELP, rich_help_panel="Everywhere")
]
_EVERYWHERE = ("json", "profile")


def command(
    app: typer.Typer,
    name: str,
    *,
    fields: Sequence[Field] = (),
    any_other: bool = True,
    panel: str | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds a function to an app as the command of this name. Its docstring is the command's help. `any_other` lets
    `--set` say what is not among the fields."""

    def declare(run: Callable[..., None]) -> Callable[..., None]:
        app.command(name, help=inspect.getdoc(run), rich_help_panel=panel)(_asked(run, fields, any_other))
        return run

    return declare


def _asked(run: Callable[..., None], fields: Sequence[Field], any_other: bool) -> Callable[..., None]:
    """The function as typer asks it: with a context in place of the desk, and an option for each field."""
    own = [
        each for each in inspect.signature(run, eval_str=True).parameters.values() if each.name not in {"desk", "said"}
    ]

    def asked(ctx: typer.Context, **given: Any) -> None:
        json, profile = (given.pop(each) for each in _EVERYWHERE)
        said = {"said": said_of(fields, given)} if fields else {}
        run(desk_of(ctx, json=json, profile=profile), **given, **said)

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("ctx", keyword, annotation=typer.Context),
        *(each.replace(kind=keyword) for each in own),
        *(parameters_of(fields, any_other=any_other) if fields else ()),
        inspect.Parameter("json", keyword, default=False, annotation=_JSON),
        inspect.Parameter("profile", keyword, default=None, annotation=_PROFILE),
    ]
    asked.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    asked.__annotations__ = {each.name: each.annotation for each in parameters}
    return asked


def desk_of(ctx: typer.Context, *, json: bool, profile: str | None) -> Desk:
    """The desk of a command: what was asked for before the command's name holds as well."""
    root = ctx.find_root()
    around = root.obj if isinstance(root.obj, Surroundings) else Surroundings()
    return Desk(around, json or bool(root.params.get("json")), profile or root.params.get("profile"))
