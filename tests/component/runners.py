"""Runners as they stand in the table once they have registered and been heard."""

from typing import Any

from ringline.runtime.items import to_item
from ringline.runtime.table import beat_sk, runner_sk, runners_pk
from tests.builders import ACCOUNT, NOW


def put_runner(
    dynamodb: Any, table_name: str, runner_id: str = "bot#1", *, places: int = 2, seen_at: int = NOW, **fields: Any
) -> None:
    """A runner of AGENT_1, which registered at NOW and was heard at `seen_at`."""
    agent_id, account_id = fields.pop("agent_id", "AGENT_1"), fields.pop("account_id", ACCOUNT)
    row: dict[str, Any] = {
        "agent_id": agent_id,
        "worker_id": runner_id,
        "pool": agent_id,
        "connection_id": f"of {runner_id}",
        "max_concurrent": places,
        "in_use": 0,
        "registered_at": min(NOW, seen_at),
    }
    pk = runners_pk(account_id)
    kept = row | fields | {"pk": pk, "sk": runner_sk(agent_id, runner_id)}
    beat = {"pk": pk, "sk": beat_sk(agent_id, runner_id), "seen_at": seen_at, "active_jobs": 0}
    beat["connection_id"] = kept["connection_id"]
    for item in (kept, beat):
        dynamodb.put_item(TableName=table_name, Item=to_item(item))
