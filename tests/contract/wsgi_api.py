"""The API in this process behind WSGI: each request becomes the event that API Gateway makes of it, and goes to the
function that serves its path."""

import base64
import io
import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, unquote

from local.aws.template import events_of, read_template
from local.tools.places import TEMPLATE
from tests.fakes import CONTEXT

type StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class WsgiApi:
    """`functions` are handlers by their logical ids in the template; `keys` says whose a key is."""

    def __init__(self, functions: Mapping[str, ModuleType], keys: Mapping[str, str]) -> None:
        self._functions = functions
        self._keys = keys
        self._routes = [
            (properties.get("Method", "ANY"), _pattern(properties.get("Path")), function)
            for function, properties in events_of(read_template(TEMPLATE), "HttpApi")
        ]

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        event = self._event(environ)
        handler: Any = self._functions[self._function_of(event)]
        answer = handler.lambda_handler(event, CONTEXT)
        body = (answer.get("body") or "").encode()
        headers = [(name, str(value)) for name, value in (answer.get("headers") or {}).items()]
        for name, values in (answer.get("multiValueHeaders") or {}).items():
            headers += [(name, str(value)) for value in values]
        status = HTTPStatus(answer["statusCode"])
        start(f"{status.value} {status.phrase}", [*headers, ("content-length", str(len(body)))])
        return [body]

    def ask(self, method: str, path: str) -> tuple[int, str]:
        """Status and body of the answer to a request without a body, and without a key."""
        told: list[str] = []
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO()}
        (body,) = self(environ, lambda status, _headers: told.append(status))
        return int(told[0].split()[0]), body.decode()

    def _function_of(self, event: Mapping[str, Any]) -> str:
        """As API Gateway chooses: a whole path goes before a greedy one."""
        method, path = event["requestContext"]["http"]["method"], event["rawPath"]
        for served, pattern, function in self._routes:
            if pattern is not None and served == method and pattern.fullmatch(path):
                return function
        return "ManageFunction"

    def _event(self, environ: Mapping[str, Any]) -> dict[str, Any]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        query: dict[str, str] = {}
        for name, value in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True):
            # API Gateway joins what is said more than once.
            query[name] = f"{query[name]},{value}" if name in query else value
        path = unquote(environ.get("RAW_URI", environ["PATH_INFO"]).split("?")[0])
        return {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": environ.get("QUERY_STRING", ""),
            "queryStringParameters": query or None,
            "headers": headers,
            "pathParameters": {"provider": path.rstrip("/").rsplit("/", 1)[-1]},
            "requestContext": {
                "http": {"method": environ["REQUEST_METHOD"], "path": path},
                "authorizer": {"lambda": self._verdict(headers.get("authorization", ""))},
                "domainName": "api.example.com",
                "stage": "$default",
            },
            "body": body.decode() if body.isascii() else base64.b64encode(body).decode(),
            "isBase64Encoded": not body.isascii(),
        }

    def _verdict(self, authorization: str) -> dict[str, str]:
        scheme, _, key = authorization.partition(" ")
        if not authorization:
            return {"refusal": "missing_key"}
        account_id = self._keys.get(key) if scheme == "Bearer" else None
        return {"refusal": "unknown_key"} if account_id is None else {"account_id": account_id}


def _pattern(path: str | None) -> re.Pattern[str] | None:
    if path is None or "{proxy+}" in path:
        return None
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
