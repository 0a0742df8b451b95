"""`migrate`: brings the rows of earlier releases to this one's."""

from contextlib import nullcontext
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.frame.command import command
from cli.frame.desk import Desk
from cli.model.failures import ExitCode, Usage

if TYPE_CHECKING:
    from cli.reach.deployment import Deployment
    from ringline.runtime.vault.sealed import Sealer
    from ringline.upgrading.migrate import Migrated

_TOLD_EVERY = 1000
"""Rows between two lines of progress."""

_NAMED = 10
"""So many rows that are in the way are named to people; a program is given all of them."""

_WHAT_TO_DO = (
    "Somebody other than Ringline wrote or changed these: each leads to no key of its account, or stands beside that "
    "key's true row in A#<account>#KEYS. Delete or mend them as docs/upgrading.md says (Keys apart), and migrate again "
    "before you deploy another release."
)

_DryRun = Annotated[bool, typer.Option("--dry-run", help="Says what it would do, and changes nothing.")]


def add_commands(app: typer.Typer) -> None:
    command(app, "migrate", "migrate --dry-run", panel="Operating")(migrate_rows)


def migrate_rows(desk: Desk, dry_run: _DryRun = False) -> None:
    """(operator) Brings rows that earlier releases wrote to this release's schema, and seals secrets that they kept as
    they were; removes what was asked of calls that never came about, and puts the rows of accounts' keys where the
    deployment has them (`KeysApart`).

    Calls go on meanwhile. Cut off, it goes on where it stopped, or begins anew where the stack was deployed since; run
    again, it finds nothing left to do. Where rows of keys cannot be moved it says which are in the way, and exits
    with 1.
    """
    from ringline.runtime.vault.row_secrets import RowSecrets
    from ringline.upgrading.migrate import migrate
    from ringline.upgrading.store import WholeTable

    deployment = desk.deployment()
    told = 0
    done = None
    rows = WholeTable(deployment.dynamodb, deployment.table_name)
    sealing = partial(RowSecrets, cache(partial(_sealer, deployment)))
    with nullcontext() if dry_run else deployment.audited(desk.around.clock).change("migrate", "table"):
        for done in migrate(
            rows,
            sealing,
            now=desk.around.clock(),
            keys_apart=deployment.keys_apart,
            deployed_at=deployment.deployed_at,
            is_dry=dry_run,
        ):
            if done.looked_at - told >= _TOLD_EVERY:
                told = done.looked_at
                desk.note(f"{done.looked_at} rows looked at, {_changed(done)}")
    if done is not None:
        document, line = _document(done), _line(done)
        desk.show(document, lambda: line)
        _tell_not_moved(desk, done)


def _tell_not_moved(desk: Desk, done: "Migrated") -> None:
    """Raises typer.Exit where a key's row stays where it is not to stand."""
    if not done.in_the_way:
        return
    desk.note(f"{len(done.in_the_way)} rows of keys {'cannot' if done.is_dry else 'could not'} be moved. In the way:")
    for pk, sk in done.in_the_way[:_NAMED]:
        desk.note(f"    {pk} / {sk}")
    desk.note(_WHAT_TO_DO)
    raise typer.Exit(ExitCode.REFUSED)


def _sealer(deployment: "Deployment") -> "Sealer":
    """What seals as the stack does. Raises what the reading of its secret does."""
    from cli.reach.stack_secret import StackSecret
    from ringline.runtime.vault.kept import TABLE_KEY
    from ringline.runtime.vault.sealed import Sealer

    document = StackSecret(deployment.client("secretsmanager"), deployment.secrets_name).read()
    keys = tuple(held.value for held in document.secrets.get(TABLE_KEY, ()))
    if not keys:
        raise Usage(
            f"The secret {deployment.secrets_name} has no table-key, which secrets in the table are sealed with",
            advice="`ringline secrets rotate table-key` makes one.",
        )
    return Sealer(lambda: keys)


def _document(done: "Migrated") -> dict[str, Any]:
    from ringline.runtime.rows import SCHEMA
    from ringline.version import VERSION

    return {
        "version": VERSION,
        "to_schema": SCHEMA,
        "dry_run": done.is_dry,
        "went_on": done.went_on,
        "looked_at": done.looked_at,
        "changed": done.changed,
        "by_kind": dict(sorted(done.by_kind.items())),
        "of_a_later_release": done.of_a_later_release,
        "listed": done.listed,
        "in_the_way": [{"pk": pk, "sk": sk} for pk, sk in done.in_the_way],
    }


def _line(done: "Migrated") -> str:
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(done.by_kind.items()))
    later = f"; {done.of_a_later_release} are of a later release, and left" if done.of_a_later_release else ""
    listed = f"; {done.listed} accounts {'to be ' if done.is_dry else ''}listed" if done.listed else ""
    return f"{done.looked_at} rows looked at, {_changed(done)}{f' ({kinds})' if kinds else ''}{later}{listed}"


def _changed(done: "Migrated") -> str:
    return f"{done.changed} to be changed" if done.is_dry else f"{done.changed} changed"
