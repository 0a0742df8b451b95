"""`key`: the API keys of the account that the profile's key is of."""

from typing import Annotated

import typer

from cli.frame.command import command
from cli.frame.desk import Desk
from cli.model.failures import NotReachable, Usage
from cli.reach.api import Document, segment
from cli.reach.things import KEY
from cli.things.shown import show_list, show_record

app = typer.Typer(no_args_is_help=True, help="API keys of your account.")

COLUMNS = ("key_id", "name", "status", "scopes", "allowed_ip_ranges", "last_used_at", "last_used_from", "expires_at")
SHOWN_ONCE = "The key is shown this once: keep it now."

_Ranges = Annotated[
    list[str] | None,
    typer.Option("--ip-range", metavar="RANGE", help="From where it may be used: 203.0.113.0/24. May be repeated."),
]
_KeyId = Annotated[str, typer.Argument(metavar="KEY", help="Its id, key_..., or its name.", show_default=False), KEY]


@command(app, "create", "key create --name server --expires-at 2027-01-31T00:00:00Z")
def create(
    desk: Desk,
    name: Annotated[str, typer.Option("--name", help="What it is for, for `key list`.")] = "cli",
    expires_at: Annotated[
        str | None, typer.Option("--expires-at", help="2027-01-31T00:00:00Z; left out: never.")
    ] = None,
    scope: Annotated[list[str] | None, typer.Option("--scope", help="What it may do. May be repeated.")] = None,
    ip_range: _Ranges = None,
) -> None:
    """Makes a further key, and shows it this once."""
    said = {"name": name, "expires_at": expires_at, "scopes": scope, "allowed_ip_ranges": ip_range}
    _make(desk, "/v1/api-keys", {field: value for field, value in said.items() if value})


@command(app, "list", "key list")
def list_keys(desk: Desk) -> None:
    """Ids and names of the keys, which are valid, and when they were used last, at most an hour behind. The keys
    themselves cannot be read again."""
    show_list(desk, "/v1/api-keys", COLUMNS, "no keys")


@command(app, "show", "key show server")
def show(desk: Desk, key_id: _KeyId) -> None:
    """What is known of one key."""
    show_record(desk, desk.api().get(f"/v1/api-keys/{segment(key_id)}"))


@command(app, "restrict", "key restrict server --ip-range 203.0.113.0/24 --ip-range 2001:db8::/48")
def restrict(
    desk: Desk,
    key_id: _KeyId,
    ip_range: _Ranges = None,
    anywhere: Annotated[bool, typer.Option("--anywhere", help="From anywhere again.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also where it is the key you ask with, and is no longer good from here.")
    ] = False,
) -> None:
    """Says from where a key may be used, in place of what was said before."""
    if bool(ip_range) is anywhere:
        raise Usage("must be given, or --anywhere", "--ip-range")
    body = {"allowed_ip_ranges": ip_range or None} | ({"force": True} if force else {})
    show_record(desk, desk.api().patch(f"/v1/api-keys/{segment(key_id)}", body))


@command(app, "revoke", "key revoke server")
def revoke(desk: Desk, key_id: _KeyId) -> None:
    """Ends a key at once and for good."""
    document = desk.api().delete(f"/v1/api-keys/{segment(key_id)}")
    desk.show(document or {"key_id": key_id, "status": "revoked"}, lambda: f"{key_id}: revoked")


@command(app, "rotate", "key rotate server --overlap-s 3600")
def rotate(
    desk: Desk,
    key_id: _KeyId,
    overlap_s: Annotated[
        int | None, typer.Option("--overlap-s", min=0, metavar="SECONDS", help="How long the old one goes on.")
    ] = None,
) -> None:
    """Makes a key in the place of another one, which goes on for a while."""
    body = {} if overlap_s is None else {"overlap_s": overlap_s}
    _make(desk, f"/v1/api-keys/{segment(key_id)}/rotate", body)


def _make(desk: Desk, path: str, body: Document) -> None:
    try:
        made = desk.api().post(path, body)
    except NotReachable as failure:
        failure.advice = "It may have been made, and its key is lost: `ringline key list` shows, `key revoke` ends it."
        raise
    desk.show(made, lambda: f"key  {made.get('raw_key')}   (id {made.get('key_id')})\n{SHOWN_ONCE}")
