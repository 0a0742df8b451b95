"""`secrets`: everything secret of a stack, in its one secret of Secrets Manager."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.frame.command import command
from cli.frame.desk import Desk
from cli.model.failures import Usage
from cli.shown.tables import of_rows
from ringline.runtime.clock import iso

if TYPE_CHECKING:
    from cli.reach.stack_secret import StackSecret
    from ringline.runtime.vault.document import Document

app = typer.Typer(no_args_is_help=True, help="What a stack keeps secret (operator).")

COLUMNS = ("name", "set_at", "accepted_beside", "meaning")

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Which, as `secrets list` names it.", show_default=False)]
_Secret = Annotated[
    str | None,
    typer.Option(
        "--secret",
        metavar="SECRET",
        help="The secret in Secrets Manager, by its name, before there is a stack; made where there is none. Where a"
        " profile is named, it is one of the profile's AWS account and region.",
    ),
]


@command(app, "set", "secrets set livekit --secret ringline")
def set_secret(desk: Desk, name: _Name, secret: _Secret = None) -> None:
    """(operator) Takes a value from standard input, or asks for it. The one of before is accepted beside it.

    Every function uses it within five minutes.
    """
    now = desk.around.clock()

    def with_what_is_given(before: "Document") -> "Document":
        return before.with_value(name, _value(name), now)

    _change(desk, secret, name, with_what_is_given, "set", "set", begins_at=None if secret is None else now)


@command(app, "rotate", "secrets rotate agent-tokens")
def rotate(desk: Desk, name: _Name, secret: _Secret = None) -> None:
    """(operator) Draws a fresh value of a secret that only the stack has to know. The one of before is accepted beside
    it."""
    _change(desk, secret, name, lambda before: before.with_own(name, desk.around.clock()), "rotate", "rotated")


@command(app, "forget", "secrets forget livekit")
def forget(desk: Desk, name: _Name, secret: _Secret = None) -> None:
    """(operator) Accepts the current value alone from now on, within five minutes."""
    done = "the current value alone is accepted"
    _change(desk, secret, name, lambda before: before.without_former(name), "forget", done)


@command(app, "list", "secrets list")
def list_secrets(desk: Desk, secret: _Secret = None) -> None:
    """(operator) Which secrets there are and when they were set. Values are never shown."""
    from ringline.runtime.vault.document import MEANINGS

    kept = _kept(desk, secret)
    document = kept.read()
    rows = [_row(document, name) for name in MEANINGS]

    def people() -> None:
        desk.say(of_rows(rows, COLUMNS))
        desk.say(_where(kept))

    desk.show({"data": rows} | kept.place, people)


def _kept(desk: Desk, secret: str | None) -> "StackSecret":
    """Raises Usage for a stack that does not say where its secrets are."""
    from cli.reach.stack_secret import StackSecret

    if secret is not None:
        return StackSecret(desk.around.aws_client("secretsmanager", desk.chosen_profile()), secret)
    deployment = desk.deployment()
    if not deployment.secrets_name:
        raise Usage("The stack does not say where its secrets are", "secret", "Name it with --secret.")
    return StackSecret(deployment.client("secretsmanager"), deployment.secrets_name)


def _where(kept: "StackSecret") -> str:
    """Which secret it is, of whose account: a wrong profile, or wrong credentials, are seen by it."""
    place = kept.place
    region = f" of {place['region']}" if "region" in place else ""
    account = f", AWS account {place['aws_account']}" if "aws_account" in place else ""
    return f"the secret {kept.name}{region}{account}"


def _value(name: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(name, hide_input=True, err=True))
    return sys.stdin.read().strip()


def _change(
    desk: Desk,
    secret: str | None,
    name: str,
    changed: "Callable[[Document], Document]",
    action: str,
    done: str,
    begins_at: int | None = None,
) -> None:
    """Raises Usage for what cannot be right. With `begins_at` a secret that is not there is made."""
    from ringline.runtime.vault.document import SecretRefused

    kept = _kept(desk, secret)
    try:
        document = changed(kept.read() if begins_at is None else kept.read_or_new(begins_at))
    except SecretRefused as refused:
        raise Usage(str(refused), "name") from None
    with _audited(desk, secret, action, name):
        kept.write(document)
    desk.show(_row(document, name) | kept.place, lambda: f"{name}: {done}, in {_where(kept)}")


def _audited(desk: Desk, secret: str | None, action: str, name: str) -> AbstractContextManager[object]:
    """Which secret was changed, and by whom. Of one that is named by itself there may be no stack yet, and so no table:
    AWS's own CloudTrail tells of all of them."""
    if secret is not None:
        return nullcontext()
    return desk.deployment().audited(desk.around.clock).change(f"secrets.{action}", f"secrets/{name}")


def _row(document: "Document", name: str) -> dict[str, Any]:
    from ringline.runtime.vault.document import MEANINGS

    held = document.secrets.get(name, ())
    return {
        "name": name,
        "set_at": iso(held[0].made_at) if held else None,
        "accepted_beside": [iso(each.made_at) for each in held[1:]],
        "meaning": MEANINGS[name],
    }
