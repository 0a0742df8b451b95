"""An endpoint is sent an event that nothing has happened for, so that whoever sets it up sees it arrive."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from ringline.runtime.clock import Clock
from ringline.runtime.ids import new_id
from ringline.runtime.web.api import json_response
from ringline.runtime.web.problems import Problem
from ringline.runtime.web.routes import Request, Route
from ringline.webhooks.model.delivery import DeliveryId
from ringline.webhooks.model.delivery_names import name_of
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event import Event, EventDraft
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.model.target import TargetType


class Events(Protocol):
    def append(self, draft: EventDraft) -> Event: ...


@dataclass(frozen=True, slots=True)
class Ping:
    """`endpoint` finds an endpoint (account, endpoint), or raises Problem 404; `send` queues a delivery."""

    endpoint: Callable[[str, str], Endpoint]
    events: Events
    send: Callable[[DeliveryId], None]
    clock: Clock
    log: Logger

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "POST",
                "/v1/webhook-endpoints/<endpoint_id>/test",
                self.ping,
                summary="Sends an endpoint a `test.ping`, whatever it has subscribed to, signed as all events are",
                answer="ringline.resources.answers.webhook_deliveries:SentPing",
                status=202,
                problems=("endpoint_not_found", "endpoint_disabled", "url_of_each_call", "contended"),
            ),
        )

    def ping(self, request: Request, endpoint_id: str) -> Response[str]:
        endpoint = self.endpoint(request.account_id, endpoint_id)
        if not endpoint.is_enabled:
            raise Problem(409, "endpoint_disabled", "The endpoint is disabled: nothing is sent to it")
        if endpoint.target_type is TargetType.CALL:
            raise Problem(409, "url_of_each_call", "Each call names the URL: there is none to send a test to")
        draft = EventDraft(
            account_id=request.account_id,
            event_type=EventType.TEST_PING,
            occurred_at=self.clock(),
            data={"endpoint_id": endpoint_id},
            # Each is an event of its own.
            occurrence=new_id("ping"),
        )
        event = self.events.append(draft)
        delivery_id = DeliveryId(account_id=request.account_id, endpoint_id=endpoint_id, sequence=event.sequence)
        self.send(delivery_id)
        self.log.info("test event sent", extra={"endpoint_id": endpoint_id, "sequence": event.sequence})
        told = {"event_id": event.event_id, "sequence": event.sequence, "delivery_id": name_of(delivery_id)}
        return json_response(202, told)
