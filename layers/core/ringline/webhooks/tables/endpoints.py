"""Endpoints in the one table: pk A#<account>, sk ENDPOINT#<endpoint>. `manage` writes them, deliver_webhook disables
them."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from ringline.runtime.items import Item, condition_failed, from_item, to_item
from ringline.runtime.rows import attributes_of, known_to, to_row
from ringline.runtime.table import account_pk
from ringline.webhooks.model.endpoint import Endpoint, SecretMark, Signature
from ringline.webhooks.model.filters import Filters

_ENDPOINT = "ENDPOINT#"

_IS_NEW = "attribute_not_exists(pk)"
_EXISTS = "attribute_exists(pk)"
_UNCHANGED = "revision = :read"
_IS_CLOSED = "attribute_exists(pk) AND (attribute_not_exists(probe_at) OR attribute_not_exists(failing_since))"
_MAY_OPEN = "attribute_exists(failing_since) AND attribute_not_exists(probe_at)"
_SAME_PROBE = "probe_at = :read"
_NOT_SLOW_FOR_LONG = "attribute_exists(pk) AND (attribute_not_exists(slow_until) OR slow_until < :after)"
_STILL_FAILING = "failing_since = :read"
_SAME_URL = "#url = :url"
_IS_ENABLED = "attribute_exists(pk) AND attribute_not_exists(disabled_at)"


class EndpointStore:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def add(
        self, account_id: str, endpoint: Endpoint, admit: Callable[[list[Endpoint]], None] = lambda _endpoints: None
    ) -> None:
        """Adds it, unless `admit` raises over those that there are. Raises ListContended while too many others add."""

        def make() -> tuple[Endpoint, list[dict[str, Any]]]:
            admit(self.endpoints(account_id))
            put = {"TableName": self._table_name, "Item": _endpoint_item(account_id, endpoint, 1)}
            return endpoint, [{"Put": put | {"ConditionExpression": _IS_NEW}}]

        # Most functions only read: they start faster without it.
        from ringline.runtime.list_turns import ListTurns

        ListTurns(self._dynamodb, self._table_name, "ENDPOINTS").add(account_id, make)

    def replace(self, account_id: str, endpoint: Endpoint) -> bool:
        """Writes a changed endpoint as its next revision. False if it was changed or deleted since it was read."""
        is_unchanged = {
            "ConditionExpression": _UNCHANGED,
            "ExpressionAttributeValues": to_item({":read": endpoint.revision}),
        }
        try:
            item = _endpoint_item(account_id, endpoint, endpoint.revision + 1)
            self._dynamodb.put_item(TableName=self._table_name, Item=item, **is_unchanged)
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
        return True

    def endpoint(self, account_id: str, endpoint_id: str) -> Endpoint | None:
        answer = self._dynamodb.get_item(
            TableName=self._table_name, Key=endpoint_key(account_id, endpoint_id), ConsistentRead=True
        )
        return endpoint_from(from_item(answer["Item"])) if "Item" in answer else None

    def endpoints(self, account_id: str) -> list[Endpoint]:
        """The account's endpoints, oldest first, disabled ones included."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=to_item({":pk": account_pk(account_id), ":prefix": _ENDPOINT}),
            ConsistentRead=True,
        )
        return [endpoint_from(from_item(item)) for page in pages for item in page["Items"]]

    def disable(
        self, account_id: str, judged: Endpoint, at: int, reason: str, *, failing_since: int | None = None
    ) -> None:
        """No more deliveries go there. An endpoint that is gone or disabled already, or was moved since it was judged,
        stays as it is; and so does one that was judged by how long it fails, unless it fails since then still."""
        values = {":at": at, ":reason": reason, ":one": 1, ":url": judged.url}
        condition = f"{_IS_ENABLED} AND {_SAME_URL}"
        if failing_since is not None:
            values[":read"] = failing_since
            condition += f" AND {_STILL_FAILING}"
        try:
            self._dynamodb.update_item(
                TableName=self._table_name,
                Key=endpoint_key(account_id, judged.endpoint_id),
                UpdateExpression="SET disabled_at = :at, paused_at = :at, disabled_reason = :reason ADD revision :one",
                ConditionExpression=condition,
                ExpressionAttributeNames={"#url": "url"},
                ExpressionAttributeValues=to_item(values),
            )
        except ClientError as error:
            if not condition_failed(error):
                raise

    def note_failure(self, account_id: str, endpoint_id: str, at: int) -> int:
        """One more in a row: it fails since the first of them. How many there are; 0 where its circuit is open, or it
        is gone. No change of the endpoint's: its revision stays."""
        change = "SET failing_since = if_not_exists(failing_since, :at) ADD failures :one"
        noted = self._note(account_id, endpoint_id, change, _IS_CLOSED, {":at": at, ":one": 1})
        return 0 if noted is None else noted["failures"]

    def open_circuit(self, account_id: str, endpoint_id: str, probe_at: int) -> None:
        """Before this moment it is not tried any more, unless it has taken something since it failed."""
        self._note(
            account_id, endpoint_id, "SET probe_at = :at, probes = :none", _MAY_OPEN, {":at": probe_at, ":none": 0}
        )

    def claim_probe(self, account_id: str, endpoint_id: str, probe_at: int, probes: int, next_at: int) -> bool:
        """Whether the probe of that moment may be made; the next one is not made before `next_at`."""
        change, values = (
            "SET probe_at = :next, probes = :probes",
            {":next": next_at, ":probes": probes, ":read": probe_at},
        )
        return self._note(account_id, endpoint_id, change, _SAME_PROBE, values) is not None

    def note_noticed(self, account_id: str, endpoint_id: str, failing_since: int, percent: int) -> None:
        """So much of the time until it is disabled was told."""
        values = {":percent": percent, ":read": failing_since}
        self._note(account_id, endpoint_id, "SET noticed_percent = :percent", _STILL_FAILING, values)

    def note_slow(self, account_id: str, endpoint_id: str, until: int, unless_after: int) -> None:
        """It counts as slow until then, unless somebody has just written that down."""
        values = {":until": until, ":after": unless_after}
        self._note(account_id, endpoint_id, "SET slow_until = :until", _NOT_SLOW_FOR_LONG, values)

    def note_working(self, account_id: str, endpoint_id: str, failing_since: int) -> None:
        """It has taken something, so that what was read of its failures counts no more."""
        change = "REMOVE failing_since, failures, probe_at, probes, noticed_percent"
        self._note(account_id, endpoint_id, change, _STILL_FAILING, {":read": failing_since})

    def _note(
        self, account_id: str, endpoint_id: str, update: str, condition: str, values: dict[str, int]
    ) -> dict[str, Any] | None:
        """What was changed, as it is now; None where the condition does not hold."""
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table_name,
                Key=endpoint_key(account_id, endpoint_id),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=to_item(values),
                ReturnValues="UPDATED_NEW",
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            return None
        return from_item(answer.get("Attributes", {}))

    def delete(self, account_id: str, endpoint_id: str, revision: int | None = None) -> bool:
        """False if there was no such endpoint, or not of this revision any more."""
        condition: dict[str, Any] = {"ConditionExpression": _EXISTS}
        if revision is not None:
            values = to_item({":read": revision})
            condition = {"ConditionExpression": _UNCHANGED, "ExpressionAttributeValues": values}
        try:
            self._dynamodb.delete_item(
                TableName=self._table_name, Key=endpoint_key(account_id, endpoint_id), **condition
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
        return True


def _endpoint_names(account_id: str, endpoint_id: str) -> dict[str, str]:
    return {"pk": account_pk(account_id), "sk": _ENDPOINT + endpoint_id}


def endpoint_key(account_id: str, endpoint_id: str) -> dict[str, Any]:
    return to_item(_endpoint_names(account_id, endpoint_id))


def _endpoint_item(account_id: str, endpoint: Endpoint, revision: int) -> Item:
    item = {**attributes_of(endpoint), **_endpoint_names(account_id, endpoint.endpoint_id)}
    return to_row(item | {"item_kind": "endpoint", "revision": revision, "headers": dict(endpoint.headers)})


def endpoint_from(found: Mapping[str, Any]) -> Endpoint:
    """An endpoint as its row has it."""
    read = {
        "secrets": tuple(found["secrets"]),
        "event_types": tuple(found["event_types"]),
        "filters": _filters(found.get("filters", {})),
        "signature": Signature.kept(found.get("signature", Signature.V1)),
        "secret_marks": tuple(SecretMark(**known_to(SecretMark, each, ())) for each in found.get("secret_marks", ())),
    }
    # The release before knows no circuit: it takes `failing_since` off, and leaves the rest of it.
    mended = {"failures": 0, "probe_at": None, "probes": 0, "noticed_percent": 0}
    return Endpoint(**known_to(Endpoint, found) | read | ({} if "failing_since" in found else mended))


def _filters(found: Mapping[str, Any]) -> Filters:
    read = {name: tuple(found.get(name, ())) for name in ("pipe_ids", "agent_ids", "directions")}
    return Filters(**known_to(Filters, found, ()) | read)
