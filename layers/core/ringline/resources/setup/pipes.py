"""Pipes: `client.pipes` and `client.agent.voice` of the SDK."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from ringline.runtime.web.api import json_response
from ringline.runtime.web.http import listing
from ringline.runtime.web.revisions import if_match, revised
from ringline.runtime.web.routes import Request, Route
from ringline.setup.pipes import KnownPipe, ManagePipes
from ringline.setup.views import pipe_view

_ANSWERS = "ringline.resources.answers.setup"
_FIELDS = (
    "unknown_agent",
    "transfer_not_allowed",
    "unknown_number",
    "unknown_trunk",
    "voice_profile_not_found",
    "no_endpoint_for_calls",
    "contended",
)


@dataclass(frozen=True, slots=True)
class Pipes:
    """`read_number` reads a number as an account writes it (account, text), and raises NotANumber."""

    manage: ManagePipes
    read_number: Callable[[str, str], str]
    log: Logger

    @property
    def routes(self) -> tuple[Route, ...]:
        one = "/v1/pipes/<pipe_id>"
        return (
            self._making("/v1/pipes", "Makes a pipe"),
            self._making("/v1/agent/voice", "Makes a pipe, as the SDK's `agent.voice.create`"),
            Route("GET", "/v1/pipes", self.list_them, summary="Lists the pipes", answer=f"{_ANSWERS}:PipeList"),
            Route(
                "GET",
                one,
                self.get,
                summary="Shows a pipe",
                answer=f"{_ANSWERS}:ShownPipe",
                problems=("pipe_not_found",),
                has_revision=True,
            ),
            Route(
                "PATCH",
                one,
                self.change,
                summary="Changes a pipe for calls to come; what is not named stays",
                body="ringline.setup.bodies:PipeChange",
                answer=f"{_ANSWERS}:ShownPipe",
                problems=("pipe_not_found", "agent_exists", *_FIELDS),
                has_revision=True,
            ),
            Route(
                "DELETE",
                one,
                self.delete,
                summary="Deletes a pipe that nothing uses, with the agent that it brought along",
                status=204,
                problems=("pipe_not_found", "in_use", "contended"),
                has_revision=True,
            ),
        )

    def _making(self, path: str, summary: str) -> Route:
        return Route(
            "POST",
            path,
            self.create,
            summary=summary,
            body="ringline.setup.bodies:PipeRequest",
            answer=f"{_ANSWERS}:ShownPipe",
            status=201,
            problems=("pipe_exists", "agent_exists", *_FIELDS),
            has_revision=True,
        )

    def create(self, request: Request) -> Response[str]:
        from ringline.runtime.web.bodies import read_body
        from ringline.setup.bodies import PipeRequest

        asked = read_body(PipeRequest, request.json_object(), self._numbers_of(request))
        known = self.manage.create(request.account_id, asked)
        self.log.info("pipe created", extra={"pipe_id": known.pipe.pipe_id})
        return _shown(201, known)

    def list_them(self, request: Request) -> Response[str]:
        return json_response(200, listing([pipe_view(each) for each in self.manage.list(request.account_id)], None))

    def get(self, request: Request, pipe_id: str) -> Response[str]:
        return _shown(200, self.manage.get(request.account_id, pipe_id))

    def change(self, request: Request, pipe_id: str) -> Response[str]:
        from ringline.runtime.web.bodies import read_body
        from ringline.setup.bodies import PipeChange

        change = read_body(PipeChange, request.json_object(), self._numbers_of(request))
        known = self.manage.change(request.account_id, pipe_id, change, if_match(request.event))
        self.log.info("pipe changed", extra={"pipe_id": pipe_id, "revision": known.pipe.revision})
        return _shown(200, known)

    def delete(self, request: Request, pipe_id: str) -> Response[str]:
        self.manage.delete(request.account_id, pipe_id, if_match(request.event))
        self.log.info("pipe deleted", extra={"pipe_id": pipe_id})
        return Response(204)

    def _numbers_of(self, request: Request) -> Callable[[str], str]:
        return partial(self.read_number, request.account_id)


def _shown(status: int, known: KnownPipe) -> Response[str]:
    return json_response(status, pipe_view(known), revised(known.pipe.revision))
