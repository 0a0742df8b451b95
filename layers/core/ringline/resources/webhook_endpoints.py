"""Webhook endpoints: create, list, get, change, delete."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from ringline.runtime.clock import Clock
from ringline.runtime.web.api import json_response
from ringline.runtime.web.http import listing
from ringline.runtime.web.revisions import if_match, revised
from ringline.runtime.web.routes import Request, Route
from ringline.webhooks.manage import ManageEndpoints
from ringline.webhooks.views import endpoint_view

_ANSWERS = "ringline.resources.answers.webhook_endpoints"


@dataclass(frozen=True, slots=True)
class WebhookEndpoints:
    manage: ManageEndpoints
    clock: Clock
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
                problems=("too_many_endpoints", "calls_endpoint_exists", "contended"),
                has_revision=True,
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
                has_revision=True,
            ),
            Route(
                "PATCH",
                "/v1/webhook-endpoints/<endpoint_id>",
                self.change,
                summary="Changes an endpoint; what is not named stays",
                body="ringline.webhooks.bodies:EndpointChange",
                answer=f"{_ANSWERS}:ChangedEndpoint",
                problems=("endpoint_not_found", "replay_running", "contended"),
                has_revision=True,
            ),
            Route(
                "DELETE",
                "/v1/webhook-endpoints/<endpoint_id>",
                self.delete,
                summary="Deletes an endpoint",
                status=204,
                problems=("endpoint_not_found", "in_use", "contended"),
                has_revision=True,
            ),
            Route(
                "POST",
                "/v1/webhook-endpoints/<endpoint_id>/secret/rotate",
                self.rotate,
                summary="Gives an endpoint a new secret, which is shown this once; the former one signs on for a while",
                body="ringline.webhooks.bodies:SecretRotation",
                answer=f"{_ANSWERS}:NewEndpoint",
                problems=("endpoint_not_found", "rotated_meanwhile", "too_many_secrets", "contended"),
                has_revision=True,
            ),
        )

    def create(self, request: Request) -> Response[str]:
        # Bodies are read by pydantic, which takes a quarter of the function's start: only requests with one load it.
        from ringline.runtime.web.bodies import read_body
        from ringline.webhooks.bodies import EndpointRequest

        endpoint, secret = self.manage.create(request.account_id, read_body(EndpointRequest, request.json_object()))
        self.log.info("webhook endpoint created", extra={"endpoint_id": endpoint.endpoint_id})
        shown = {**endpoint_view(endpoint, self.clock()), "secret": secret}
        return json_response(201, shown, revised(endpoint.revision))

    def list_them(self, request: Request) -> Response[str]:
        endpoints = self.manage.list(request.account_id)
        return json_response(200, listing([endpoint_view(endpoint, self.clock()) for endpoint in endpoints], None))

    def get(self, request: Request, endpoint_id: str) -> Response[str]:
        endpoint = self.manage.get(request.account_id, endpoint_id)
        return json_response(200, endpoint_view(endpoint, self.clock()), revised(endpoint.revision))

    def change(self, request: Request, endpoint_id: str) -> Response[str]:
        from ringline.runtime.web.bodies import read_body
        from ringline.webhooks.bodies import EndpointChange

        change = read_body(EndpointChange, request.json_object())
        endpoint = self.manage.change(request.account_id, endpoint_id, change, if_match(request.event))
        self.log.info("webhook endpoint changed", extra={"endpoint_id": endpoint_id})
        replay_id = self.manage.resume(request.account_id, endpoint, change.resume_from)
        resumed = {} if replay_id is None else {"replay_id": replay_id}
        return json_response(200, endpoint_view(endpoint, self.clock()) | resumed, revised(endpoint.revision))

    def rotate(self, request: Request, endpoint_id: str) -> Response[str]:
        from ringline.runtime.web.bodies import read_body
        from ringline.webhooks.bodies import SecretRotation

        rotation = read_body(SecretRotation, request.json_object())
        endpoint, secret = self.manage.rotate(request.account_id, endpoint_id, rotation, if_match(request.event))
        self.log.info("webhook secret rotated", extra={"endpoint_id": endpoint_id, "grace_s": rotation.grace_s})
        shown = {**endpoint_view(endpoint, self.clock()), "secret": secret}
        return json_response(200, shown, revised(endpoint.revision))

    def delete(self, request: Request, endpoint_id: str) -> Response[str]:
        self.manage.delete(request.account_id, endpoint_id, if_match(request.event))
        self.log.info("webhook endpoint deleted", extra={"endpoint_id": endpoint_id})
        return Response(204)
