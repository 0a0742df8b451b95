"""`key`: the API keys of the account that the profile's key is of."""

from typing import Annotated

import typer

from cli.frame.command import command
from cli.frame.desk import Desk
from cli.reach.api import Document, segment
from cli.things.shown import show_list

app = typer.Typer(no_args_is_help=True, help="API keys of your account.")

COLUMNS = ("key_id", "name", "status", "scopes", "created", "expires_at")
SHOWN_ONCE = "The key is shown this once: keep it now."

_KeyId = Annotated[str, typer.Argument(help="As `key list` shows it, key_...", show_default=False)]


@command(app, "create")
def create(
    desk: Desk,
    name: Annotated[str, typer.Option("--name", help="What it is for, for `key list`.")] = "cli",
    expires_at: Annotated[
        str | None, typer.Option("--expires-at", help="2027-01-31T00:00:00Z; left out: never.")
    ] = None,
    scope: Annotated[list[str] | None, typer.Option("--scope", help="What it may do. May be repeated.")] = None,
) -> None:
    """Makes a further key, and shows it this once."""
    said = {"name": name, "expires_at": expires_at, "scopes": scope}
    made = desk.api().post("/v1/api-keys", {field: value for field, value in said.items() if value})
    _show_new(desk, made)


@command(app, "list")
def list_keys(desk: Desk) -> None:
    """Ids and names of the keys, and which are valid. The keys themselves cannot be read again."""
    show_list(desk, "/v1/api-keys", COLUMNS, "no keys")


@command(app, "revoke")
def revoke(desk: Desk, key_id: _KeyId) -> None:
    """Ends a key at once and for good."""
    document = desk.api().delete(f"/v1/api-keys/{segment(key_id)}")
    desk.show(document or {"key_id": key_id, "status": "revoked"}, lambda: f"{key_id}: revoked")


@command(app, "rotate")
def rotate(
    desk: Desk,
    key_id: _KeyId,
    overlap_s: Annotated[
        int | None, typer.Option("--overlap-s", min=0, metavar="SECONDS", help="How long the old one goes on.")
    ] = None,
) -> None:
    """Makes a key in the place of another one, which goes on for a while."""
    body = {} if overlap_s is None else {"overlap_s": overlap_s}
    _show_new(desk, desk.api().post(f"/v1/api-keys/{segment(key_id)}/rotate", body))


def _show_new(desk: Desk, made: Document) -> None:
    desk.show(made, lambda: f"key  {made.get('raw_key')}   (id {made.get('key_id')})\n{SHOWN_ONCE}")
