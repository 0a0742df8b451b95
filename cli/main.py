"""The command line `ringline`: every command, put together."""

from typing import Annotated

import typer

from cli.calling import call, calls, kept, live, transfer, watch, why
from cli.console import console
from cli.doctor import doctor
from cli.frame.command import JSON_HELP, PROFILE_HELP
from cli.frame.root import Root
from cli.operating import audit, secrets
from cli.things import account, agent, key, number, pipe, presence, profile, trunk, voice
from cli.upgrading import migrate
from cli.webhooks import endpoints

_THINGS = {
    "account": account.app,
    "key": key.app,
    "number": number.app,
    "trunk": trunk.app,
    "pipe": pipe.app,
    "agent": agent.app,
    "voice": voice.app,
    "webhook": endpoints.app,
    "profile": profile.app,
    "secrets": secrets.app,
}

app = typer.Typer(
    cls=Root,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Phone calls for voice agents, from the command line.",
)
for module in (call, calls, transfer, why, watch, console, doctor, presence, audit, migrate):
    module.add_commands(app)
kept.add_lists(app)
call.add_to_group(call.app)
transfer.add_to_group(call.app)
for module in (kept, live):
    module.add_commands(call.app)
app.add_typer(call.app, name="call", rich_help_panel="Calls")
for name, things in _THINGS.items():
    app.add_typer(things, name=name, rich_help_panel="Things")


@app.callback()
def everywhere(
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME", help=PROFILE_HELP)] = None,
) -> None:
    """Phone calls for voice agents, from the command line."""


def main() -> None:
    """Runs the command line of this process. Exits with a code of `ExitCode`."""
    app()
