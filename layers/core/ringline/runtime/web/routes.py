"""Routes as a table: what a resource serves, and the router that is made of all of them.

A resource is an object with `routes`. To add a route is to add a line to one resource, and to the list in
`tests/component/api/test_manage_routes.py`, which fails first (docs/adding-a-route.md).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from ringline.runtime.web.api import make_api
from ringline.runtime.web.http import Asker, asker_of, json_object, source_of
from ringline.runtime.web.scopes import Scope, scope_of


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose API key, `key_id`, is known to be the account's, and to have `scopes`, or none and may do
    everything. `event` is as API Gateway sent it."""

    account_id: str
    query: Mapping[str, str]
    event: Mapping[str, Any]
    scopes: frozenset[str] = frozenset()
    key_id: str | None = None

    def json_object(self) -> dict[str, Any]:
        """The body. Raises Problem 400, 413."""
        return json_object(self.event)


type Serve = Callable[..., Response[str]]
"""Answers a request, which also names what stands in the path's brackets."""

type Proof = Literal["api_key", "call_token", "livekit", "carrier", "none"]


@dataclass(frozen=True, slots=True)
class Described:
    """What the API's document says of a route (docs/openapi.json). `path` is as our own API has it,
    `/v1/calls/<call_id>`; the SDK's prefixes lead to the same.

    Models are named as `module:Model`, so that no function loads them for it: of the body, of the parameters behind the
    question mark, and of the answer with the status (and with `other_status`), which has no body where none is named.
    `problems` are the codes that this route may refuse with, beside those that its key, its body and its parameters
    bring (runtime/web/problem_codes.py). What has a revision is answered with its `ETag`, and changed under `If-Match`.
    """

    method: str
    path: str
    _: KW_ONLY
    summary: str = ""
    body: str | None = None
    query: str | None = None
    answer: str | None = None
    status: int = 200
    other_status: int | None = None
    problems: tuple[str, ...] = ()
    has_revision: bool = False
    proof: Proof = "api_key"

    @property
    def scope(self) -> Scope:
        """What an API key needs for it, where it has scopes."""
        return scope_of(self.method, self.path)


@dataclass(frozen=True, slots=True)
class Route(Described):
    """`serve` is given the request, and by name what stands in the path's brackets. A route without proof is served to
    everybody; its request names no account."""

    serve: Serve


def _serve_of(route: Route) -> Serve:
    return route.serve


def make_router(
    routes: Iterable[Route], log: Logger, around: Callable[[Route], Serve] = _serve_of
) -> APIGatewayHttpResolver:
    """Serves these routes to requests with an API key, and refuses all others with a problem document. `around` is
    given each route, and tells what serves it."""
    api = make_api(log)
    for route in routes:
        api.route(route.path, method=route.method)(_answering(route, around(route), api, log))
    return api


def _answering(route: Route, serve: Serve, api: APIGatewayHttpResolver, log: Logger) -> Serve:
    def answer(**path_parameters: str) -> Response[str]:
        event = api.current_event.raw_event
        log.append_keys(source_ip=source_of(event))
        asker = Asker("") if route.proof == "none" else asker_of(event, route.scope)
        log.append_keys(account_id=asker.account_id, key_id=asker.key_id)
        query = api.current_event.query_string_parameters or {}
        return serve(Request(asker.account_id, query, event, asker.scopes, asker.key_id), **path_parameters)

    return answer
