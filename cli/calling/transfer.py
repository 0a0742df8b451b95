"""`transfer`: hands a call over to a phone number or to another agent."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.calling.call import CallId
from cli.frame.command import command
from cli.frame.desk import Desk
from cli.frame.fields import phone_number
from cli.model.failures import Refused, Usage
from cli.reach.api import Api, segment
from cli.shown.tables import record


class Mode(StrEnum):
    COLD = "cold"
    WARM = "warm"


def add_commands(app: typer.Typer) -> None:
    command(app, "transfer", panel="Calls")(transfer)


def transfer(
    desk: Desk,
    call_id: CallId,
    number: Annotated[
        str | None, typer.Option("--number", parser=phone_number, metavar="NUMBER", help="To this phone.")
    ] = None,
    agent: Annotated[str | None, typer.Option("--agent", metavar="AGENT", help="To this agent of yours.")] = None,
    mode: Annotated[Mode, typer.Option(help="cold: away from here; warm: into the same conversation.")] = Mode.COLD,
) -> None:
    """Hands a conversation over to a phone, or to another agent."""
    if (number is None) == (agent is None):
        raise Usage("Either --number or --agent must be given", "--number")
    to: dict[str, Any] = {"type": "sip", "config": {"number": number}}
    if agent is not None:
        to = {"type": "agent", "config": {"agent_id": agent}}
    api = desk.api()
    session = _session_of(api, call_id)
    document = api.post(f"/v1/sessions/{segment(session)}/transfer", {"to": to, "mode": mode.value})
    desk.show(document, lambda: record(document))


def _session_of(api: Api, call_id: str) -> str:
    """The session that a call stands in."""
    call = api.get(f"/v1/calls/{segment(call_id)}")
    session = call.get("session_id")
    if session is None:
        title = f"{call_id} has nobody at the phone to hand over: it is {call.get('status')}"
        raise Refused({"title": title, "status": 409, "code": "no_session"})
    return str(session)
