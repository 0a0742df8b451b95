"""What the template lets a function ask of the table: its policy's statements, evaluated as IAM does, and the
partitions that there are to ask of."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from local.aws.template import read_template, resources_of
from local.tools.places import TEMPLATE
from ringline.runtime import table

_LEADING_KEYS = "dynamodb:LeadingKeys"
_TABLE = {"Fn::GetAtt": ["CallsTable", "Arn"]}
_INDEX = "${CallsTable.Arn}/index/"


PARTITIONS: Mapping[str, str] = {
    "account": table.account_pk("acct_1"),
    "account's keys": table.keys_pk("acct_1"),
    "gate": table.gate_pk("acct_1"),
    "counter": table.caps_pk("acct_1"),
    "queue entry": table.queue_pk("acct_1"),
    "call": table.calls_pk("acct_1"),
    "what was asked": table.asked_pk("acct_1"),
    "idempotency key": table.once_pk("acct_1"),
    "called number": table.called_pk("acct_1"),
    "number's call": table.unique_pk("acct_1"),
    "transcript": table.transcripts_pk("acct_1"),
    "outcome": table.outcomes_pk("acct_1"),
    "event": table.events_pk("acct_1"),
    "event's place": table.event_ids_pk("acct_1"),
    "how many events": table.event_count_pk("acct_1"),
    "delivery": table.deliveries_pk("acct_1"),
    "replay": table.replays_pk("acct_1"),
    "runner": table.runners_pk("acct_1"),
    "speech worker": table.runners_pk(table.OF_THE_DEPLOYMENT),
    "assignment": table.assignments_pk("acct_1"),
    "browser's ticket": table.web_tickets_pk("acct_1"),
    "api key": table.key_pk("0" * 64),
    "key's minute": table.rate_pk("key_1"),
    "waiting account": table.WAITING_PK,
    "waiting account in its shard": table.shard_for("acct_1", table.WAITING_PK, in_shards=True),
    "LiveKit's trunk": table.trunk_pk("ST_1"),
    "number's owner": table.number_pk("+15550100000"),
    "worker's name": table.dispatch_name_pk("acme"),
    "LiveKit's rest": table.LIVEKIT_PK,
    "connection": table.connection_pk("conn_1"),
    "inbound room": table.room_pk("room"),
    "carrier link": table.carrier_pk("telnyx", "v3:1"),
    "voice profile": table.VOICES_PK,
    "sweep": table.SWEEP_PK,
    "failing endpoint": table.FAILING_PK,
    "endpoint's turns": table.turns_pk("acct_1"),
    "limit reached": table.limits_pk("acct_1"),
    "key's last use": table.used_pk("acct_1"),
    "audit entry": table.audit_pk("acct_1"),
    "migration": table.MIGRATION_PK,
    "list of accounts": table.ACCOUNTS_PK,
}
"""Each of the table, with an example of its key."""


@dataclass(frozen=True, slots=True)
class Rights:
    """Of one function. Statements about anything but the table say nothing here."""

    statements: Sequence[Mapping[str, Any]]

    def allows(self, action: str, key: str | None, *, in_index: bool = False) -> bool:
        """An action without `dynamodb:`, on items with this leading key; None where the request names none."""
        matched = [
            each["Effect"]
            for each in self.statements
            if f"dynamodb:{action}" in _listed(each["Action"])
            and _is_about(each.get("Resource"), in_index=in_index)
            and all(_holds(operator, told, key) for operator, told in each.get("Condition", {}).items())
        ]
        return "Allow" in matched and "Deny" not in matched


@cache
def rights_of(function: str) -> Rights:
    """By the function's folder, as `dial_next`."""
    logical_id = "".join(word.capitalize() for word in function.split("_")) + "Function"
    policies = resources_of(read_template(TEMPLATE), "AWS::Serverless::Function")[logical_id]["Properties"]["Policies"]
    return Rights([each for policy in policies for each in policy["Statement"]])


def function_of(logical_id: str) -> str:
    """The folder of a function that the template names, as `DialNextFunction`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", logical_id.removesuffix("Function")).lower()


def _is_about(resource: Any, *, in_index: bool) -> bool:
    if in_index:
        return _INDEX in json.dumps(resource)
    return _TABLE in _listed(resource)


def _holds(operator: str, told: Mapping[str, Any], key: str | None) -> bool:
    (name,) = told
    assert name == _LEADING_KEYS, f"nobody here evaluates {name}"
    is_like = key is not None and any(_is_like(key, pattern) for pattern in _listed(told[name]))
    match operator:
        case "ForAllValues:StringLike":
            return key is None or is_like
        case "ForAllValues:StringNotLike":
            return not is_like
        case "ForAnyValue:StringLike":
            return is_like
    raise AssertionError(f"nobody here evaluates {operator}")


def _is_like(key: str, pattern: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), key) is not None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
