"""A write as a request of DynamoDB's says it: what it makes of its item, and how one is refused."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from ringline.runtime.items import Item
from simulation.aws.conditions import UnknownExpression, condition, updated
from simulation.aws.rows import Key

type Write = Mapping[str, Mapping[str, Any]]
"""As a transaction has it: `{"Put": {"Item": ...}}`."""


def key_of(write: Write) -> Key:
    (parts,) = write.values()
    key = parts["Item"] if "Item" in parts else parts["Key"]
    return key["pk"]["S"], key["sk"]["S"]


def outcome(write: Write, before: Item | None) -> tuple[Item | None, bool]:
    """The item after the write, None where there is none then, and whether its condition is met."""
    ((kind, parts),) = write.items()
    names, values = parts.get("ExpressionAttributeNames", {}), parts.get("ExpressionAttributeValues", {})
    expression = parts.get("ConditionExpression")
    met = not expression or condition(with_names(expression, names))(before or {}, values)
    match kind:
        case "Put":
            return parts["Item"], met
        case "Update":
            return updated(before or dict(parts["Key"]), parts["UpdateExpression"], names, values), met
        case "Delete":
            return None, met
        case "ConditionCheck":
            return before, met
        case _:
            raise UnknownExpression(kind)


def with_names(expression: str, names: Mapping[str, str]) -> str:
    """The expression with the attributes' own names in it."""
    for called, name in names.items():
        expression = re.sub(rf"{called}\b", name, expression)
    return expression


# --- refusals --------------------------------------------------------------------------------------------------------


def refused(code: str, item: Item | None = None) -> ClientError:
    """A request is refused, with the item that stood in the way where that was asked for."""
    shown = {} if item is None else {"Item": item}
    return ClientError({"Error": {"Code": code, "Message": "simulated"}, **shown}, "Simulated")


def shown_if_asked(write: Write, before: Item | None) -> Item | None:
    """The item that stood in the way, where the write asks to be told."""
    (parts,) = write.values()
    return before if parts.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" else None


def refusal(write: Write, before: Item | None, met: bool) -> dict[str, Any]:
    """Why a part of a transaction was refused."""
    if met:
        return {"Code": "None"}
    shown = shown_if_asked(write, before)
    return {"Code": "ConditionalCheckFailed"} | ({} if shown is None else {"Item": shown})


def canceled(reasons: Sequence[Mapping[str, Any]]) -> ClientError:
    response = {
        "Error": {"Code": "TransactionCanceledException", "Message": "simulated"},
        "CancellationReasons": reasons,
    }
    return ClientError(response, "TransactWriteItems")
