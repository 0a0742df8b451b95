"""Calls that are not over, the stuck ones first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cli.reach.api import Api, Document
from cli.words.stuck import stuck_s, why_stuck

MOST_LOOKED_AT = 200
"""Of each kind: those that wait, and those on a line."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """`stuck` says in a few words what is wrong with it, and is empty where nothing is."""

    call: Document
    stuck: str


def unfinished(api: Api, wanted: Mapping[str, Any], now_ms: int) -> list[Unfinished]:
    """Those that fit, the one that is stuck the longest first, then the newest."""
    on_a_line = api.page("/v1/calls", {**wanted, "status": "ringing,active", "limit": MOST_LOOKED_AT}).rows
    waiting = api.page("/v1/calls", {**wanted, "status": "pending", "limit": MOST_LOOKED_AT}).rows
    found = sorted([*on_a_line, *waiting], key=lambda call: -stuck_s(call, now_ms))
    return [Unfinished(call, why_stuck(call, now_ms)) for call in found]
