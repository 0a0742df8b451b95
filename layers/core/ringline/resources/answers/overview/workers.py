"""Runners and workers as they are shown: `ringline.resources.runners` and `ringline.resources.workers`."""

from typing import Any, Literal

from ringline.resources.answers.base import Listing, Moment, Shown


class ShownRunner(Shown):
    """A runner of the account. `in_use` counts calls from their claim on; `active_jobs` is what it says itself. `load`
    is the part of its places that is taken, `calls` the ids of the calls that have them: null where the account has
    too many."""

    worker_id: str
    agent_id: str
    pool: str
    kind: Literal["brain"]
    transport: Literal["dial_out"]
    status: Literal["live", "overdue", "gone"]
    draining: bool
    takes_calls: bool
    max_concurrent: int
    in_use: int
    active_jobs: int
    load: float | None
    calls: list[str] | None
    has_capacity: bool
    last_heartbeat_age_s: float | None
    registered_at: Moment
    hostname: str | None
    region: str | None
    deployment: str | None


class RunnerList(Listing[ShownRunner]):
    """The runners that are there, or whose places calls still hold, on one page."""


class ShownWorker(Shown):
    """Who is there that calls need: a runner of the account (`brain`), or the deployment's speech worker (`media`).
    `calls` are the account's own, of a speech worker from when it is ready for one: null where there are too many."""

    worker_id: str
    pool: str
    max_concurrent: int
    active_jobs: int
    load: float | None
    draining: bool
    calls: list[str] | None
    voice_profiles: list[Any]
    last_heartbeat_age_s: float | None
    has_capacity: bool
    agent_id: str | None
    transport: Literal["dial_out"] | None
    kind: Literal["brain", "media"]
    bridge_base: str | None


class WorkerList(Listing[ShownWorker]):
    """The workers that are there, on one page."""
