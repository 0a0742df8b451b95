"""`console`: the command."""

import webbrowser
from copy import replace
from secrets import token_urlsafe
from typing import Annotated

import typer

from cli.frame.command import command
from cli.frame.desk import Desk
from cli.model.failures import ExitCode

_TOKEN_BYTES = 24
_LOOKS_S = 3600.0


def add_commands(app: typer.Typer) -> None:
    command(app, "console", "console --no-browser", panel="Watching")(console)


def console(
    desk: Desk,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, metavar="PORT", help="0 for any.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it in the browser.")] = True,
) -> None:
    """Serves pages about the stack to this machine's browser: what goes on, calls, webhooks, set-up. Ctrl-C ends it."""
    from cli.console.parts.office import Office
    from cli.console.routes import answer
    from cli.console.server import serving

    # `profile use` in another window must not lead these pages to another stack.
    office = Office(replace(desk, kept=desk.profile()))
    office.check()
    token, once = token_urlsafe(_TOKEN_BYTES), token_urlsafe(_TOKEN_BYTES)
    with serving(port, token, lambda asked: answer(office, asked), once) as address:
        desk.show({"url": address}, lambda: address)
        desk.note("Whoever has this address may do here what you may. Ctrl-C ends it.")
        if browser and not desk.json:
            # The arguments of a process are for every user of this machine to read, and this code is void when it is.
            webbrowser.open(address.replace(token, once))
        try:
            while True:
                desk.around.sleep(_LOOKS_S)
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.OK) from None
