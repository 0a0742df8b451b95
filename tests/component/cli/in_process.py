"""The API as the command line reaches it, without a network: each request goes through the authorizer and then to the
function that serves it, in this process."""

from email.utils import formatdate
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

import httpx

from ringline.accounts.authorize import Authorize, context_of
from ringline.accounts.store import AccountStore
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of

URL = "https://api.example.com"
NOWHERE = {
    "LIVEKIT_URL": "http://127.0.0.1:9",
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": "a-secret-of-more-than-32-characters",
}


class InProcess(httpx.BaseTransport):
    """Answers as API Gateway would. `requests` are the method and path of each, `bodies` what
    came with it; `answers_first` are given in place of
    what the functions would answer."""

    def __init__(self, local: LocalAws) -> None:
        environment = {"DOORBELL_QUEUE_URL": local.queue_url, **NOWHERE}
        self._manage = load_handler("manage", environment)
        self._create_call = load_handler("create_call", environment)
        self._authorize = Authorize(AccountStore(local.dynamodb, local.table_name))
        self._one_at_a_time = Lock()
        self.requests: list[str] = []
        self.bodies: list[str] = []
        self.answers_first: list[httpx.Response | BaseException] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._one_at_a_time:
            self.requests.append(f"{request.method} {request.url.path}")
            self.bodies.append(request.content.decode())
            if self.answers_first:
                first = self.answers_first.pop(0)
                if isinstance(first, BaseException):
                    raise first
                return first
            handler = self._create_call if self.requests[-1] == "POST /v1/calls" else self._manage
            answer = handler.lambda_handler(self._event(request), CONTEXT)
        several = {name: values[0] for name, values in (answer.get("multiValueHeaders") or {}).items()}
        headers = {**answer.get("headers", {}), **several, "date": formatdate(usegmt=True)}
        return httpx.Response(answer["statusCode"], headers=headers, text=answer.get("body") or "")

    def _event(self, request: httpx.Request) -> dict[str, Any]:
        event = event_of("manage", "no_such_route")
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = request.url.query.decode()
        event |= {"rawPath": request.url.path, "headers": headers, "rawQueryString": query}
        if query:
            event["queryStringParameters"] = dict(parse_qsl(query))
        if request.content:
            event["body"] = request.content.decode()
        event["requestContext"]["http"] |= {"method": request.method, "path": request.url.path}
        event["requestContext"]["authorizer"] = {"lambda": context_of(self._authorize.verdict(headers))}
        return event
