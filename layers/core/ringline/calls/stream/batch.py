"""One batch of the table's stream, a record at a time: what cannot be read is put aside, what cannot be announced is
given again with all behind it.

    reads, announces          done
    cannot be read            parked: kept whole, told, and nothing waits behind it
    AWS fails                 given again, for as long as the stream keeps it
    they are not all sent     given again from the first one on
    anything else fails       given again, and parked once it has held up the others for HELD_UP_FOR_S

Where whole code fails - an import, a setting - no record is touched, and the batch comes again. A record that is parked
loses the news of its call on the way, but not the `call_end`: that has its mark.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from aws_lambda_powertools import Logger

from ringline.calls.capacity.limits import ReachedLimit
from ringline.calls.tables.limits.reached import LIMIT_KIND, limit_from
from ringline.calls.tables.records import ITEM_KIND, call_from_item
from ringline.calls.views.relay import Change, Relay
from ringline.runtime.aws import AWS_FAILS
from ringline.runtime.clock import MS_PER_S

HELD_UP_FOR_S = 900
"""How long a record that our own code stumbles over may hold up those behind it: a deploy that is taken back in time
loses nothing, and one call that is odd keeps no other's webhooks back for a day."""

type Record = Mapping[str, Any]
"""As a function gets it from the stream."""


class Parks(Protocol):
    def park(self, record: Record, why: str) -> None:
        """Keeps a whole record aside, and tells that it is there."""


@dataclass(slots=True)
class Batch:
    """What became of a batch. `failed` is the record from which on it is to be given again. Where announcements were
    not sent, that is the first one, and `done` comes again, too."""

    done: list[Change] = field(default_factory=list)
    parked: int = 0
    failed: str | None = None
    is_sent: bool = True

    @property
    def over(self) -> list[Change]:
        """The changes that do not come again."""
        return self.done if self.is_sent else []


def change_in(record: Record) -> Change | ReachedLimit | None:
    """The change of a call that a record tells of, or the limit that an account has met; None for one that tells of
    something else. Raises whatever reading a row may raise that this version does not know."""
    images = record["dynamodb"]
    after, before = images.get("NewImage"), images.get("OldImage")
    if after is not None and after.get("item_kind") == {"S": LIMIT_KIND}:
        return limit_from(after)
    if after is None or after.get("item_kind") != {"S": ITEM_KIND}:
        return None
    return Change(images["SequenceNumber"], before and call_from_item(before), call_from_item(after))


def relay_each(records: Sequence[Record], relay: Relay, parks: Parks, now: int, log: Logger) -> Batch:
    """Announces what the records tell of. Raises what `park` raises: then the whole batch comes again."""
    batch = _announced(records, relay, parks, now, log)
    try:
        relay.settle()
    except Exception:
        # Nobody knows which of them are under way. Announcing them again is harmless.
        log.exception("announcements not sent", extra=_named(records[0]))
        batch.failed, batch.is_sent = records[0]["dynamodb"]["SequenceNumber"], False
    return batch


def _announced(records: Sequence[Record], relay: Relay, parks: Parks, now: int, log: Logger) -> Batch:
    batch = Batch()
    read = [(record, _read(record, log)) for record in records]
    _write_ahead([change for _, change in read if isinstance(change, Change)], relay, log)
    for record, change in read:
        if isinstance(change, Exception):
            parks.park(record, f"not read: {change!r}")
            batch.parked += 1
            continue
        if change is None:
            continue
        try:
            if isinstance(change, ReachedLimit):
                relay.announce_limit(change)
                continue
            relay.announce(change)
        except Exception as error:
            log.exception("change not relayed", extra=_named(record))
            if isinstance(error, AWS_FAILS) or not _holds_up_others(record, now):
                # What stands behind it keeps its order.
                batch.failed = record["dynamodb"]["SequenceNumber"]
                return batch
            parks.park(record, f"not relayed: {error!r}")
            batch.parked += 1
            continue
        batch.done.append(change)
    return batch


def _read(record: Record, log: Logger) -> Change | ReachedLimit | Exception | None:
    try:
        return change_in(record)
    except Exception as error:
        log.exception("record not read", extra=_named(record))
        return error


def _write_ahead(changes: Sequence[Change], relay: Relay, log: Logger) -> None:
    """What fails here fails at the record that it comes of, or is written there."""
    try:
        relay.write_ahead(changes)
    except Exception:
        log.exception("events not written together")


def _holds_up_others(record: Record, now: int) -> bool:
    written_s = record["dynamodb"].get("ApproximateCreationDateTime")
    return written_s is not None and now - written_s * MS_PER_S >= HELD_UP_FOR_S * MS_PER_S


def _named(record: Record) -> dict[str, Any]:
    images = record.get("dynamodb", {})
    return {"call_id": images.get("Keys", {}).get("sk", {}).get("S"), "sequence": images.get("SequenceNumber")}
