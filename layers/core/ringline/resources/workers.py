"""Who is there that calls need: the account's own runners (`brain`), and the deployment's speech workers (`media`)."""

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringline.agents.model.frames import DIAL_OUT, MEDIA
from ringline.agents.model.presence import Presence, has_room, is_live, presence_of
from ringline.agents.model.records import Runner
from ringline.agents.tables.registry import Registry
from ringline.calls.tables.pages import CallPages
from ringline.calls.views.listing import check_names
from ringline.resources.held_calls import HeldCalls, held_calls
from ringline.runtime.clock import MS_PER_S, Clock
from ringline.runtime.web.api import json_response
from ringline.runtime.web.http import listing
from ringline.runtime.web.problems import invalid_field
from ringline.runtime.web.routes import Request, Route

BRAIN = "brain"
_KINDS = (MEDIA, BRAIN, "all")


@dataclass(frozen=True, slots=True)
class Workers:
    registry: Registry
    pages: CallPages
    clock: Clock

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/v1/workers",
                self.list_them,
                summary="Lists the runners and speech workers that are there",
                query="ringline.resources.answers.queries:WorkerFilters",
                answer="ringline.resources.answers.overview.workers:WorkerList",
            ),
        )

    def list_them(self, request: Request) -> Response[str]:
        """`kind` is `media`, `brain` or `all`, which it is where it is left out. Raises Problem 422."""
        check_names(request.query, frozenset({"kind"}))
        kind, now = request.query.get("kind", "all"), self.clock()
        if kind not in _KINDS:
            raise invalid_field("kind", f"must be one of {', '.join(_KINDS)}")
        media = [] if kind == BRAIN else _there(self.registry.speech_workers(), now)
        brains = [] if kind == MEDIA else _there(self.registry.runners(request.account_id), now)
        held = held_calls(self.pages, request.account_id, now) if media or brains else HeldCalls()
        rows = [
            *(_media(each, now) | {"calls": held.of_speech_worker(each.worker_id)} for each in media),
            *(_brain(each, now) | {"calls": held.of_runner(each.worker_id)} for each in brains),
        ]
        return json_response(200, listing(rows, None))


def _there(workers: list[Runner], now: int) -> list[Runner]:
    return [each for each in workers if presence_of(each, now) is not Presence.GONE]


def _media(worker: Runner, now: int) -> dict[str, Any]:
    """It speaks for whatever agent it is sent for, and nobody dials it but the runners of its calls."""
    return _row(worker, now) | {
        "has_capacity": has_room(worker, now),
        "agent_id": None,
        "transport": None,
        "kind": MEDIA,
        "bridge_base": worker.bridge_base,
    }


def _brain(runner: Runner, now: int) -> dict[str, Any]:
    return _row(runner, now) | {
        "has_capacity": is_live(runner, now) and runner.takes_calls and runner.has_free_place,
        "agent_id": runner.agent_id,
        "transport": DIAL_OUT,
        "kind": BRAIN,
        "bridge_base": None,
    }


def _row(worker: Runner, now: int) -> dict[str, Any]:
    return {
        "worker_id": worker.worker_id,
        "pool": worker.pool,
        "max_concurrent": worker.max_concurrent,
        "active_jobs": worker.active_jobs,
        "load": round(worker.active_jobs / worker.max_concurrent, 3) if worker.max_concurrent else None,
        "draining": not is_live(worker, now),
        "voice_profiles": [],
        "last_heartbeat_age_s": None if worker.seen_at is None else round((now - worker.seen_at) / MS_PER_S, 3),
    }
