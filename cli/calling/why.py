"""`why`: why a call, or an account, stands where it stands, in words."""

from typing import Annotated

import typer

from cli.frame.command import command
from cli.frame.desk import Desk
from cli.reach.api import segment
from cli.words.account import why_account
from cli.words.why import why_call


def add_commands(app: typer.Typer) -> None:
    command(app, "why", "why call_01JD5Z", panel="Calls")(why)


def why(
    desk: Desk,
    call_id: Annotated[str | None, typer.Argument(metavar="CALL", help="Left out: the account.")] = None,
) -> None:
    """Tells why a call waits, or ended as it did; without a call, why nothing of the account rings."""
    api = desk.api()
    if call_id is None:
        document = api.get("/v1/account")
        sentences = why_account(document, desk.around.clock())
    else:
        document = api.get(f"/v1/calls/{segment(call_id)}")
        sentences = why_call(document, desk.around.clock())
    desk.show({"why": sentences, "of": document}, lambda: "\n".join(sentences))
