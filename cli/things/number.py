"""`number`: what you call from and are called on."""

from copy import replace
from typing import Annotated, Any

import typer

from cli.frame.command import Said, command
from cli.frame.desk import Desk
from cli.frame.fields import Field, check_said, country, phone_number, text, whole
from cli.reach.api import segment
from cli.reach.things import AGENT, NUMBER, PIPE, TRUNK
from cli.shown.tables import of_rows
from cli.things.shown import IfRevision, delete, revision_header, show_list, show_record

app = typer.Typer(no_args_is_help=True, help="Numbers: what you call from and are called on.")

COLUMNS = (
    "number",
    "number_id",
    "status",
    "connection_state",
    "trunk_id",
    "pipe_id",
    "agent_id",
    "max_calls",
    "revision",
)
DRIFT_COLUMNS = ("kind", "what", "livekit_id", "number", "trunk_id", "repaired", "detail")
_DECIDED = replace(PIPE, words=frozenset({"accept", "reject"}))
CHANGES = (
    Field("pipe_id", "Whose agent takes its callers, within the pipe's limits.", text, "PIPE", "--pipe", PIPE),
    Field("agent_id", "Who takes its callers, before the pipe's agent.", text, "AGENT", "--agent", AGENT),
    Field("trunk_id", "The trunk that it belongs to.", text, "TRUNK", "--trunk", TRUNK),
    Field("country", "Where its numbers are; two letters.", country, "CC"),
    Field("max_calls", "So many calls from and to it at once; '' for no cap of its own.", whole(1, 1_000_000), "N"),
    Field("calls_per_day", "So many dials from it in a day (UTC).", whole(1, 1_000_000), "N"),
    Field(
        "overflow.pipe_id",
        "Who takes its callers where no line is free; `--set overflow=null` for nobody.",
        text,
        "PIPE",
        "--overflow-pipe",
        PIPE,
    ),
    Field("overflow.agent_id", "The same, by an agent.", text, "AGENT", "--overflow-agent", AGENT),
    Field("overflow.number", "The same, by another number of yours.", text, "NUMBER", "--overflow-number", NUMBER),
    Field("decision_url", "Asked, signed, what becomes of each caller.", text, "URL"),
    Field(
        "decision_default", "Where it does not answer in time: accept, reject, or a pipe.", text, "WHAT", kind=_DECIDED
    ),
)

_NumberId = Annotated[
    str,
    typer.Argument(metavar="NUMBER", help="In E.164, or its id as `number list` shows it.", show_default=False),
    NUMBER,
]


@command(app, "add", "number add +14155550123 --trunk Twilio --agent front-desk", fields=CHANGES)
def add(
    desk: Desk,
    number: Annotated[
        str, typer.Argument(metavar="NUMBER", parser=phone_number, help="In E.164, +14155550123.", show_default=False)
    ],
    said: Said,
) -> None:
    """Adds a number of a trunk of yours. LiveKit is told to let its callers in."""
    show_record(desk, desk.api().post("/v1/numbers", {"number": number, **said}))


@command(app, "list", "number list --status available")
def list_numbers(
    desk: Desk,
    status: Annotated[str | None, typer.Option(help="available, assigned, in_call or disabled.")] = None,
    of_country: Annotated[str | None, typer.Option("--country", help="Of this country; two letters.")] = None,
) -> None:
    """All numbers, and what they are attached to."""
    show_list(desk, "/v1/numbers", COLUMNS, "no numbers", {"status": status, "country": of_country})


@command(app, "show", "number show +14155550123")
def show(desk: Desk, number: _NumberId) -> None:
    """One number."""
    show_record(desk, desk.api().get(f"/v1/numbers/{segment(number)}"))


@command(app, "attach", "number attach +14155550123 --agent front-desk")
def attach(
    desk: Desk,
    number: _NumberId,
    agent: Annotated[str | None, typer.Option(metavar="AGENT", help="Who takes its callers."), AGENT] = None,
    pipe: Annotated[
        str | None, typer.Option(metavar="PIPE", help="Whose agent takes them, within its limits."), PIPE
    ] = None,
) -> None:
    """Leads the callers of a number to an agent, a pipe, or both."""
    said = {"agent_id": agent, "pipe_id": pipe}
    body = {name: value for name, value in said.items() if value is not None}
    show_record(desk, desk.api().post(f"/v1/numbers/{segment(number)}/attach", body))


@command(app, "detach", "number detach +14155550123")
def detach(desk: Desk, number: _NumberId) -> None:
    """Leads the callers of a number to nobody."""
    show_record(desk, desk.api().delete(f"/v1/numbers/{segment(number)}/attach"))


@command(app, "set", "number set +14155550123 --agent sales --max-calls 5", fields=CHANGES)
def change(desk: Desk, number: _NumberId, said: Said, if_revision: IfRevision = None) -> None:
    """Changes a number; what is not named stays, '' takes a field back."""
    check_said(said)
    path = f"/v1/numbers/{segment(number)}"
    show_record(desk, desk.api().patch(path, said, revision_header(if_revision)))


@command(app, "delete", "number delete +14155550123")
def delete_number(desk: Desk, number: _NumberId, if_revision: IfRevision = None) -> None:
    """Gives a number up, and removes what was made for it at LiveKit."""
    delete(desk, f"/v1/numbers/{segment(number)}", f"number {number}", if_revision)


@command(app, "sync", "number sync")
def sync(desk: Desk) -> None:
    """Compares the numbers with LiveKit's trunks and rules, mends ours and reports what differs."""
    document = desk.api().post("/v1/numbers/sync")
    drift = document.get("drift") or []

    def people() -> Any:
        desk.say(f"{document.get('synced')} numbers are as they should be, {document.get('new')} are new here")
        return of_rows(drift, DRIFT_COLUMNS) if drift else None

    desk.show(document, people)


@command(app, "rotate-decision-secret", "number rotate-decision-secret +14155550123")
def rotate_decision_secret(desk: Desk, number: _NumberId, if_revision: IfRevision = None) -> None:
    """Makes another decision secret, shown this once; the old one signs nothing from then on."""
    path = f"/v1/numbers/{segment(number)}/decision-secret/rotate"
    show_record(desk, desk.api().post(path, None, revision_header(if_revision)))
