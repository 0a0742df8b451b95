"""Fields of the API's things as options: a table for each kind of thing instead of a signature for each command.

An option that is not given is not sent, and an empty value ('') is sent as null, which takes the field back. `--set
FIELD=VALUE` says any other field, its value read as JSON where it is JSON; the API names it where it does not know it.
"""

import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cli.model.failures import Usage
from cli.reach.things import Kind
from ringline.routing.numbers import NotANumber, is_country, read_number

type Read = Callable[[str], Any]

_SET = "set_fields"


@dataclass(frozen=True, slots=True)
class Field:
    """`name` is the API's, a dot leads into an object. `read` makes the value of the option's text, or raises
    typer.BadParameter; a switch has none, and its `--no-` form. The flag is the name with dashes unless it is given.
    `kind` is of a field that names another thing: by its id, or by its name."""

    name: str
    help: str
    read: Read | None = None
    metavar: str = "TEXT"
    flag: str | None = None
    kind: Kind | None = None

    @property
    def option(self) -> str:
        return self.flag or f"--{self.name.replace('_', '-').replace('.', '-')}"

    @property
    def parameter(self) -> str:
        return "field_" + self.option.lstrip("-").replace("-", "_")


@dataclass(frozen=True, slots=True)
class _Given:
    value: Any


def parameters_of(fields: Sequence[Field], *, any_other: bool) -> list[inspect.Parameter]:
    """The options of a command that says these fields, and, with `any_other`, `--set`."""
    made = [_parameter(each.parameter, _annotation(each)) for each in fields]
    if not any_other:
        return made
    option = typer.Option("--set", metavar="FIELD=VALUE", help="Any other field of the API. May be repeated.")
    return [*made, _parameter(_SET, Annotated[list[str] | None, option])]


def said_of(fields: Sequence[Field], given: dict[str, Any]) -> dict[str, Any]:
    """What the options say, as the API takes it. They are taken out of `given`."""
    said: dict[str, Any] = {}
    for each in fields:
        value = given.pop(each.parameter)
        if value is not None:
            _put(said, each.name, value.value if isinstance(value, _Given) else value)
    for text in given.pop(_SET, None) or ():
        name, is_said, value = text.partition("=")
        if not is_said or not name:
            raise Usage(f"{text!r} is not FIELD=VALUE", "--set")
        _put(said, name, _json_or_text(value))
    return said


def _put(said: dict[str, Any], name: str, value: Any) -> None:
    *outer, last = name.split(".")
    for each in outer:
        said = said.setdefault(each, {})
    said[last] = value


def _annotation(field: Field) -> Any:
    if field.read is None:
        option = typer.Option(f"{field.option}/--no-{field.option[2:]}", help=field.help, show_default=False)
        return Annotated[bool | None, option]
    option = typer.Option(field.option, metavar=field.metavar, help=field.help, parser=_given(field.read, field.option))
    return Annotated[Any | None, option]


def _given(read: Read, name: str) -> Callable[[str], _Given]:
    def reading(text: str) -> _Given:
        return _Given(read(text) if text else None)

    reading.__name__ = name
    return reading


def _parameter(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


# ---------------------------------------------------------------- what a text must look like


def text(value: str) -> str:
    return value


def whole(lowest: int, highest: int) -> Read:
    """A whole number between the two."""

    def read(value: str) -> int:
        if not value.isdecimal() or not lowest <= int(value) <= highest:
            raise typer.BadParameter(f"is not a whole number from {lowest} to {highest}")
        return int(value)

    return read


def number_up_to(highest: float) -> Read:
    def read(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0 <= number <= highest:
            raise typer.BadParameter(f"is not a number from 0 to {highest:g}")
        return number

    return read


def phone_number(value: str) -> str:
    """In E.164, whatever stands between its digits."""
    try:
        return read_number(value)
    except NotANumber as why:
        raise typer.BadParameter(str(why)) from None


def country(value: str) -> str:
    if not is_country(value.upper()):
        raise typer.BadParameter("is not a country by its two letters, such as US")
    return value.upper()


def prefix(value: str) -> str:
    if not re.fullmatch(r"\+[1-9]\d{0,14}", value):
        raise typer.BadParameter("is not the beginning of an E.164 number, such as +1212")
    return value


def transfer_target(value: str) -> Any:
    """A number, an agent by its id, or `end`, as the API names whom a transfer goes on to."""
    if value == "end":
        return value
    if value.startswith("+"):
        return {"type": "sip", "config": {"number": phone_number(value)}}
    return {"type": "agent", "config": {"agent_id": value}}


def one_of(*words: str) -> Read:
    def read(value: str) -> str:
        if value not in words:
            raise typer.BadParameter(f"is none of {', '.join(words)}")
        return value

    return read


def each_of(read_one: Read) -> Read:
    """A list with commas between; `none` is an empty one."""

    def read(value: str) -> list[Any]:
        return [] if value == "none" else [read_one(each.strip()) for each in value.split(",")]

    return read


def secret(value: str) -> str:
    """A text, `@file` that holds it, or `-` to be asked for it unseen: a command line can be seen by others."""
    if value == "-":
        return str(typer.prompt("secret", hide_input=True, err=True))
    return text_or_file(value).strip()


def json_object(value: str) -> Any:
    """An object in JSON, or `@file` that holds one."""
    try:
        document = json.loads(_file(value[1:]) if value.startswith("@") else value)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise typer.BadParameter("is not an object in JSON, nor @ and a file that holds one")
    return document


def text_or_file(value: str) -> str:
    """A text, or `@file` that holds it."""
    return _file(value[1:]) if value.startswith("@") else value


def _file(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} cannot be read: {error}") from None


def check_said(said: Mapping[str, Any]) -> None:
    """Raises Usage where a change says nothing."""
    if not said:
        raise Usage("Nothing to change was said", advice="`--help` shows what can be.")
