"""Webhook endpoints: create, list, get, change, delete (`/v1/webhook-endpoints`)."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringline.runtime.aws import dynamodb
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.settings import flag, required
from ringline.runtime.web.api import json_response, make_api, serve
from ringline.runtime.web.bodies import read_body
from ringline.runtime.web.http import account_of, json_object, listing
from ringline.webhooks.bodies import EndpointChange, EndpointRequest
from ringline.webhooks.manage import ManageEndpoints, endpoint_view
from ringline.webhooks.store import EndpointStore

logger = make_logger("manage_webhooks")
manage = ManageEndpoints(
    EndpointStore(dynamodb(), required("TABLE_NAME")),
    now_ms,
    allow_private=flag("ALLOW_PRIVATE_WEBHOOKS"),
)
api = make_api(logger)


@api.post("/v1/webhook-endpoints")
def create() -> Response[str]:
    event = api.current_event.raw_event
    account_id = account_of(event)
    endpoint = manage.create(account_id, read_body(EndpointRequest, json_object(event)))
    logger.info("webhook endpoint created", extra={"account_id": account_id, "endpoint_id": endpoint.endpoint_id})
    return json_response(201, {**endpoint_view(endpoint), "secret": endpoint.secrets[0]})


@api.get("/v1/webhook-endpoints")
def list_all() -> Response[str]:
    endpoints = manage.list(account_of(api.current_event.raw_event))
    return json_response(200, listing([endpoint_view(endpoint) for endpoint in endpoints], None))


@api.get("/v1/webhook-endpoints/<endpoint_id>")
def get(endpoint_id: str) -> Response[str]:
    return json_response(200, endpoint_view(manage.get(account_of(api.current_event.raw_event), endpoint_id)))


@api.patch("/v1/webhook-endpoints/<endpoint_id>")
def change(endpoint_id: str) -> Response[str]:
    event = api.current_event.raw_event
    account_id = account_of(event)
    endpoint = manage.change(account_id, endpoint_id, read_body(EndpointChange, json_object(event)))
    logger.info("webhook endpoint changed", extra={"account_id": account_id, "endpoint_id": endpoint_id})
    return json_response(200, endpoint_view(endpoint))


@api.delete("/v1/webhook-endpoints/<endpoint_id>")
def delete(endpoint_id: str) -> Response[str]:
    account_id = account_of(api.current_event.raw_event)
    manage.delete(account_id, endpoint_id)
    logger.info("webhook endpoint deleted", extra={"account_id": account_id, "endpoint_id": endpoint_id})
    return Response(204)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return serve(api, event, context)
