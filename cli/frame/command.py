"""How a command is declared: a function that is handed a Desk, its own parameters and, where it changes a thing, what
was said of the thing's fields.

    @command(app, "set", "pipe set Sales --recording", fields=PIPE_FIELDS)
    def set_pipe(desk: Desk, pipe_id: PipeId, said: Said) -> None:
        \"\"\"Changes a pipe.\"\"\"

Every command also takes `--json` and `--profile`, wherever they stand on the line. A parameter or a field that names a
thing says its kind (`Annotated[str, typer.Argument(...), PIPE]`): its name is then taken as well as its id.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer.models import ArgumentInfo, OptionInfo

from cli.frame.desk import Desk
from cli.frame.fields import Field, parameters_of, said_of
from cli.frame.surroundings import Surroundings
from cli.reach.things import Kind, identify

type Said = dict[str, Any]
"""What was said of a thing's fields, as the API takes it: a null takes a field back."""

EXAMPLE = "Example: ringline "
"""What stands before the example in a command's help."""

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
    example: str,
    *,
    fields: Sequence[Field] = (),
    any_other: bool = True,
    panel: str | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds a function to an app as the command of this name. Its docstring is the command's help, with `example` below
    it: a whole line but for `ringline`. `any_other` lets `--set` say what is not among the fields."""

    def declare(run: Callable[..., None]) -> Callable[..., None]:
        app.command(name, help=inspect.getdoc(run), epilog=f"{EXAMPLE}{example}", rich_help_panel=panel)(
            _asked(run, fields, any_other)
        )
        return run

    return declare


def _asked(run: Callable[..., None], fields: Sequence[Field], any_other: bool) -> Callable[..., None]:
    """The function as typer asks it: with a context in place of the desk, and an option for each field."""
    own = [
        each for each in inspect.signature(run, eval_str=True).parameters.values() if each.name not in {"desk", "said"}
    ]

    kinds = {each.name: found for each in own if (found := kind_of(each)) is not None}

    def asked(ctx: typer.Context, **given: Any) -> None:
        json, profile = (given.pop(each) for each in _EVERYWHERE)
        said = {"said": said_of(fields, given)} if fields else {}
        desk = desk_of(ctx, json=json, profile=profile)
        given |= {name: _identified(desk, *kinds[name], value) for name, value in given.items() if name in kinds}
        if fields:
            _identify_fields(desk, fields, said["said"])
        run(desk, **given, **said)

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("ctx", keyword, annotation=typer.Context),
        *(each.replace(kind=keyword) for each in own),
        *(parameters_of(fields, any_other=any_other) if fields else ()),
        inspect.Parameter("json", keyword, default=False, annotation=_JSON),
        inspect.Parameter("profile", keyword, default=None, annotation=_PROFILE),
    ]
    of_fields = {each.option: each.kind for each in fields if each.kind is not None}
    asked.names = {called: kind for kind, called in kinds.values()} | of_fields  # type: ignore[attr-defined]
    asked.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    asked.__annotations__ = {each.name: each.annotation for each in parameters}
    return asked


def kind_of(parameter: inspect.Parameter) -> tuple[Kind, str] | None:
    """The kind of thing that a command's parameter names, and what the command line calls the parameter."""
    metadata = getattr(parameter.annotation, "__metadata__", ())
    kind = next((each for each in metadata if isinstance(each, Kind)), None)
    if kind is None:
        return None
    (shown,) = (each for each in metadata if isinstance(each, OptionInfo | ArgumentInfo))
    if isinstance(shown, ArgumentInfo):
        return kind, str(shown.metavar or parameter.name).upper()
    return kind, (shown.param_decls or [f"--{parameter.name}"])[0]


def _identified(desk: Desk, kind: Kind, called: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_identified(desk, kind, called, each) for each in value]
    return identify(desk.api, kind, value, called) if value else value


def _identify_fields(desk: Desk, fields: Sequence[Field], said: Said) -> None:
    """Puts ids in the place of names, in what was said. A dot of a field's name leads into an object."""
    for each in fields:
        *outer, last = each.name.split(".")
        inside: Any = said
        for name in outer:
            inside = inside.get(name) if isinstance(inside, dict) else None
        if each.kind is not None and isinstance(inside, dict) and isinstance(inside.get(last), str):
            inside[last] = identify(desk.api, each.kind, inside[last], each.option)


def desk_of(ctx: typer.Context, *, json: bool, profile: str | None) -> Desk:
    """The desk of a command: what was asked for before the command's name holds as well."""
    root = ctx.find_root()
    around = root.obj if isinstance(root.obj, Surroundings) else Surroundings()
    return Desk(around, json or bool(root.params.get("json")), profile or root.params.get("profile"))
