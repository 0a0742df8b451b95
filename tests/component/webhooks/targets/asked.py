"""The webhooks' API and the delivery function, asked in few words."""

import json
from types import ModuleType
from typing import Any

from ringline.webhooks.model.delivery import DeliveryId
from ringline.webhooks.model.delivery_names import name_of
from ringline.webhooks.sending.queue import DeliveryMessage, body_of
from tests.component.one_table import LocalAws
from tests.component.webhooks.test_manage_webhooks import load_manage
from tests.fakes import CONTEXT
from tests.sample_events import event_of

ACCOUNT = "acct_demo"


class Manage:
    """The API as that account asks it, in a deployment with this environment."""

    def __init__(self, aws: LocalAws, **environment: str) -> None:
        self._handler = load_manage(DELIVERY_QUEUE_URL=aws.queue_url, **environment)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        event = event_of("manage", "get_endpoint")
        event["requestContext"]["authorizer"]["lambda"]["account_id"] = ACCOUNT
        event["rawPath"] = event["requestContext"]["http"]["path"] = path
        event["requestContext"]["http"]["method"] = method
        event["routeKey"] = f"{method} {path}"
        event["body"] = None if body is None else json.dumps(body)
        answer = self._handler.lambda_handler(event, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"]) if answer.get("body") else None

    def made(self, **body: Any) -> dict[str, Any]:
        """An endpoint that is made now."""
        status, made = self.ask("POST", "/v1/webhook-endpoints", body)
        assert status == 201, made
        return dict(made)


def problem_of(answer: tuple[int, Any], status: int, field: str) -> str:
    """What the answer says of the one field that it refuses."""
    assert answer[0] == status, answer
    (error,) = answer[1]["errors"]
    assert error["field"] == field, error
    return str(error["message"])


def delivered(handler: ModuleType, endpoint_id: str, sequence: int) -> str:
    """Has a delivery tried, which is no failure of the function's; its name in the log."""
    delivery_id = DeliveryId(account_id=ACCOUNT, endpoint_id=endpoint_id, sequence=sequence)
    event = event_of("deliver_webhook", "call_end")
    event["Records"][0]["body"] = body_of(DeliveryMessage(delivery_id))
    assert handler.lambda_handler(event, None) == {"batchItemFailures": []}
    return name_of(delivery_id)
