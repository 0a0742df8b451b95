"""Replays in the one table.

| item            | pk                  | sk                    | written by
|-----------------|---------------------|-----------------------|---------------------------------------------------
| replay          | A#<account>#REPLAYS | <endpoint>#<replay>   | manage starts and stops it; deliver_webhook goes on
| endpoint's turn | A#<account>#REPLAYS | <endpoint>            | with the start and the end of a replay

One replay of an endpoint runs at a time, or its rate would be several times what it promises. A running one stands in
DueIndex in a list of its own, for a sweep that finds its next step overdue.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import condition_failed, from_item, refusal_reasons, to_item
from ringline.runtime.rows import OF_EVERY_ROW, attributes_of, known_to, to_row
from ringline.runtime.table import DUE_INDEX, REPLAYS_SHARD, replays_pk
from ringline.webhooks.model.replay import Replay, ReplayOf, ReplayStatus

REPLAY_KEPT_S = 30 * 24 * 3600

_LOST = {"ConditionalCheckFailed", "TransactionConflict"}
"""Somebody else has written, or is just writing."""

# Named conditions.
NOBODY_HAS_THE_TURN = "attribute_not_exists(pk) OR is_over = :yes"
SAME_STEP = "step = :read AND #status = :running"


class ReplayStore:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def add(self, replay: Replay) -> bool:
        """Writes a new one. False while another one of its endpoint runs."""
        turn = {
            "Item": _turn(replay),
            "ConditionExpression": NOBODY_HAS_THE_TURN,
            "ExpressionAttributeValues": to_item({":yes": True}),
        }
        return self._together([{"Item": _row(replay)}, turn])

    def move(self, before: Replay, after: Replay) -> bool:
        """Writes what became of a running one. False if it was stopped since it was read, or somebody else has made the
        same step. Its end gives the endpoint's turn back."""
        put = {
            "Item": _row(after),
            "ConditionExpression": SAME_STEP,
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": to_item({":read": before.step, ":running": ReplayStatus.RUNNING}),
        }
        if not after.is_running:
            return self._together([put, {"Item": _turn(after)}])
        try:
            self._dynamodb.put_item(TableName=self._table_name, **put)
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
        return True

    def replay(self, account_id: str, endpoint_id: str, replay_id: str) -> Replay | None:
        answer = self._dynamodb.get_item(
            TableName=self._table_name,
            Key=to_item({"pk": replays_pk(account_id), "sk": f"{endpoint_id}#{replay_id}"}),
            ConsistentRead=True,
        )
        return _replay(from_item(answer["Item"])) if "Item" in answer else None

    def newest(self, account_id: str, endpoint_id: str, limit: int, before: str | None = None) -> list[Replay]:
        """Up to `limit` replays of an endpoint, newest first, older than the one named."""
        last = f"{endpoint_id}#{before}" if before else f"{endpoint_id}$"
        answer = self._dynamodb.query(
            TableName=self._table_name,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=to_item(
                {":pk": replays_pk(account_id), ":first": f"{endpoint_id}#", ":last": last}
            ),
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=limit + 1,
        )
        replays = [_replay(from_item(item)) for item in answer["Items"]]
        return [replay for replay in replays if replay.replay_id != before][:limit]

    def due(self, now: int, limit: int) -> list[tuple[str, str, str]]:
        """Account, endpoint and id of replays whose next step is overdue, the longest first."""
        answer = self._dynamodb.query(
            TableName=self._table_name,
            IndexName=DUE_INDEX,
            KeyConditionExpression="due_shard = :shard AND due_at <= :now",
            ExpressionAttributeValues=to_item({":shard": REPLAYS_SHARD, ":now": now}),
            Limit=limit,
        )
        keys = map(from_item, answer["Items"])
        return [(key["pk"].split("#")[1], *key["sk"].split("#", 1)) for key in keys]

    def _together(self, puts: list[dict[str, Any]]) -> bool:
        try:
            self._dynamodb.transact_write_items(
                TransactItems=[{"Put": {"TableName": self._table_name, **put}} for put in puts]
            )
        except ClientError as error:
            reasons = refusal_reasons(error)
            if reasons is None or not any(reason.get("Code") in _LOST for reason in reasons):
                raise
            return False
        return True


def _turn(replay: Replay) -> dict[str, Any]:
    names = {"pk": replays_pk(replay.account_id), "sk": replay.endpoint_id, "item_kind": "replay_turn"}
    return to_row(names | {"replay_id": replay.replay_id, "is_over": not replay.is_running})


def _row(replay: Replay) -> dict[str, Any]:
    names = {"pk": replays_pk(replay.account_id), "sk": f"{replay.endpoint_id}#{replay.replay_id}"}
    last_touched_at = replay.finished_at or replay.due_at or replay.created_at
    rest = {
        "item_kind": "replay",
        "due_shard": REPLAYS_SHARD if replay.due_at is not None else None,
        "ttl_at_s": last_touched_at // MS_PER_S + REPLAY_KEPT_S,
    }
    return to_row(attributes_of(replay) | names | rest)


def _replay(found: Mapping[str, Any]) -> Replay:
    read = {
        "only": ReplayOf.kept(found["only"]),
        "status": ReplayStatus.kept(found["status"]),
        "event_types": tuple(found.get("event_types", ())),
    }
    return Replay(**known_to(Replay, found, OF_EVERY_ROW | {"ttl_at_s"}) | read)
