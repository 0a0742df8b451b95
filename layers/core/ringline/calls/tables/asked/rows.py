"""What was asked of a call at length, in a row of its own.

| item           | pk                | sk           | attributes
|----------------|-------------------|--------------|-------------------------------------------------
| what was asked | A#<account>#ASKED | <call>#<key> | `told`: instructions, data and metadata, packed; `created_at`

The call's row is written some eight times, and each write costs a unit for each KB of it; this one is written once.

    this row is put, alone ---> the call's row with its key, in the transaction that accepts the call
                            '-- a crash here: a row that no call names, nobody reads, and `ringline migrate` removes

The key is made of what is in the row. So whoever asks again for the same call writes the same row, and never another
than the one that the accepted call names. A call that is erased names none, and its row goes after that.
"""

import hashlib
import json
import logging
import zlib
from collections.abc import Iterable, Mapping, Sequence
from copy import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ringline.calls.model.call import Call
from ringline.runtime.items import Item, condition_failed, from_item, to_item
from ringline.runtime.rows import to_row
from ringline.runtime.table import asked_pk, asked_sk

ITEM_KIND = "asked"

MOST_IN_THE_ROW_BYTES = 256
"""Of instructions and data that stay with the call. Each write of a call is a unit as long as its row has not more than
1 KB, of which the usual call takes 700 to 1,000 bytes; a row of its own costs a unit, and one or two reads."""

MOST_TAGS_BYTES = 512
"""Of metadata that stays with the call: lists are filtered by it, which then need not read another row for each."""

_KEY_CHARS = 16
_ROWS_AT_ONCE = 100
_IS_THERE = "attribute_exists(pk)"

_log = logging.getLogger(__name__)


class AskedIsGone(LookupError):
    """What was asked of a call is not there, though the call is: nobody may be rung without it."""


def to_be_apart(call: Call) -> Call:
    """The call with the key of the row that is to have what was asked of it; as it is where that is short. Pure."""
    if call.asked_key is not None:
        return call
    of_agent = _bytes(call.instructions) + _bytes(as_text(call.data))
    metadata_apart = _bytes(as_text(call.metadata)) > MOST_TAGS_BYTES
    if of_agent <= MOST_IN_THE_ROW_BYTES and not metadata_apart:
        return call
    apart = replace(call, metadata_apart=metadata_apart, asked_is_read=True)
    return replace(apart, asked_key=hashlib.sha256(_told(apart)).hexdigest()[:_KEY_CHARS])


class AskedRows:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._db = dynamodb
        self._table = table_name

    def put_apart(self, call: Call) -> Call:
        """The call as its own row is to say it, what was asked of it being written to a row of its own if it is
        long."""
        apart = to_be_apart(call)
        if apart.asked_key is not None:
            row = {"item_kind": ITEM_KIND, "told": zlib.compress(_told(apart)), "created_at": call.created_at}
            self._db.put_item(TableName=self._table, Item=_key(apart) | to_row(row))
        return apart

    def drop(self, call: Call) -> None:
        """Removes the row, if there is one, of a call that was not accepted. Why it was not is known by now, and is
        answered also where the row stays behind: `ringline migrate` removes it then."""
        if call.asked_key is None:
            return
        try:
            self._db.delete_item(TableName=self._table, Key=_key(call))
        except (ClientError, BotoCoreError) as error:
            _log.warning(
                "what was asked of a refused call stays behind", extra={"call_id": call.call_id, "why": str(error)}
            )

    def expires(self, call: Call, at_s: int) -> None:
        """Lets the row go at that moment, as the call's own does. It costs the row's size once more."""
        if call.asked_key is None:
            return
        try:
            self._db.update_item(
                TableName=self._table,
                Key=_key(call),
                UpdateExpression="SET ttl_at_s = :at_s",
                ConditionExpression=_IS_THERE,
                ExpressionAttributeValues=to_item({":at_s": at_s}),
            )
        except ClientError as error:
            if not condition_failed(error):
                raise

    def whole(self, calls: Sequence[Call]) -> list[Call]:
        """The calls with what was asked of them, in their order. One whose row is gone (its content was erased, or it
        is about to expire) has none of it."""
        told = self._read([call for call in calls if not call.is_whole])
        return [call if call.is_whole else _with(call, told.get(_place(call), {})) for call in calls]

    def whole_or_raise(self, call: Call) -> Call:
        """The call with what was asked of it, for its agent. Raises AskedIsGone."""
        if call.is_whole:
            return call
        told = self._read([call])
        if not told:
            raise AskedIsGone(f"what was asked of {call.call_id} is not there")
        return _with(call, told[_place(call)])

    def _read(self, calls: Sequence[Call]) -> dict[tuple[str, str], dict[str, Any]]:
        """By place. A single one is read by itself, which is what nearly everybody asks for."""
        if len(calls) == 1:
            found = self._db.get_item(TableName=self._table, Key=_key(calls[0]), ConsistentRead=True)
            return _by_place([found["Item"]] if "Item" in found else [])
        told: dict[tuple[str, str], dict[str, Any]] = {}
        for first in range(0, len(calls), _ROWS_AT_ONCE):
            told |= self._read_batch(calls[first : first + _ROWS_AT_ONCE])
        return told

    def _read_batch(self, calls: Sequence[Call]) -> dict[tuple[str, str], dict[str, Any]]:
        wanted = [_key(call) for call in {_place(call): call for call in calls}.values()]
        told: dict[tuple[str, str], dict[str, Any]] = {}
        while wanted:
            answer = self._db.batch_get_item(RequestItems={self._table: {"Keys": wanted, "ConsistentRead": True}})
            told |= _by_place(answer["Responses"].get(self._table, []))
            wanted = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
        return told


def _by_place(items: Iterable[Item]) -> dict[tuple[str, str], dict[str, Any]]:
    rows = [from_item(item) for item in items]
    return {(row["pk"], row["sk"]): json.loads(zlib.decompress(row["told"])) for row in rows}


def _with(call: Call, told: Mapping[str, Any]) -> Call:
    read = replace(call, instructions=told.get("instructions"), data=told.get("data", {}), asked_is_read=True)
    return replace(read, metadata=told.get("metadata", {})) if call.metadata_apart else read


def _told(call: Call) -> bytes:
    told: dict[str, Any] = {"instructions": call.instructions, "data": call.data}
    if call.metadata_apart:
        told["metadata"] = call.metadata
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _place(call: Call) -> tuple[str, str]:
    return asked_pk(call.account_id), asked_sk(call.call_id, call.asked_key or "")


def _key(call: Call) -> Item:
    pk, sk = _place(call)
    return to_item({"pk": pk, "sk": sk})


def as_text(given: dict[str, Any]) -> str | None:
    """What a customer gave, as it is kept; None for nothing."""
    return json.dumps(given, separators=(",", ":"), ensure_ascii=False) if given else None


def _bytes(text: str | None) -> int:
    return 0 if text is None else len(text.encode("utf-8", "surrogatepass"))
