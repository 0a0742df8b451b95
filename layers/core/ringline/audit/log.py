"""The audit log in the one table.

| item  | pk                 | sk              | attributes
|-------|--------------------|-----------------|-------------------------------------------
| entry | A#<account>#AUDIT  | <at>#<audit id> | the fields of Entry, ttl_at_s

A change is often more than one transaction: a number is written, made at LiveKit, and written again. So its entry is
begun before the first of them and ended after the last:

    begin  ->  the change, in as many steps as it takes  ->  end
      |                                                       |
      nothing is changed where it cannot be written           where this is lost, the entry stays begun

No change is without an entry, whatever dies when. An entry that stays `begun` says that a change was under way, who
made it and to what.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringline.audit.entry import Changed, Entry, Outcome
from ringline.runtime.items import from_item, to_item
from ringline.runtime.rows import OF_EVERY_ROW, attributes_of, expires_at_s, known_to, to_row
from ringline.runtime.table import audit_pk

KEPT_DAYS = 400
"""Thirteen months: a year's review finds a year."""

_MOST_READ = 2000
"""Entries that one page looks at; with filters that few pass it ends there, with a cursor."""
_READ_AT_ONCE = 200
_PLACE = re.compile(r"[0-9]{15}#[A-Za-z0-9_-]{1,64}")
_LAST = "~"
"""Behind every character of a key."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The entries of a list. `resource` is of one thing, `pipes/pipe_1`, or of a kind of them, `pipes`; `since` is
    within, `until` is not."""

    resource: str | None = None
    who: str | None = None
    outcome: Outcome | None = None
    since: int | None = None
    until: int | None = None

    def has(self, entry: Entry) -> bool:
        return (
            (self.resource is None or f"{entry.resource}/".startswith(f"{self.resource}/"))
            and self.who in {None, entry.who}
            and self.outcome in {None, entry.outcome}
        )


@dataclass(frozen=True, slots=True)
class Page:
    entries: tuple[Entry, ...]
    next_cursor: str | None


class AuditLog:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._db = dynamodb
        self._table = table_name

    def write(self, entry: Entry) -> None:
        """Keeps the entry, in place of how it was before. Raises what botocore raises."""
        key = {"pk": audit_pk(entry.account_id), "sk": place_of(entry)}
        kept = {"item_kind": "audit", "ttl_at_s": expires_at_s(entry.at, KEPT_DAYS)}
        self._db.put_item(TableName=self._table, Item=to_row(attributes_of(entry) | key | kept))

    def page(self, account_id: str, wanted: Wanted, limit: int, cursor: str | None) -> Page:
        """The newest first, behind the cursor. Raises ValueError for what is no cursor."""
        first = "0" if wanted.since is None else _moment(wanted.since)
        last = _LAST if wanted.until is None else _moment(wanted.until)
        if cursor is not None:
            if not _PLACE.fullmatch(cursor):
                raise ValueError("not a cursor")
            last = min(last, cursor)
        found: list[Entry] = []
        looked_at = 0
        has_more = True
        while has_more and last > first:
            rows, has_more = self._before(account_id, first, last)
            for row in rows:
                looked_at += 1
                if (entry := _entry(row)) and wanted.has(entry):
                    found.append(entry)
                if len(found) == limit or looked_at == _MOST_READ:
                    return Page(tuple(found), row["sk"])
            last = rows[-1]["sk"] if rows else first
        return Page(tuple(found), None)

    def _before(self, account_id: str, first: str, last: str) -> tuple[list[dict[str, Any]], bool]:
        """The next rows, and whether there are more behind them."""
        answer = self._db.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=to_item({":pk": audit_pk(account_id), ":first": first, ":last": last}),
            ScanIndexForward=False,
            Limit=_READ_AT_ONCE,
        )
        # BETWEEN has its ends within, and `last` is where the page before ended.
        rows = [from_item(item) for item in answer["Items"]]
        return [row for row in rows if row["sk"] != last], "LastEvaluatedKey" in answer


def place_of(entry: Entry) -> str:
    """Where it stands in its account's log; the cursor of what is behind it."""
    return f"{_moment(entry.at)}#{entry.audit_id}"


def _moment(at: int) -> str:
    return f"{max(0, at):015d}"


def _entry(row: Mapping[str, Any]) -> Entry:
    known = known_to(Entry, row, OF_EVERY_ROW | {"ttl_at_s"})
    changes = tuple(Changed(each["name"], each.get("before"), each.get("after")) for each in row.get("changes", ()))
    return Entry(**known | {"outcome": Outcome.kept(row["outcome"]), "changes": changes})
