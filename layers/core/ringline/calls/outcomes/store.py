"""Outcomes in the table.

| item    | pk                  | sk                   | written by
|---------|---------------------|----------------------|---------------------
| outcome | A#<account>#OUTCOME | <call>#<dial>#<name> | receive_agent_event

An outcome that is told again replaces the one before, unless it is older.
"""

import json
from typing import Any

from botocore.exceptions import ClientError

from ringline.calls.outcomes.outcome import AgentOutcome, Fit, KeptOutcome
from ringline.runtime.items import condition_failed, from_item, to_item
from ringline.runtime.rows import expires_at_s, to_row
from ringline.runtime.table import outcomes_pk

MOST_OF_A_CALL = 100
"""How many outcomes of a call are shown."""

# Named conditions.
NONE_THAT_IS_LATER = "attribute_not_exists(pk) OR told_at <= :told_at"


class Outcomes:
    """`kept_days` is for how long an outcome is kept; 0 is for good."""

    def __init__(self, dynamodb: Any, table_name: str, *, kept_days: float = 0) -> None:
        self._db = dynamodb
        self._table = table_name
        self._kept_days = kept_days

    def keep(self, account_id: str, call_id: str, kept: KeptOutcome) -> bool:
        """False where a later one of the name is kept."""
        outcome = kept.outcome
        item = {
            "pk": outcomes_pk(account_id),
            "sk": f"{call_id}#{kept.dial}#{outcome.name}",
            "item_kind": "outcome",
            # As text, so that what JSON can express and DynamoDB cannot comes back as it came.
            "data": None if outcome.data is None else json.dumps(outcome.data, separators=(",", ":")),
            "summary": outcome.summary,
            "success": outcome.success,
            "told_at": kept.told_at,
            "agent_id": kept.agent_id,
            "fit": kept.fit,
            "error": kept.error,
            "ttl_at_s": expires_at_s(kept.told_at, self._kept_days) if self._kept_days else None,
        }
        try:
            self._db.put_item(
                TableName=self._table,
                Item=to_row(item),
                ConditionExpression=NONE_THAT_IS_LATER,
                ExpressionAttributeValues=to_item({":told_at": kept.told_at}),
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True

    def of_call(self, account_id: str, call_id: str, dial: int | None = None) -> list[KeptOutcome]:
        """Those of a call, or of one of its dials, in the order of dials and names."""
        prefix = f"{call_id}#" if dial is None else f"{call_id}#{dial}#"
        answer = self._db.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=to_item({":pk": outcomes_pk(account_id), ":prefix": prefix}),
            ConsistentRead=True,
            Limit=MOST_OF_A_CALL,
        )
        rows = [_kept(from_item(item)) for item in answer["Items"]]
        return sorted(rows, key=lambda row: (row.dial, row.outcome.name))


def _kept(item: dict[str, Any]) -> KeptOutcome:
    _, dial, name = item["sk"].split("#", 2)
    data = item.get("data")
    return KeptOutcome(
        dial=int(dial),
        outcome=AgentOutcome(
            name, None if data is None else json.loads(data), item.get("summary"), item.get("success")
        ),
        told_at=item["told_at"],
        agent_id=item.get("agent_id"),
        fit=Fit.kept(item["fit"]),
        error=item.get("error"),
    )
