"""The runners of an account: who is there, how many places it has, when it was heard last."""

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringline.agents.model.frames import DIAL_OUT
from ringline.agents.model.presence import Presence, presence_of
from ringline.agents.model.records import Runner
from ringline.agents.tables.registry import Registry
from ringline.calls.tables.pages import CallPages
from ringline.calls.views.listing import check_names
from ringline.resources.held_calls import HeldCalls, held_calls
from ringline.runtime.clock import MS_PER_S, Clock, iso
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.web.api import json_response
from ringline.runtime.web.http import listing
from ringline.runtime.web.routes import Request, Route


@dataclass(frozen=True, slots=True)
class Runners:
    registry: Registry
    pages: CallPages
    clock: Clock

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/v1/runners",
                self.list_them,
                summary="Lists the account's runners",
                query="ringline.resources.answers.queries:RunnerFilters",
                answer="ringline.resources.answers.overview.workers:RunnerList",
            ),
        )

    def list_them(self, request: Request) -> Response[str]:
        check_names(request.query, frozenset({"agent_id"}))
        now = self.clock()
        agent_id = request.query.get("agent_id")
        # What cannot be an id is no agent's.
        is_asked = not agent_id or is_plausible_id(agent_id)
        runners = self.registry.runners(request.account_id, agent_id) if is_asked else []
        shown = [each for each in runners if _is_shown(each, now)]
        held = held_calls(self.pages, request.account_id, now) if shown else HeldCalls()
        rows = [runner_view(each, now) | {"calls": held.of_runner(each.worker_id)} for each in shown]
        return json_response(200, listing(rows, None))


def _is_shown(runner: Runner, now: int) -> bool:
    """A runner that is gone is shown as long as calls hold places of it: they go on without its control socket."""
    return presence_of(runner, now) is not Presence.GONE or runner.in_use > 0


def runner_view(runner: Runner, now: int) -> dict[str, Any]:
    """`in_use` counts calls from their claim on, `active_jobs` is what the runner says itself, up to a beat late."""
    presence = presence_of(runner, now)
    is_live = presence is Presence.LIVE
    return {
        "worker_id": runner.worker_id,
        "agent_id": runner.agent_id,
        "pool": runner.pool,
        "kind": "brain",
        "transport": DIAL_OUT,
        "status": presence.value,
        "draining": not is_live,
        "takes_calls": runner.takes_calls,
        "max_concurrent": runner.max_concurrent,
        "in_use": runner.in_use,
        "active_jobs": runner.active_jobs,
        "load": round(runner.in_use / runner.max_concurrent, 3) if runner.max_concurrent else None,
        "has_capacity": is_live and runner.takes_calls and runner.has_free_place,
        "last_heartbeat_age_s": None if runner.seen_at is None else round((now - runner.seen_at) / MS_PER_S, 3),
        "registered_at": iso(runner.registered_at),
        "hostname": runner.hostname,
        "region": runner.region,
        "deployment": runner.deployment,
    }
