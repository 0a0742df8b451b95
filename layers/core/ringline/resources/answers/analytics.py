"""Outcomes as they are shown: `ringline.calls.outcomes.view`."""

from typing import Any, Literal

from ringline.resources.answers.base import Listing, Moment, Shown


class ShownResult(Shown):
    """What an agent reported as an outcome of a conversation. `failed`: its `data` does not fit the agent's
    `analytics_schema`, and `error` says why. `skipped`: there is a schema, and the agent told no data."""

    result_id: str
    block_id: str
    name: str
    session_id: str
    call_id: str
    agent_id: str | None
    status: Literal["ok", "failed", "skipped"]
    summary: str
    success_evaluation: bool | str | None
    data: dict[str, Any]
    error: str | None
    created: Moment


class ResultList(Listing[ShownResult]):
    """Outcomes of a call or of a session, on one page."""
