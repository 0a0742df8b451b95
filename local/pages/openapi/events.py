"""The account's events as AsyncAPI 3 has them: what Ringline sends to an endpoint, from the models of the bodies."""

from typing import Any

from local.pages.openapi.examples import Examples
from local.pages.openapi.schemas import Schemas, schemas_of
from ringline.resources.answers.webhook_events import EVENTS
from ringline.webhooks.model.event_type import EventType

_DESCRIPTION = """\
What a webhook endpoint is told. Each event is one POST of JSON, signed as Standard Webhooks has it. Any 2xx takes it;
everything else is tried again, up to nine times in three days. 410 disables the endpoint."""

_HEADERS: dict[str, Any] = {
    "type": "object",
    "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
    "properties": {
        "webhook-id": {
            "type": "string",
            "description": "The same at every try: whoever has seen it has had the event.",
        },
        "webhook-timestamp": {"type": "string", "description": "Seconds since 1970 at this try."},
        "webhook-signature": {
            "type": "string",
            "description": "One entry for each valid secret, with spaces between; one that is right is enough.",
        },
    },
}


def events_document() -> dict[str, Any]:
    """The whole document. Names of messages are the events' types."""
    schemas, examples = schemas_of(model for _, model in EVENTS.values()), Examples()
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Ringline's webhooks", "version": "1", "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {
            "receiver": {
                "host": "{host}",
                "protocol": "https",
                "description": "Yours: the host of the endpoint's URL.",
                "variables": {"host": {"default": "example.com"}},
            }
        },
        "channels": {
            "endpoint": {
                # The address is the customer's own, and no document can know it.
                "address": None,
                "description": "An endpoint of the account, `POST /v1/webhook-endpoints`.",
                "messages": {each.value: {"$ref": f"#/components/messages/{each.value}"} for each in EVENTS},
            }
        },
        "operations": {
            "tell": {
                "action": "send",
                "channel": {"$ref": "#/channels/endpoint"},
                "summary": "An event that the endpoint is subscribed to has happened",
                "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
            }
        },
        "components": {
            "messages": {each.value: _message(each, schemas, examples) for each in EVENTS},
            "schemas": schemas.components,
        },
    }


def _message(event_type: EventType, schemas: Schemas, examples: Examples) -> dict[str, Any]:
    summary, model = EVENTS[event_type]
    shown = examples.of_event(event_type, model)
    return {
        "name": event_type.value,
        "summary": summary,
        "headers": _HEADERS,
        "payload": {"allOf": [schemas.of(model), {"properties": {"type": {"const": event_type.value}}}]},
        **({"examples": [{"name": name, "payload": each["value"]} for name, each in shown.items()]} if shown else {}),
    }
