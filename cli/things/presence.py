"""`runners`, `workers`: who is there."""

from enum import StrEnum
from typing import Annotated

import typer

from cli.frame.command import command
from cli.frame.desk import Desk
from cli.reach.things import AGENT
from cli.things.shown import show_list

RUNNER_COLUMNS = (
    "worker_id", "agent_id", "status", "takes_calls", "in_use", "max_concurrent", "has_capacity",
    "last_heartbeat_age_s", "hostname",
)  # fmt: skip
WORKER_COLUMNS = (
    "worker_id", "kind", "agent_id", "active_jobs", "max_concurrent", "has_capacity", "last_heartbeat_age_s",
)  # fmt: skip


class Kind(StrEnum):
    MEDIA = "media"
    BRAIN = "brain"
    ALL = "all"


def add_commands(app: typer.Typer) -> None:
    command(app, "runners", "runners --agent front-desk", panel="Watching")(list_runners)
    command(app, "workers", "workers --kind media", panel="Watching")(list_workers)


def list_runners(
    desk: Desk, agent: Annotated[str | None, typer.Option(metavar="AGENT", help="Of this agent alone."), AGENT] = None
) -> None:
    """Your runners that are there: how many places they have, and when they were heard last."""
    show_list(desk, "/v1/runners", RUNNER_COLUMNS, "no runners are there", {"agent_id": agent})


def list_workers(
    desk: Desk, kind: Annotated[Kind, typer.Option(help="media speaks, brain thinks.")] = Kind.ALL
) -> None:
    """The speech workers of the deployment (media) and your runners (brain) that are there."""
    show_list(desk, "/v1/workers", WORKER_COLUMNS, "no workers are there", {"kind": kind.value})
