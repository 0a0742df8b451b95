"""Webhook endpoints: create, list, get, change, delete."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from ringline.runtime.web.api import json_response
from ringline.runtime.web.http import listing
from ringline.runtime.web.routes import Request, Route
from ringline.webhooks.manage import ManageEndpoints, endpoint_view

_ANSWERS = "ringline.resources.answers.webhook_endpoints"


@dataclass(frozen=True, slots=True)
class WebhookEndpoints:
    manage: ManageEndpoints
    log: Logger

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "POST",
                "/v1/webhook-endpoints",
                self.create,
                summary="Makes an endpoint, whose secret is shown this once",
                body="ringline.webhooks.bodies:EndpointRequest",
                answer=f"{_ANSWERS}:NewEndpoint",
                status=201,
                problems=("too_many_endpoints",),
            ),
            Route(
                "GET",
                "/v1/webhook-endpoints",
                self.list_them,
                summary="Lists the account's endpoints",
                answer=f"{_ANSWERS}:EndpointList",
            ),
            Route(
                "GET",
                "/v1/webhook-endpoints/<endpoint_id>",
                self.get,
                summary="Shows an endpoint, without its secrets",
                answer=f"{_ANSWERS}:ShownEndpoint",
                problems=("endpoint_not_found",),
            ),
            Route(
                "PATCH",
                "/v1/webhook-endpoints/<endpoint_id>",
                self.change,
                summary="Changes an endpoint; what is not named stays",
                body="ringline.webhooks.bodies:EndpointChange",
                answer=f"{_ANSWERS}:ShownEndpoint",
                problems=("endpoint_not_found", "endpoint_changed"),
            ),
            Route(
                "DELETE",
                "/v1/webhook-endpoints/<endpoint_id>",
                self.delete,
                summary="Deletes an endpoint",
                status=204,
                problems=("endpoint_not_found",),
            ),
        )

    def create(self, request: Request) -> Response[str]:
        # Bodies are read by pydantic, which takes a quarter of the function's start: only requests with one load it.
        from ringline.runtime.web.bodies import read_body
        from ringline.webhooks.bodies import EndpointRequest

        endpoint = self.manage.create(request.account_id, read_body(EndpointRequest, request.json_object()))
        self.log.info("webhook endpoint created", extra={"endpoint_id": endpoint.endpoint_id})
        return json_response(201, {**endpoint_view(endpoint), "secret": endpoint.secrets[0]})

    def list_them(self, request: Request) -> Response[str]:
        endpoints = self.manage.list(request.account_id)
        return json_response(200, listing([endpoint_view(endpoint) for endpoint in endpoints], None))

    def get(self, request: Request, endpoint_id: str) -> Response[str]:
        return json_response(200, endpoint_view(self.manage.get(request.account_id, endpoint_id)))

    def change(self, request: Request, endpoint_id: str) -> Response[str]:
        from ringline.runtime.web.bodies import read_body
        from ringline.webhooks.bodies import EndpointChange

        change = read_body(EndpointChange, request.json_object())
        endpoint = self.manage.change(request.account_id, endpoint_id, change)
        self.log.info("webhook endpoint changed", extra={"endpoint_id": endpoint_id})
        return json_response(200, endpoint_view(endpoint))

    def delete(self, request: Request, endpoint_id: str) -> Response[str]:
        self.manage.delete(request.account_id, endpoint_id)
        self.log.info("webhook endpoint deleted", extra={"endpoint_id": endpoint_id})
        return Response(204)
