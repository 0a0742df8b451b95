"""Every change that is asked of the API, with its entry: whatever route there is, and whatever is added, unless it
changes nothing that customers or operators set up.
"""

import json
from collections.abc import Callable, Mapping
from copy import replace
from dataclasses import dataclass
from typing import Any, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from ringline.audit.entry import Changed, Entry, Outcome, changes_between
from ringline.runtime.clock import Clock
from ringline.runtime.ids import new_id
from ringline.runtime.web.http import source_of
from ringline.runtime.web.problems import Problem
from ringline.runtime.web.routes import Request, Route, Serve
from ringline.runtime.web.scopes import Scope

_OF_SCOPES = frozenset({Scope.SETUP_WRITE, Scope.KEYS, Scope.ADMIN})
_OF_PATHS = frozenset({"/v1/erasures", "/v1/calls/<call_id>/content"})
_VERBS: Mapping[str, str] = {"POST": "create", "PUT": "change", "PATCH": "change", "DELETE": "delete"}

_AFTER_WRITING = frozenset({"busy_at_livekit", "livekit_refused", "replay_running", "no_number_changed"})
"""Refusals that come after something was written: it may stand."""

_ALSO_MAKES = {"/v1/agent/voice": "/v1/pipes"}
"""Under which path else something is made."""

type Reader = Callable[..., Mapping[str, Any] | None]
"""What is shown of a thing, by the request and the names in its path; None where there is no such thing."""


class Log(Protocol):
    def write(self, entry: Entry) -> None: ...


def is_audited(route: Route) -> bool:
    if route.method == "GET" or route.status == 501:
        return False
    return route.scope in _OF_SCOPES or route.path in _OF_PATHS


@dataclass(frozen=True, slots=True)
class AuditedRoutes:
    """`readers` are by the path of a thing, `/v1/pipes/<pipe_id>`: of those a change is told field by field. `name_of`
    is the name of an account's key."""

    readers: Mapping[str, Reader]
    write: Callable[[Entry], None]
    name_of: Callable[[str, str], str | None]
    clock: Clock
    log: Logger

    def around(self, route: Route) -> Serve:
        """What serves the route, with an entry for each change."""
        if not is_audited(route):
            return route.serve

        def serve(request: Request, **named: str) -> Response[str]:
            return self._serve(route, request, named)

        return serve

    def _serve(self, route: Route, request: Request, named: dict[str, str]) -> Response[str]:
        thing = _path_of_thing(route.path)
        reader = self.readers.get(thing)
        # Before the entry is begun: where it cannot be read nothing was tried.
        before = None if reader is None else reader(request, **_of(thing, named))
        begun = self._begun(route, request, _by_own_names(named, before))
        self.write(begun)
        try:
            answer = route.serve(request, **named)
        except Problem as problem:
            is_whole = problem.status < 500 and problem.code not in _AFTER_WRITING
            outcome = Outcome.REFUSED if is_whole else Outcome.FAILED
            changes = (
                ()
                if reader is None or outcome is Outcome.REFUSED
                else self._since(before, reader, request, thing, named)
            )
            self._end(begun.ended(outcome, changes=changes, status=problem.status, code=problem.code))
            raise
        except Exception:
            self._end(begun.ended(Outcome.FAILED, status=500, code="internal_error"))
            raise
        if reader is None:
            reader, thing, named = self._made(route.path, answer)
        changes = _of_many(answer) if reader is None else self._since(before, reader, request, thing, named)
        resource = _resource(thing or route.path, _by_own_names(named, before))
        self._end(begun.ended(Outcome.DONE, changes=changes, resource=resource, status=answer.status_code))
        return answer

    def _begun(self, route: Route, request: Request, named: dict[str, str]) -> Entry:
        asked = request.event.get("requestContext") or {}
        key_id = request.key_id or ""
        return Entry(
            audit_id=new_id("aud"),
            account_id=request.account_id,
            at=self.clock(),
            action=_action(route),
            resource=_resource(_path_of_thing(route.path), named),
            who=key_id,
            name=self.name_of(request.account_id, key_id) if key_id else None,
            source_ip=source_of(request.event),
            request_id=asked.get("requestId"),
        )

    def _made(self, path: str, answer: Response[str]) -> tuple[Reader | None, str, dict[str, str]]:
        """What shows a thing that was just made, and what it is called."""
        for thing, reader in self.readers.items():
            kind, _, parameter = thing.rpartition("/")
            name = parameter.strip("<>")
            if kind == _ALSO_MAKES.get(path, path) and (made := _document(answer).get(name)):
                return reader, thing, {name: str(made)}
        return None, path, {}

    def _since(
        self, before: Mapping[str, Any] | None, reader: Reader, request: Request, thing: str, named: dict[str, str]
    ) -> tuple[Changed, ...]:
        """None where the thing cannot be read by now: that is no reason to answer that it was not changed."""
        try:
            return changes_between(before, reader(request, **_of(thing, named)))
        except Exception:
            self.log.exception("audit entry without its changes", extra={"resource": _resource(thing, named)})
            return ()

    def _end(self, entry: Entry) -> None:
        """The change is made: that its entry cannot be ended is no reason to answer that it was not."""
        try:
            self.write(entry)
        except Exception:
            self.log.exception("audit entry not ended", extra={"audit_id": entry.audit_id})


def reader_of(route: Route) -> Reader:
    """Shows a thing as the route does that shows it to customers: without what is secret."""

    def read(request: Request, **named: str) -> Mapping[str, Any] | None:
        try:
            answer = route.serve(replace(request, query={}), **named)
        except Problem as problem:
            if problem.status == 404:
                return None
            raise
        return _document(answer)

    return read


def _document(answer: Response[str]) -> dict[str, Any]:
    read = json.loads(answer.body or "null")
    within = read.get("data") if isinstance(read, dict) else None
    document = within if isinstance(within, dict) else read
    return document if isinstance(document, dict) else {}


def _of_many(answer: Response[str]) -> tuple[Changed, ...]:
    """What was changed by a request for many numbers, by the number: to whom its callers are led from now on."""
    rows = _document(answer).get("numbers") or ()
    led = {row["number"]: row["agent_id"] or row["pipe_id"] or "nobody" for row in rows if row["ok"]}
    return changes_between(None, led)


def _path_of_thing(path: str) -> str:
    """`/v1/numbers/<number_id>` of `/v1/numbers/<number_id>/attach`, and `/v1/pipes` of itself."""
    beginning, closes, _ = path.partition(">")
    return beginning + closes


def _by_own_names(named: Mapping[str, str], shown: Mapping[str, Any] | None) -> dict[str, str]:
    """The names in a path as the thing itself says them: a number is asked for by its id or in E.164."""
    return {name: str((shown or {}).get(name) or asked_for) for name, asked_for in named.items()}


def _of(thing: str, named: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in named.items() if f"<{name}>" in thing}


def _resource(thing: str, named: Mapping[str, str]) -> str:
    for name, value in named.items():
        thing = thing.replace(f"<{name}>", value)
    # The platform's own path for trunks leads to the same ones.
    return thing.removeprefix("/v1/").removeprefix("telephony/")


def _action(route: Route) -> str:
    """`pipes.create`, `numbers.attach.delete`, `webhook-endpoints.secret.rotate`."""
    thing = _path_of_thing(route.path)
    kind = [part for part in thing.split("/") if part not in {"", "v1"} and "<" not in part]
    rest = [part for part in route.path.removeprefix(thing).split("/") if part and "<" not in part]
    verb = [] if rest and route.method in {"POST", "PUT"} else [_VERBS[route.method]]
    return ".".join([*kind, *rest, *verb])
