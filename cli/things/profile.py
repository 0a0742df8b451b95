"""`profile`: which stacks the command knows, and which one it talks to."""

import sys
from copy import replace
from typing import Annotated

import typer
from rich.prompt import Prompt

from cli.frame.command import command
from cli.frame.desk import Desk
from cli.model.failures import Usage
from cli.model.profiles import LOCAL, Profile
from cli.reach.api import is_absolute_url, is_visible_ascii
from cli.settings.settings_file import Settings, check_name
from cli.shown.tables import record, table

app = typer.Typer(no_args_is_help=True, help="Which stacks the command knows, and which one it talks to.")

_Name = Annotated[str, typer.Argument(help="What you call it.", show_default=False)]


@command(app, "add", "profile add acme --api-url https://abc.execute-api.eu-west-1.amazonaws.com")
def add(
    desk: Desk,
    name: _Name,
    api_url: Annotated[str | None, typer.Option("--api-url", help="The output ApiUrl of the stack.")] = None,
    api_key: Annotated[
        str | None,
        typer.Option(
            "--api-key",
            help="sk_...; left out, a profile without one takes RINGLINE_API_KEY's, or you are asked for it.",
        ),
    ] = None,
    stack: Annotated[str | None, typer.Option("--stack", help="For an operator: its CloudFormation stack.")] = None,
    region: Annotated[str | None, typer.Option("--region", help="The stack's AWS region.")] = None,
    aws_profile: Annotated[str | None, typer.Option("--aws-profile", help="Whose AWS credentials.")] = None,
) -> None:
    """Adds a profile, or changes what is named of it. The settings file is its owner's alone to read."""
    check_name(name)
    settings = desk.settings.read()
    before = settings.profiles.get(name, Profile(name=name))
    key = api_key or _first_key(desk, before, api_url)
    profile = replace(
        before,
        api_url=api_url or before.api_url,
        api_key=key or before.api_key,
        stack=stack or before.stack,
        region=region or before.region,
        aws_profile=aws_profile or before.aws_profile,
    )
    if profile.api_url is None and profile.stack is None:
        raise Usage("must be given, or --stack", "--api-url")
    _check_url(api_url)
    _check_key(key)
    keep(desk, profile)
    desk.show(profile.as_json(), lambda: f"{name}: kept in {desk.settings.path}")


def keep(desk: Desk, profile: Profile) -> None:
    """Writes a profile to the settings file."""
    settings = desk.settings.read()
    desk.settings.write(replace(settings, profiles={**settings.profiles, profile.name: profile}))


@command(app, "list", "profile list")
def list_profiles(desk: Desk) -> None:
    """All profiles; the one that is used is marked."""
    settings, running = desk.settings.read(), desk.around.running_stack(desk.around.environ)
    profiles = [*([] if running is None else [running]), *settings.profiles.values()]
    used = _used(desk)
    rows = [["*" if each.name == used else "", *_row(each)] for each in profiles]
    document = {"data": [each.as_json() | {"used": each.name == used} for each in profiles]}
    columns = ["", "name", "api_url", "api_key", "stack"]
    desk.show(document, lambda: table(columns, rows) if rows else "no profiles: `make up`, or `ringline profile add`")


@command(app, "use", "profile use acme")
def use(desk: Desk, name: _Name) -> None:
    """Chooses the profile that is used where none is named. `local` is the stack on this machine."""
    settings = desk.settings.read()
    if name != LOCAL and name not in settings.profiles:
        raise Usage(f"There is no profile {name}", "name")
    desk.settings.write(replace(settings, current=name))
    desk.show({"current": name}, lambda: f"{name} is used from now on")


@command(app, "show", "profile show acme")
def show(
    desk: Desk, name: Annotated[str | None, typer.Argument(help="Left out: the one that is used.")] = None
) -> None:
    """One profile, with its key but for its beginning left out."""
    profile = replace(desk, named=name or desk.named).profile()
    desk.show(profile.as_json(), lambda: record(profile.as_json()))


@command(app, "remove", "profile remove acme")
def remove(desk: Desk, name: _Name) -> None:
    """Forgets a profile, with its key."""
    settings = desk.settings.read()
    if name not in settings.profiles:
        raise Usage(f"There is no profile {name}", "name")
    profiles = {each: profile for each, profile in settings.profiles.items() if each != name}
    desk.settings.write(Settings(None if settings.current == name else settings.current, profiles))
    desk.show({"removed": name}, lambda: f"{name}: forgotten")


def _first_key(desk: Desk, before: Profile, api_url: str | None) -> str | None:
    """The key of a profile that has none and needs one: the environment's, or one that is typed unseen, where somebody
    is there to be asked. A key that is kept is replaced by `--api-key` alone, for nobody can read it again."""
    if before.api_key is not None or (api_url or before.api_url) is None:
        return None
    held = desk.around.environ.get("RINGLINE_API_KEY")
    if held or api_url is None or not sys.stdin.isatty():
        return held
    return Prompt.ask("API key (sk_...)", password=True) or None


def _check_url(api_url: str | None) -> None:
    if api_url is not None and not is_absolute_url(api_url):
        raise Usage("is not an absolute URL, https://...", "--api-url")


def _check_key(api_key: str | None) -> None:
    if api_key is not None and not is_visible_ascii(api_key):
        raise Usage("is no key, sk_...: it has blanks, or characters beyond ASCII", "--api-key")


def _used(desk: Desk) -> str | None:
    try:
        return desk.profile().name
    except Usage:
        return None


def _row(profile: Profile) -> list[str | None]:
    shown = profile.as_json()
    return [shown["name"], shown["api_url"], shown["api_key"], shown["stack"]]
