"""Brings every row that is behind to this release's schema, a page at a time.

    page -> each row that is behind: one update, if it still is -> cursor written -> next page ... -> cursor removed
            each key's row that stands elsewhere than it is to: one transaction, if it still does and leads to its key
    whoever is cut off: the cursor stands behind the last page that was done, and what is done again changes nothing

What somebody left behind who died is removed on the way. Calls go on meanwhile: a row that somebody writes at the same
time is theirs, and bears the number already.
"""

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from ringline.calls.model.call import Call
from ringline.runtime.rows import SCHEMA, schema_of
from ringline.runtime.table import account_pk
from ringline.runtime.vault.row_secrets import RowSecrets
from ringline.upgrading.steps import LEFT_OVER, is_account, is_behind, is_left_over, kind_of, lacks, moves_to, sealed
from ringline.upgrading.store import Move, Page, Progress

PAGE = 100
"""Rows between two cursors: some seconds of work."""


class Rows(Protocol):
    """The table, as `store.WholeTable` has it."""

    def page(self, after: tuple[str, str] | None, limit: int) -> Page: ...

    def call(self, account_id: str, call_id: str) -> Call | None: ...

    def bring(self, row: Mapping[str, Any], lacking: Mapping[str, Any], replaced: Mapping[str, Any]) -> bool: ...

    def move(self, row: Mapping[str, Any], pk: str) -> Move: ...

    def foreseen(self, row: Mapping[str, Any], pk: str) -> Move: ...

    def remove(self, row: Mapping[str, Any]) -> None: ...

    def list_account(self, account_id: str) -> bool: ...

    def is_listed(self, account_id: str) -> bool: ...

    def progress(self) -> Progress | None: ...

    def note(self, progress: Progress) -> None: ...

    def forget_progress(self) -> None: ...


@dataclass(slots=True)
class Migrated:
    """What a run has done so far: rows that it looked at and changed, by kind, and those of a later release, which it
    leaves. With `went_on` it goes on where one before was cut off, whose rows are not counted by kind."""

    is_dry: bool = False
    went_on: bool = False
    looked_at: int = 0
    changed: int = 0
    of_a_later_release: int = 0
    listed: int = 0
    """Accounts that were put on the list of all accounts."""
    by_kind: Counter[str] = field(default_factory=Counter)
    in_the_way: list[tuple[str, str]] = field(default_factory=list)
    """Rows among accounts' endpoints, by pk and sk, because of which the row of a key was not moved."""


def migrate(
    rows: Rows,
    secrets_of: Callable[[str], RowSecrets],
    *,
    now: int,
    keys_apart: bool = False,
    deployed_at: str = "",
    is_dry: bool = False,
    page: int = PAGE,
) -> Generator[Migrated]:
    """Yields after each page what was done so far. A dry run says what would be done, and writes nothing, its cursor
    included. `secrets_of` seals secrets of a kind of rows. `keys_apart`: rows of accounts' keys are to stand in a
    partition of their own, else among the account's. `deployed_at` is when that was deployed: since another deployment
    keys may have been put elsewhere, also behind where a migration was cut off, so that it begins anew."""
    left_off = None if is_dry else rows.progress()
    noted_by_this = partial(Progress, SCHEMA, keys_apart=keys_apart, deployed_at=deployed_at)
    if left_off is not None and left_off != noted_by_this(left_off.after, left_off.looked_at, left_off.changed):
        left_off = None
    done = Migrated(is_dry=is_dry)
    after = None
    if left_off is not None:
        done.went_on, after = True, left_off.after
        done.looked_at, done.changed = left_off.looked_at, left_off.changed
    while True:
        found = rows.page(after, page)
        for row in found.rows:
            if is_left_over(row, now, rows.call):
                _remove(row, rows, done)
            elif (pk := moves_to(row, keys_apart=keys_apart)) is not None:
                _move(row, pk, rows, done)
            else:
                _look_at(row, rows, secrets_of, done)
        after = found.after
        if after is None:
            break
        if not is_dry and not done.in_the_way:
            # Whoever goes on after a row that is in the way comes by it again, and tells of it.
            rows.note(noted_by_this(after, done.looked_at, done.changed))
        yield done
    if not is_dry:
        rows.forget_progress()
    yield done


def _remove(row: Mapping[str, Any], rows: Rows, done: Migrated) -> None:
    if not done.is_dry:
        rows.remove(row)
    done.looked_at += 1
    done.changed += 1
    done.by_kind[LEFT_OVER] += 1


def _move(row: Mapping[str, Any], pk: str, rows: Rows, done: Migrated) -> None:
    done.looked_at += 1
    came = rows.foreseen(row, pk) if done.is_dry else rows.move(row, pk)
    if came is Move.MOVED:
        done.changed += 1
        done.by_kind[kind_of(row)] += 1
    elif came is Move.STAYS:
        done.in_the_way.append((account_pk(row["pk"].split("#")[1]), row["sk"]))


def _look_at(row: Mapping[str, Any], rows: Rows, secrets_of: Callable[[str], RowSecrets], done: Migrated) -> None:
    done.looked_at += 1
    done.of_a_later_release += schema_of(row) > SCHEMA
    if is_account(row):
        _list_account(row["pk"].partition("#")[2], rows, done)
    if not is_behind(row):
        return
    if done.is_dry or rows.bring(row, lacks(row, rows.call), sealed(row, secrets_of)):
        done.changed += 1
        done.by_kind[kind_of(row)] += 1


def _list_account(account_id: str, rows: Rows, done: Migrated) -> None:
    """An account of a release that kept no list of all accounts gets its place there."""
    if not rows.is_listed(account_id) and (done.is_dry or rows.list_account(account_id)):
        done.listed += 1
