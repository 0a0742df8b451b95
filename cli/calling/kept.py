"""`call show`, `transcript`, `outcomes`, `transfers`, `erase`, and `recordings`: what is known of a call, and what was
kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from cli.calling.call import CallId
from cli.frame.command import command
from cli.frame.desk import Desk
from cli.model.failures import ExitCode, Failure, Interrupted
from cli.reach.api import Api, Document, segment
from cli.shown.tables import of_rows, record
from cli.things.shown import show_list

RECORDING_COLUMNS = ("call_id", "created", "from_number", "to_number", "duration_s", "recording_url")
TRANSFER_COLUMNS = ("transfer_id", "mode", "state", "reason", "sip_code", "requested_at")
OUTCOME_COLUMNS = ("name", "status", "summary", "success_evaluation", "data", "error")
_GOES_ON = "Not every call was looked through. Ask again: the same command erases what is left."
_LONG = frozenset({"transcript", "instructions", "traces", "attempts"})


def add_commands(app: typer.Typer) -> None:
    command(app, "show", "call show call_01JD5Z")(show)
    command(app, "transcript", "call transcript call_01JD5Z")(transcript)
    command(app, "outcomes", "call outcomes call_01JD5Z")(outcomes)
    command(app, "transfers", "call transfers call_01JD5Z")(transfers)
    command(app, "erase", "call erase call_01JD5Z")(erase)


def add_lists(app: typer.Typer) -> None:
    command(app, "recordings", "recordings --limit 5", panel="Calls")(recordings)
    command(app, "erase-number", "erase-number +14155550123", panel="Calls")(erase_number)


def show(desk: Desk, call_id: CallId) -> None:
    """All that is known of a call; with --json also what was said."""
    call = desk.api().get(f"/v1/calls/{segment(call_id)}")
    desk.show(call, lambda: record({name: value for name, value in call.items() if name not in _LONG}))


def transcript(desk: Desk, call_id: CallId) -> None:
    """What was said."""
    call = desk.api().get(f"/v1/calls/{segment(call_id)}")
    turns = call.get("transcript") or []
    lines = [f"{turn.get('role')}: {turn.get('text') or turn.get('content') or ''}" for turn in turns]
    desk.show({"call_id": call_id, "transcript": turns}, lambda: "\n".join(lines) or "nothing was written down")


def outcomes(desk: Desk, call_id: CallId) -> None:
    """What the agent reported as outcomes of the conversation."""
    show_list(desk, f"/v1/calls/{segment(call_id)}/analytics", OUTCOME_COLUMNS, "no outcomes")


def transfers(desk: Desk, call_id: CallId) -> None:
    """To whom a call was handed over, and how that went."""
    show_list(desk, f"/v1/calls/{segment(call_id)}/transfers", TRANSFER_COLUMNS, "no transfers")


def erase(desk: Desk, call_id: CallId) -> None:
    """Deletes what was said and recorded in a call that is over, for good. That it took place stays."""
    receipt = desk.api().delete(f"/v1/calls/{segment(call_id)}/content")
    desk.show(receipt, lambda: record(receipt))


def recordings(
    desk: Desk,
    call: Annotated[str | None, typer.Option("--call", metavar="CALL", help="Of this call alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="So many at most.")] = 20,
) -> None:
    """Conversations that can be heard, newest first, each with a link to its recording."""
    query: dict[str, Any] = {"limit": limit} if call is None else {"call_id": call}
    page = desk.api().page("/v1/recordings", query)
    desk.show(page.as_json(), lambda: of_rows(page.rows, RECORDING_COLUMNS) if page.rows else "no recordings")


def erase_number(
    desk: Desk, number: Annotated[str, typer.Argument(metavar="NUMBER", help="Whose calls are to be erased.")]
) -> None:
    """Erases a person's number from all calls, with what was said and recorded, for good."""
    totals: dict[str, Any] = {}
    with _told_of_what_is_erased(desk, totals):
        for receipt in _erased(desk.api(), number):
            totals |= {name: (totals[name] + value if name in totals else value) for name, value in receipt.items()}
    desk.show(totals, lambda: record(totals))
    if totals.get("left"):
        desk.note("What is left is not erased: these calls must end first, and their recordings be finished.")
        desk.note("Ask again then: the same command erases what is left.")
        raise typer.Exit(ExitCode.REFUSED)


def _erased(api: Api, number: str) -> Iterator[Document]:
    """What each request has erased, until there is nothing more to look through."""
    cursor: str | None = None
    while True:
        receipt = api.post("/v1/erasures", {"number": number} | ({} if cursor is None else {"cursor": cursor}))
        cursor = receipt.pop("next_cursor", None)
        yield receipt
        if cursor is None:
            return


@contextmanager
def _told_of_what_is_erased(desk: Desk, totals: Document) -> Iterator[None]:
    """Whatever breaks an erasure off, what it has erased by then is shown."""
    try:
        yield
    except (Failure, KeyboardInterrupt) as broke:
        if totals:
            desk.show(totals, lambda: record(totals))
        if isinstance(broke, Failure):
            broke.advice = " ".join(each for each in (_GOES_ON, broke.advice) if each)
            raise
        raise Interrupted("The erasure was interrupted", _GOES_ON) from None
