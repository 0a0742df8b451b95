"""What was said in a call, as its agent reported it: the turns, a summary, and what the talk used.

| item       | pk                     | sk            | written by
|------------|------------------------|---------------|-----------------------------------------
| transcript | A#<account>#TRANSCRIPT | <call>#<dial> | receive_agent_event, a part at a time

Agents tell turns and usage in separate requests, also at the same time, and tell them again when an answer got lost.
Each part is written by itself and overwrites only itself. Of the turns, more are never followed by fewer:

    3,000 turns: object <call>-<dial>-3000 +   item: turn_count 3000 if none or fewer are there
       10 turns:                               refused: 3000 are there

Turns of more than 16 KB lie in the bucket. The object stands before the item names it, and bears its count, so that
fewer turns that come late cannot overwrite what the item names.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from ringline.calls.model.call import Call
from ringline.runtime.items import Item, condition_failed, from_item, to_item
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
    """`s3` makes the client of the bucket, which only long transcripts need."""

    def __init__(self, dynamodb: Any, table_name: str, s3: Callable[[], Any], bucket: str) -> None:
        self._db = dynamodb
        self._table = table_name
        self._s3 = s3
        self._bucket = bucket

    def keep(self, call: Call, transcript: Transcript, dial: int | None = None) -> Kept:
        """Keeps each part that is given of a dial's transcript, the present one's unless another is named. Turns do not
        replace more turns than they are; otherwise what comes last counts. Repeating changes nothing. Summary and usage
        must fit in an item of the table together, which may have 400 KB."""
        dial = call.attempt if dial is None else dial
        words = {"summary": transcript.summary, "usage": _dumped(transcript.usage) if transcript.usage else None}
        item: dict[str, Any] = {}
        if any(part is not None for part in words.values()):
            item = self._keep_words(_key(call, dial), words)
        if transcript.turns or not item:
            item = self._keep_turns(call, dial, transcript.turns)
        return Kept(item.get("turn_count", 0), Place.BUCKET if "turns_key" in item else Place.TABLE)

    def read(self, call: Call) -> Transcript | None:
        """The transcript of the present attempt, whole. None, and no request, where the call's row says there is
        none."""
        if call.transcript_kept is None:
            return None
        return self.of_attempt(call, call.attempt) or Transcript()

    def of_attempt(self, call: Call, dial: int) -> Transcript | None:
        """The transcript of one of the call's dials; None if nothing was kept of it."""
        answer = self._db.get_item(TableName=self._table, Key=_key(call, dial), ConsistentRead=True)
        if "Item" not in answer:
            return None
        item = from_item(answer["Item"])
        turns = self._from_bucket(item["turns_key"]) if "turns_key" in item else item.get("turns")
        return Transcript(
            turns=tuple(Turn(*turn) for turn in json.loads(turns or "[]")),
            summary=item.get("summary"),
            usage=json.loads(item.get("usage", "{}")),
        )

    def _keep_words(self, key: Item, words: dict[str, str | None]) -> dict[str, Any]:
        names = [name for name, part in words.items() if part is not None]
        values = {f":{name}": words[name] for name in names} | {":kind": _KIND}
        sets = ", ".join(["item_kind = :kind", *(f"#{name} = :{name}" for name in names)])
        return self._update(key, f"SET {sets}", values, ExpressionAttributeNames={f"#{name}": name for name in names})

    def _keep_turns(self, call: Call, dial: int, turns: tuple[Turn, ...]) -> dict[str, Any]:
        text = _dumped([[turn.role, turn.content, turn.timestamp] for turn in turns])
        if len(text.encode()) <= MOST_IN_TABLE_BYTES:
            values, sets = {":turns": text}, "turns = :turns REMOVE turns_key"
        else:
            object_key = f"{call.account_id}/transcripts/{call.call_id}-{dial}-{len(turns)}.json"
            self._to_bucket(object_key, text)
            values, sets = {":turns_key": object_key}, "turns_key = :turns_key REMOVE turns"
        try:
            return self._update(
                _key(call, dial),
                f"SET item_kind = :kind, turn_count = :turn_count, {sets}",
                values | {":kind": _KIND, ":turn_count": len(turns)},
                ConditionExpression=TURNS_ARE_NO_FEWER,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            return from_item(error.response["Item"])

    def _update(self, key: Item, expression: str, values: dict[str, Any], **more: Any) -> dict[str, Any]:
        answer = self._db.update_item(
            TableName=self._table,
            Key=key,
            UpdateExpression=expression,
            ExpressionAttributeValues=to_item(values),
            ReturnValues="ALL_NEW",
            **more,
        )
        return from_item(answer["Attributes"])

    def _to_bucket(self, key: str, text: str) -> None:
        body = text.encode()
        self._s3().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")

    def _from_bucket(self, key: str) -> str | None:
        """The text of an object; None once the bucket's own rule has removed it."""
        try:
            answer = self._s3().get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return None
        return str(answer["Body"].read().decode())


def _key(call: Call, dial: int) -> Item:
    return to_item({"pk": transcripts_pk(call.account_id), "sk": f"{call.call_id}#{dial}"})


def _dumped(part: Any) -> str:
    return json.dumps(part, separators=(",", ":"), ensure_ascii=False)
