"""Holds what a function asks of the table while its handler runs against the rights that the template gives it: what
moto lets pass is AccessDenied on AWS, and would be found there.

What a handler catches of that does not hide it: the handler's caller is told.
"""

import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from local.aws.leading_keys import asked
from tests.rights import rights_of

type Handler = Callable[[dict[str, Any], Any], Any]

_SERVICE = "DynamoDB_"


@dataclass(slots=True)
class _Run:
    """Of a handler: what it asked for and has no right to."""

    function: str
    refused: list[str] = field(default_factory=list)


_running: ContextVar[_Run | None] = ContextVar("running", default=None)


def hold_to_rights(function: str, handler: Any) -> None:
    """Has the handler's module fail where it asks for more of the table than its function may."""
    handler.lambda_handler = _held(function, handler.lambda_handler)


def note_request(request: Any) -> None:
    """A signed request on its way to moto. Outside of a handler it is the test's own."""
    target = request.headers.get("X-Amz-Target") or b""
    name = target.decode() if isinstance(target, bytes) else str(target)
    if _running.get() is not None and name.startswith(_SERVICE):
        note_asked(name.partition(".")[2], json.loads(request.body))


def note_asked(operation: str, told: Mapping[str, Any]) -> None:
    """The same of a request as it is made."""
    if (run := _running.get()) is None:
        return
    rights, in_index = rights_of(run.function), "IndexName" in told
    for action, key in asked(operation, told):
        if not rights.allows(action, None if in_index else key, in_index=in_index):
            run.refused.append(f"{action} of {key}")


def _held(function: str, handle: Handler) -> Handler:
    def handle_held(event: dict[str, Any], context: Any) -> Any:
        run = _Run(function)
        token = _running.set(run)
        try:
            return handle(event, context)
        finally:
            _running.reset(token)
            assert not run.refused, f"{function} has no right to this (template.yaml): {', '.join(run.refused)}"

    return handle_held
