"""What was said in a call, as its agent reported it: the turns, a summary, and what the talk used.

| item       | pk                     | sk            | written by
|------------|------------------------|---------------|-----------------------------------------
| transcript | A#<account>#TRANSCRIPT | <call>#<dial> | receive_agent_event, a part at a time
| the same   | A#<account>#TRANSCRIPT | <call>#<dial>#<part> | the same, of an agent to which the call was handed over

Agents tell turns and usage in separate requests, also at the same time, and tell them again when an answer got lost.
Each part is written by itself and overwrites only itself. Of the turns, more are never followed by fewer:

    3,000 turns: object <call>-<dial>-3000 +   item: turn_count 3000 if none or fewer are there
       10 turns:                               refused: 3000 are there

Turns of more than 16 KB lie in the bucket. The object stands before the item names it, and bears its count, so that
fewer turns that come late cannot overwrite what the item names. One that the item names no more is deleted: whoever has
read the item just before reads it again.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from ringline.calls.model.call import Call
from ringline.calls.model.transfers.standing import parts_of
from ringline.runtime.items import Item, condition_failed, from_item, to_item
from ringline.runtime.rows import SCHEMA, SCHEMA_NAME, expires_at_s
from ringline.runtime.table import transcripts_pk

MOST_IN_TABLE_BYTES = 16 * 1024
"""Longer turns lie in the bucket: an item of the table costs a write unit for each KB, and may have 400 KB."""

_KIND = "transcript"

# Named conditions.
TURNS_ARE_NO_FEWER = "attribute_not_exists(turn_count) OR turn_count <= :turn_count"


@dataclass(frozen=True, slots=True)
class Turn:
    """`role` is `agent` or `user`; `timestamp` is ISO 8601."""

    role: str
    content: str
    timestamp: str | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """`usage` and `summary` may come without turns, and turns without them."""

    turns: tuple[Turn, ...] = ()
    summary: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)


class Place(StrEnum):
    TABLE = "table"
    BUCKET = "bucket"


@dataclass(frozen=True, slots=True)
class Kept:
    """How many turns of the attempt are kept now, and where: those that came this time, or more from before."""

    turns: int
    place: Place


class Transcripts:
    """`s3` makes the client of the bucket, which only long transcripts need. `kept_days` is for how long after the dial
    a transcript is kept in the table; 0 is for good. The bucket has a rule of its own."""

    def __init__(
        self, dynamodb: Any, table_name: str, s3: Callable[[], Any], bucket: str, *, kept_days: float = 0
    ) -> None:
        self._db = dynamodb
        self._table = table_name
        self._s3 = s3
        self._bucket = bucket
        self._kept_days = kept_days

    def keep(self, call: Call, transcript: Transcript, dial: int | None = None, part: int = 1) -> Kept:
        """Keeps what is given of a dial's transcript, the present one's unless another is named. Turns do not replace
        more turns than they are; otherwise what comes last counts. Repeating changes nothing. Summary and usage must
        fit in an item of the table together, which may have 400 KB.

        Each agent of a call that was handed over has a `part` of its own; the turns of all parts are counted."""
        dial = call.attempt if dial is None else dial
        key = _key(call, dial, part)
        words = {"summary": transcript.summary, "usage": _dumped(transcript.usage) if transcript.usage else None}
        item: dict[str, Any] = {}
        if any(part is not None for part in words.values()):
            item = self._keep_words(call, key, words)
        if transcript.turns or not item:
            item = self._keep_turns(call, key, f"{dial}" if part == 1 else f"{dial}.{part}", transcript.turns)
        others = [self._item(call, dial, each) for each in parts_of(call.transfers, dial) if each != part]
        turns = sum(each.get("turn_count", 0) for each in (item, *others) if each is not None)
        return Kept(turns, Place.BUCKET if "turns_key" in item else Place.TABLE)

    def forget(self, call: Call, dial: int, part: int) -> None:
        """Deletes what is kept of one agent's part of a dial's transcript."""
        gone = self._db.delete_item(TableName=self._table, Key=_key(call, dial, part), ReturnValues="ALL_OLD")
        object_key = from_item(gone.get("Attributes", {})).get("turns_key")
        if object_key is not None:
            self._s3().delete_object(Bucket=self._bucket, Key=object_key)

    def read(self, call: Call) -> Transcript | None:
        """The transcript of the present attempt, whole. None, and no request, where the call's row says there is
        none."""
        if call.transcript_kept is None:
            return None
        return self.of_attempt(call, call.attempt) or Transcript()

    def of_attempt(self, call: Call, dial: int) -> Transcript | None:
        """The transcript of one of the call's dials; None if nothing was kept of it."""
        found = (self._part(call, dial, part) for part in parts_of(call.transfers, dial))
        parts = [part for part in found if part is not None]
        if not parts:
            return None
        summaries = [part.summary for part in parts if part.summary is not None]
        return Transcript(
            turns=tuple(turn for part in parts for turn in part.turns),
            summary="\n\n".join(summaries) or None,
            usage=_together([part.usage for part in parts]),
        )

    def _item(self, call: Call, dial: int, part: int) -> dict[str, Any] | None:
        answer = self._db.get_item(TableName=self._table, Key=_key(call, dial, part), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def _part(self, call: Call, dial: int, part: int) -> Transcript | None:
        item = self._item(call, dial, part)
        if item is None:
            return None
        turns = self._turns(item)
        if turns is None and "turns_key" in item:
            # It has grown out of that object since, or the bucket's own rule has removed it.
            item = self._item(call, dial, part) or item
            turns = self._turns(item)
        return self._transcript(item, turns)

    def _turns(self, item: dict[str, Any]) -> str | None:
        return self._from_bucket(item["turns_key"]) if "turns_key" in item else item.get("turns")

    def _transcript(self, item: dict[str, Any], turns: str | None) -> Transcript:
        return Transcript(
            turns=tuple(Turn(*turn) for turn in json.loads(turns or "[]")),
            summary=item.get("summary"),
            usage=json.loads(item.get("usage", "{}")),
        )

    def _keep_words(self, call: Call, key: Item, words: dict[str, str | None]) -> dict[str, Any]:
        names = [name for name, part in words.items() if part is not None]
        values = {f":{name}": words[name] for name in names}
        sets = "".join(f", #{name} = :{name}" for name in names)
        return self._update(call, key, sets, values, {f"#{name}": name for name in names})

    def _keep_turns(self, call: Call, key: Item, named: str, turns: tuple[Turn, ...]) -> dict[str, Any]:
        text = _dumped([[turn.role, turn.content, turn.timestamp] for turn in turns])
        if len(text.encode()) <= MOST_IN_TABLE_BYTES:
            values, sets = {":turns": text}, ", turns = :turns REMOVE turns_key"
        else:
            object_key = f"{call.account_id}/transcripts/{call.call_id}-{named}-{len(turns)}.json"
            self._to_bucket(object_key, text)
            values, sets = {":turns_key": object_key}, ", turns_key = :turns_key REMOVE turns"
        try:
            before = self._update(
                call,
                key,
                f", turn_count = :turn_count{sets}",
                values | {":turn_count": len(turns)},
                ConditionExpression=TURNS_ARE_NO_FEWER,
                ReturnValues="ALL_OLD",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            return from_item(error.response["Item"])
        grown_out_of = before.get("turns_key")
        if grown_out_of is not None and grown_out_of != values.get(":turns_key"):
            self._s3().delete_object(Bucket=self._bucket, Key=grown_out_of)
        now = {name.removeprefix(":"): value for name, value in values.items()}
        kept = {name: value for name, value in before.items() if name not in {"turns", "turns_key"}}
        return kept | now | {"turn_count": len(turns)}

    def _update(
        self, call: Call, key: Item, also: str, values: dict[str, Any], names: dict[str, str] | None = None, **more: Any
    ) -> dict[str, Any]:
        """The item as it is now; with other `ReturnValues` what they name."""
        expires = ""
        if self._kept_days:
            expires = ", ttl_at_s = :expires"
            values = values | {":expires": expires_at_s(call.dialed_at or call.created_at, self._kept_days)}
        answer = self._db.update_item(
            TableName=self._table,
            Key=key,
            UpdateExpression=f"SET item_kind = :kind, #schema = :schema{expires}{also}",
            ExpressionAttributeNames={"#schema": SCHEMA_NAME} | (names or {}),
            ExpressionAttributeValues=to_item(values | {":kind": _KIND, ":schema": SCHEMA}),
            **({"ReturnValues": "ALL_NEW"} | more),
        )
        return from_item(answer.get("Attributes", {}))

    def _to_bucket(self, key: str, text: str) -> None:
        body = text.encode()
        self._s3().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")

    def _from_bucket(self, key: str) -> str | None:
        """The text of an object; None where it is gone."""
        try:
            answer = self._s3().get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return None
        return str(answer["Body"].read().decode())


def _key(call: Call, dial: int, part: int) -> Item:
    sk = f"{call.call_id}#{dial}" if part == 1 else f"{call.call_id}#{dial}#{part}"
    return to_item({"pk": transcripts_pk(call.account_id), "sk": sk})


def _together(usages: list[dict[str, Any]]) -> dict[str, Any]:
    """What several agents used: numbers are added, of anything else the last one's counts."""
    total: dict[str, Any] = {}
    for usage in usages:
        for name, used in usage.items():
            before = total.get(name)
            are_numbers = isinstance(used, int | float) and isinstance(before, int | float)
            total[name] = _sum(before, used) if are_numbers and before is not None else used
    return total


def _sum(before: float, used: float) -> float:
    """The last one where both together are no number that JSON has: the call must be shown all the same."""
    try:
        total = before + used
        return total if math.isfinite(total) else used
    except OverflowError:
        return used


def _dumped(part: Any) -> str:
    return json.dumps(part, separators=(",", ":"), ensure_ascii=False)
