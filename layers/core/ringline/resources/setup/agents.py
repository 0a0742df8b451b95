"""Agents and their voices: `client.agents` and `client.agents.voice` of the SDK."""

from dataclasses import dataclass
from urllib.parse import unquote

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from ringline.routing.records import Agent, VoiceBinding
from ringline.runtime.web.api import json_response
from ringline.runtime.web.http import listing
from ringline.runtime.web.revisions import if_match, revised
from ringline.runtime.web.routes import Request, Route
from ringline.setup.agents import ManageAgents
from ringline.setup.checks import Voices
from ringline.setup.views import agent_view, voice_view
from ringline.voices.profiles import VoiceProfile

_ANSWERS = "ringline.resources.answers.setup"
_FIELDS = ("unknown_number", "unknown_trunk", "voice_profile_not_found", "contended")
_ONE = "/v1/agents/<agent_id>"
_ONE_VOICE = "/v1/agents/<agent_id>/voices/<voice_profile_id>"


@dataclass(frozen=True, slots=True)
class Agents:
    manage: ManageAgents
    catalogue: Voices
    log: Logger

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "POST",
                "/v1/agents",
                self.create,
                summary="Makes an agent with its first voice",
                body="ringline.setup.bodies:AgentRequest",
                answer=f"{_ANSWERS}:ShownAgentVoice",
                status=201,
                problems=("agent_exists", "agent_name_taken", *_FIELDS),
                has_revision=True,
            ),
            Route("GET", "/v1/agents", self.list_them, summary="Lists the agents", answer=f"{_ANSWERS}:AgentList"),
            Route(
                "GET",
                _ONE,
                self.get,
                summary="Shows an agent with all its voices",
                answer=f"{_ANSWERS}:ShownAgent",
                problems=("agent_not_found",),
                has_revision=True,
            ),
            self._changing("PUT"),
            self._changing("PATCH"),
            Route(
                "DELETE",
                _ONE,
                self.delete,
                summary="Deletes an agent that nothing uses, with its voices",
                status=204,
                problems=("agent_not_found", "in_use", "contended"),
                has_revision=True,
            ),
            *self._voice_routes(),
        )

    def _changing(self, method: str) -> Route:
        return Route(
            method,
            _ONE,
            self.change,
            summary="Changes an agent for calls to come; what is not named stays",
            body="ringline.setup.bodies:AgentChange",
            answer=f"{_ANSWERS}:ShownAgent",
            problems=("agent_not_found", "agent_name_taken", *_FIELDS),
            has_revision=True,
        )

    def _voice_routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "POST",
                f"{_ONE}/voices",
                self.add_voice,
                summary="Gives an agent a further voice",
                body="ringline.setup.bodies:VoiceRequest",
                answer=f"{_ANSWERS}:ShownAgentVoice",
                status=201,
                problems=(
                    "agent_not_found", "voice_exists", "too_many_voices", "voice_profile_not_found",
                    "revision_conflict", "contended",
                ),
                has_revision=True,
            ),
            Route(
                "PATCH",
                _ONE_VOICE,
                self.change_voice,
                summary="Changes one voice of an agent",
                body="ringline.setup.bodies:VoiceChange",
                answer=f"{_ANSWERS}:ShownAgentVoice",
                problems=("agent_not_found", "voice_not_found", "contended"),
                has_revision=True,
            ),
            Route(
                "DELETE",
                _ONE_VOICE,
                self.remove_voice,
                summary="Takes one voice from an agent",
                status=204,
                problems=("agent_not_found", "voice_not_found", "contended"),
                has_revision=True,
            ),
        )  # fmt: skip

    def create(self, request: Request) -> Response[str]:
        from ringline.runtime.web.bodies import read_body
        from ringline.setup.bodies import AgentRequest

        agent = self.manage.create(request.account_id, read_body(AgentRequest, request.json_object()))
        self.log.info("agent created", extra={"agent_id": agent.agent_id, "brain": agent.brain})
        return self._voice(201, agent, agent.voice)

    def list_them(self, request: Request) -> Response[str]:
        agents, profiles = self.manage.list(request.account_id), self._profiles()
        return json_response(200, listing([agent_view(each, profiles) for each in agents], None))

    def get(self, request: Request, agent_id: str) -> Response[str]:
        return self._agent(self.manage.get(request.account_id, agent_id))

    def change(self, request: Request, agent_id: str) -> Response[str]:
        from ringline.runtime.web.bodies import read_body
        from ringline.setup.bodies import AgentChange

        change = read_body(AgentChange, request.json_object())
        agent = self.manage.change(request.account_id, agent_id, change, if_match(request.event))
        self.log.info("agent changed", extra={"agent_id": agent_id, "revision": agent.revision})
        return self._agent(agent)

    def delete(self, request: Request, agent_id: str) -> Response[str]:
        self.manage.delete(request.account_id, agent_id, if_match(request.event))
        self.log.info("agent deleted", extra={"agent_id": agent_id})
        return Response(204)

    def add_voice(self, request: Request, agent_id: str) -> Response[str]:
        from ringline.runtime.web.bodies import read_body
        from ringline.setup.bodies import VoiceRequest

        asked = read_body(VoiceRequest, request.json_object())
        agent = self.manage.add_voice(request.account_id, agent_id, asked, if_match(request.event))
        return self._voice(201, agent, agent.voices[-1])

    def change_voice(self, request: Request, agent_id: str, voice_profile_id: str) -> Response[str]:
        from ringline.runtime.web.bodies import read_body
        from ringline.setup.bodies import VoiceChange

        change, wanted = read_body(VoiceChange, request.json_object()), if_match(request.event)
        named = unquote(voice_profile_id)
        agent = self.manage.change_voice(request.account_id, agent_id, named, change, wanted)
        changed = next(each for each in agent.voices if each.voice_profile_id == named)
        return self._voice(200, agent, changed)

    def remove_voice(self, request: Request, agent_id: str, voice_profile_id: str) -> Response[str]:
        self.manage.remove_voice(request.account_id, agent_id, unquote(voice_profile_id), if_match(request.event))
        return Response(204)

    def _profiles(self) -> dict[str, VoiceProfile]:
        return {each.profile_id: each for each in self.catalogue.profiles()}

    def _agent(self, agent: Agent) -> Response[str]:
        return json_response(200, agent_view(agent, self._profiles()), revised(agent.revision))

    def _voice(self, status: int, agent: Agent, voice: VoiceBinding | None) -> Response[str]:
        return json_response(status, voice_view(agent, voice, self._profiles()), revised(agent.revision))
