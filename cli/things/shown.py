"""What the commands of all things have in common."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from cli.frame.desk import Desk
from cli.model.failures import Refused
from cli.reach.api import Document, segment
from cli.shown.tables import of_rows, record

IfRevision = Annotated[
    int | None,
    typer.Option("--if-revision", metavar="N", help="Only if it still is at this revision; refused where it is not."),
]
"""The option of a change that must not overwrite another one."""


def show_list(desk: Desk, path: str, columns: Sequence[str], none: str, query: Mapping[str, Any] | None = None) -> None:
    """All rows of a list: those columns of it, or that there are none."""
    rows = list(desk.api().rows(path, query))
    desk.show({"data": rows, "next_cursor": None}, lambda: of_rows(rows, columns) if rows else none)


def show_record(desk: Desk, document: Document) -> None:
    """One thing, with all that is set of it."""
    desk.show(document, lambda: record(document))


def put(desk: Desk, path: str, id_field: str, thing_id: str, said: Document) -> None:
    """Changes the thing, or makes it where there is none. To say nothing of one that there is leaves it as it is."""
    api = desk.api()
    one = f"{path}/{segment(thing_id)}"
    try:
        document = api.patch(one, said) if said else api.get(one)
    except Refused as refused:
        if refused.document.get("status") != 404:
            raise
        document = api.post(path, {id_field: thing_id, "name": thing_id, **said})
    show_record(desk, document)


def revision_header(if_revision: int | None) -> dict[str, str]:
    """The header of a change that must not overwrite another one."""
    return {} if if_revision is None else {"If-Match": f'"{if_revision}"'}


def delete(desk: Desk, path: str, what: str, if_revision: int | None = None) -> None:
    """Deletes what is at the path, and says so."""
    document = desk.api().delete(path, revision_header(if_revision))
    desk.show(document or {"deleted": True}, lambda: f"{what}: deleted")
