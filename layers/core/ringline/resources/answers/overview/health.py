"""A deployment's health as it is shown: `ringline.resources.overview.health`."""

from typing import Literal

from ringline.resources.answers.base import Shown


class ShownHealth(Shown):
    """Which release answers, the `row_schema` of what it writes, and what it can reach. `livekit` is what dialers found
    last: `away` while they rest because LiveKit did not take a dial."""

    status: Literal["ok", "failing"]
    version: str
    row_schema: int
    table: Literal["reached", "away"]
    livekit: Literal["reached", "away", "unknown"]
