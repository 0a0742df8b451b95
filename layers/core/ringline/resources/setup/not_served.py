"""What the SDK could ask and is out of scope: answered 501 with what to use instead, never 404. One table of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from aws_lambda_powertools.event_handler import Response

from ringline.runtime.web.problems import Problem
from ringline.runtime.web.routes import Request, Route

HELP = "docs/sdk.md#out-of-scope"

_TOOLS = "Tools are the agent's own: call them in its code"
_WORDS = "What an agent hears and says is its own: instructions of the call, or a voice of the deployment"
_PLAYBOOKS = "Give the text as an agent's prompt, or run an agent of your own"
_BLOCKS = "An agent reports outcomes itself, checked against its JSON Schema: analytics.for_call"
_MERGE = "Two rooms cannot be made one: bring the second person into the call by sessions.transfer, warm"

NOT_SERVED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "/v1/sessions/merge": (_MERGE, ("POST",)),
    "/v1/tools": (_TOOLS, ("GET",)),
    "/v1/tools/<tool_id>/attach": (_TOOLS, ("POST",)),
    "/v1/tools/<tool_id>/detach": (_TOOLS, ("POST",)),
    "/v1/custom-tools": (_TOOLS, ("GET", "POST")),
    "/v1/custom-tools/<tool_id>": (_TOOLS, ("GET", "PUT", "DELETE")),
    "/v1/domain-dictionaries": (_WORDS, ("GET", "POST")),
    "/v1/domain-dictionaries/<domain>": (_WORDS, ("GET", "PUT", "DELETE")),
    "/v1/domain-dictionaries/<domain>/attach": (_WORDS, ("POST",)),
    "/v1/domain-dictionaries/<domain>/detach": (_WORDS, ("POST",)),
    "/v1/domain-dictionaries/<domain>/clone": (_WORDS, ("POST",)),
    "/v1/playbooks": (_PLAYBOOKS, ("GET", "POST")),
    "/v1/playbooks/<playbook_id>": (_PLAYBOOKS, ("GET", "PUT", "DELETE")),
    "/v1/analytics-blocks": (_BLOCKS, ("GET", "POST")),
    "/v1/analytics-blocks/templates": (_BLOCKS, ("GET",)),
    "/v1/analytics-blocks/<block_id>": (_BLOCKS, ("GET", "PATCH", "DELETE")),
    "/v1/analytics-blocks/<block_id>/attach": (_BLOCKS, ("POST",)),
    "/v1/analytics-blocks/<block_id>/attach/<agent_id>": (_BLOCKS, ("DELETE",)),
    "/v1/analytics-blocks/<block_id>/results": (_BLOCKS, ("GET",)),
    "/v1/analytics-results": (_BLOCKS, ("GET",)),
}
"""What to use instead, and the methods that the SDK asks with, by path."""


@dataclass(frozen=True, slots=True)
class NotServed:
    @property
    def routes(self) -> tuple[Route, ...]:
        return tuple(
            Route(
                method,
                path,
                _refusing(instead),
                summary=f"Out of scope. {instead}",
                status=501,
                problems=("not_served",),
            )
            for path, (instead, methods) in NOT_SERVED.items()
            for method in methods
        )


def _refusing(instead: str) -> Callable[..., Response[str]]:
    return partial(_refuse, instead)


def _refuse(instead: str, _request: Request, **_named: str) -> Response[str]:
    raise Problem(501, "not_served", f"This is out of scope. {instead}", help=HELP)
