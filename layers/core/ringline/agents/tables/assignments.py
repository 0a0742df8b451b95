"""Which runner each attempt was given last, in the table.

| item       | pk                      | sk                 |
|------------|-------------------------|--------------------|
| assignment | A#<account>#ASSIGNMENTS | <call>#<attempt>   | kept a day (ttl_at_s)

It is written before the frame is sent:

    reads version 3 -> decides -> writes version 4 if it is 3 still -> sends
    somebody else, with the same request: reads version 4, and answers by it
"""

from typing import Any

from botocore.exceptions import ClientError

from ringline.agents.model.records import Assignment, AssignmentState
from ringline.agents.model.timing import ASSIGNMENT_KEPT_S
from ringline.later import carried_from
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import Item, condition_failed, from_item, to_item
from ringline.runtime.rows import OF_EVERY_ROW, to_row
from ringline.runtime.table import assignments_pk

# Named conditions.
NOTHING_IS_ASSIGNED = "attribute_not_exists(pk)"
IS_AS_IT_WAS_READ = "version = :version_read"

_KEPT = (
    "account_id", "call_id", "attempt", "dispatch", "request", "bridge_url", "state", "changed_at", "version", "sends",
    "tried", "lost", "assign_id", "job_id", "worker_id", "connection_id", "accepted_at", "why",
    "first_send",
)  # fmt: skip
_KNOWN = OF_EVERY_ROW | {*_KEPT, "ttl_at_s"}


class Assignments:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._db = dynamodb
        self._table = table_name

    def get(self, account_id: str, call_id: str, attempt: int) -> Assignment | None:
        answer = self._db.get_item(TableName=self._table, Key=_key(account_id, call_id, attempt), ConsistentRead=True)
        if "Item" not in answer:
            return None
        kept = from_item(answer["Item"])
        known = {name: kept[name] for name in _KEPT if name in kept}
        known |= {"state": AssignmentState.kept(kept["state"]), "tried": tuple(kept.get("tried", ()))}
        return Assignment(**known, carried=carried_from(kept, _KNOWN))

    def put(self, before: Assignment | None, after: Assignment) -> bool:
        """Whether nobody has changed it since `before` was read: only then is it written."""
        ttl_at_s = after.changed_at // MS_PER_S + ASSIGNMENT_KEPT_S
        fields = dict(after.carried) | {name: getattr(after, name) for name in _KEPT} | {"ttl_at_s": ttl_at_s}
        write: dict[str, Any] = {"ConditionExpression": NOTHING_IS_ASSIGNED}
        if before is not None:
            values = to_item({":version_read": before.version})
            write = {"ConditionExpression": IS_AS_IT_WAS_READ, "ExpressionAttributeValues": values}
        item = _key(after.account_id, after.call_id, after.attempt) | to_row(fields)
        try:
            self._db.put_item(TableName=self._table, Item=item, **write)
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True


def _key(account_id: str, call_id: str, attempt: int) -> Item:
    return to_item({"pk": assignments_pk(account_id), "sk": f"{call_id}#{attempt}"})
