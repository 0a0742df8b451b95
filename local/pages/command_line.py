"""Writes docs/cli.md from the command line itself: `python -m local.pages.command_line`."""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from cli.frame.command import JSON_HELP, PROFILE_HELP
from cli.main import app
from cli.model.failures import EXIT_CODES
from local.tools.places import ROOT

PAGE = ROOT / "docs" / "cli.md"

_EVERYWHERE = frozenset({"json", "profile", "help", "install_completion", "show_completion"})

_INTRODUCTION = """# The command line

Written by `make cli-page` from `cli/`; a test holds it to the commands. `ringline --help`, and `--help` behind every
command, say the same, with an example of each.

```console
$ make up                                            # a stack on this machine, and the command with it
$ .venv/bin/ringline call +15550100200 --pipe pipe_...
$ .venv/bin/ringline --install-completion            # of commands and options, in your shell; put .venv/bin on PATH
```

What a customer may do goes through the HTTP API with a key, so that whatever the command can do, your program can.
What is marked *(operator)* goes to AWS itself, with the credentials and region of the environment, as any AWS command.

## Which stack

A stack that is up on this machine is found by itself, as the profile `local`. Others have a profile in
`~/.config/ringline/config.toml` (`XDG_CONFIG_HOME` and `RINGLINE_CONFIG` move it), which only its owner may read:

```console
$ ringline profile add acme --api-url https://<ApiUrl>       # a customer's: asks for the key, or takes RINGLINE_API_KEY
$ ringline profile add prod --stack ringline --region eu-west-1    # an operator's: the CloudFormation stack
$ ringline --profile prod account create "Acme Corp" --save-profile acme     # an account, whose key becomes a profile
$ ringline profile use acme
```

A command is for the stack that `--profile` names, else `RINGLINE_PROFILE`, else the one that `profile use` chose, else
the one on this machine, else the only profile there is.

## For people and for programs

Without `--json`, answers are tables and sentences. With it, stdout holds one JSON document, as the API shows it, and a
failure is one line of problem document on stderr, whose `errors` name the fields. It may stand anywhere on the line.

"""

_AFTER_CODES = """
An option that is not given leaves a field as it is, an empty value (`--from ''`) takes it back, and `--set FIELD=VALUE`
says any other field of the API, its value in JSON. `put` makes a thing or changes it: the same twice is as once.
`--if-revision` changes a thing only if nobody has since.

A thing is named by its id, or by its name (a number as people write it, a webhook endpoint by its URL) where only one
is called so; where several are, they are listed, and nothing is done.
"""


def page() -> str:
    """The whole page as it should be."""
    root: Any = get_command(app)
    alone = {name: each for name, each in root.commands.items() if not hasattr(each, "commands")}
    groups = {name: each for name, each in root.commands.items() if hasattr(each, "commands")}
    parts = [_INTRODUCTION + _exit_codes(), _AFTER_CODES, f"| everywhere | |\n|---|---|\n{_everywhere()}"]
    parts.append(_chapter("Calls, and what goes on", "", alone))
    parts += [_chapter(f"`{name}`", _text(each.help), each.commands, f"{name} ") for name, each in groups.items()]
    return "\n".join(parts)


def _exit_codes() -> str:
    rows = [f"| {code.value} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    return "\n".join(["| exit code | the command |", "|---|---|", *rows, ""])


def _everywhere() -> str:
    return "\n".join([f"| `--json` | {JSON_HELP} |", f"| `--profile NAME` | {PROFILE_HELP} |", ""])


def _chapter(title: str, text: str, commands: dict[str, Any], prefix: str = "") -> str:
    rows = [f"| `{_line(_called(prefix, name), each)}` | {_text(each.help)} |" for name, each in commands.items()]
    lines = [f"## {title}", "", *([text, ""] if text else []), "| command | |", "|---|---|", *rows, ""]
    options = list(_options(commands))
    if options:
        lines += ["| option | of | |", "|---|---|---|", *options, ""]
    return "\n".join(lines)


def _called(prefix: str, name: str) -> str:
    """A command that is meant where none is named is shown without its name."""
    return prefix.strip() if f"{prefix}{name}" == "call place" else prefix + name


def _line(name: str, command: Any) -> str:
    arguments = [_argument(each) for each in command.params if each.param_type_name == "argument"]
    return " ".join([name, *arguments])


def _argument(argument: Any) -> str:
    word = (argument.metavar or argument.name).upper().strip("{}[]")
    return word if argument.required else f"[{word}]"


def _options(commands: dict[str, Any]) -> Iterator[str]:
    """Each option once, with the commands that take it and mean the same by it."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, command in commands.items():
        for each in command.params:
            if each.param_type_name == "option" and each.name not in _EVERYWHERE:
                found.setdefault((_flag(each), _text(each.help)), []).append(name)
    for (flag, says), names in found.items():
        yield f"| `{flag}` | {', '.join(names)} | {says} |"


def _flag(option: Any) -> str:
    flags = [*option.opts, *option.secondary_opts]
    if option.is_flag:
        return " ".join(flags)
    return f"{' '.join(flags)} {option.metavar or option.name.upper()}"


def _text(help_: str | None) -> str:
    return " ".join((help_ or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
