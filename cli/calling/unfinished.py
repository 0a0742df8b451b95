"""Calls that are not over, the stuck ones first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cli.reach.api import Api, Document
from cli.words.moments import moment
from cli.words.stuck import stuck_s, stuck_sooner_never_s, why_stuck
from ringline.runtime.clock import iso

PAGE_ROWS = 200

_ON_A_LINE, _WAITING = ("ringing", "active"), ("pending",)
_KINDS = (_ON_A_LINE, _WAITING)
"""The API has a list of those on a line; for those that wait it looks through all calls of the account."""

_PAGES_AT_A_GLANCE = {_ON_A_LINE: 5, _WAITING: 1}
"""So many pages of each kind are read for a page of the console, which is shown again every few seconds."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """`stuck` says in a few words what is wrong with it, and is empty where nothing is."""

    call: Document
    stuck: str


@dataclass(frozen=True, slots=True)
class Found:
    """`is_all` is whether there was nothing more to look at."""

    calls: list[Unfinished]
    is_all: bool

    @property
    def count(self) -> str:
        """How many, for people: `37`, or `37+`."""
        return counted(len(self.calls), self.is_all)


def counted(number: int, is_all: bool) -> str:
    """A number of rows, for people, which says where it is not all of them."""
    return f"{number}" if is_all else f"{number}+"


def stuck(
    api: Api, wanted: Mapping[str, Any], now_ms: int, *, at_a_glance: bool = False, anybody_waits: bool = True
) -> Found:
    """Those that fit and stand longer where they stand than they should, the longest first. They are among the oldest
    of those that are not over, and lists begin with the newest: so only calls that are old enough are asked for. Where
    it is known that nobody waits, those are not looked for."""
    found: list[Document] = []
    is_all = True
    for statuses in _KINDS if anybody_waits else (_ON_A_LINE,):
        most_pages = _PAGES_AT_A_GLANCE[statuses] if at_a_glance else None
        old_enough = now_ms - 1000 * stuck_sooner_never_s(statuses)
        asked = {**wanted, "created_before": _earlier(wanted.get("created_before"), old_enough)}
        rows, none_is_left = _rows(api, asked, statuses, most_pages)
        found += rows
        is_all = is_all and none_is_left
    return Found([each for each in _in_order(found, now_ms) if each.stuck], is_all)


def unfinished(api: Api, wanted: Mapping[str, Any], now_ms: int) -> Found:
    """Those that fit, the one that is stuck the longest first, then the newest, at a glance."""
    old = stuck(api, wanted, now_ms, at_a_glance=True)
    rows = {each.call["call_id"]: each.call for each in old.calls}
    is_all = old.is_all
    for statuses in _KINDS:
        newest, none_is_left = _rows(api, wanted, statuses, 1)
        rows |= {call["call_id"]: call for call in newest}
        is_all = is_all and none_is_left
    return Found(_in_order(rows.values(), now_ms), is_all)


def _rows(
    api: Api, wanted: Mapping[str, Any], statuses: tuple[str, ...], most_pages: int | None
) -> tuple[list[Document], bool]:
    """Rows of so many pages at most, and whether these are all."""
    rows: list[Document] = []
    asked = {**wanted, "status": ",".join(statuses), "limit": PAGE_ROWS}
    pages = 0
    while most_pages is None or pages < most_pages:
        page = api.page("/v1/calls", asked)
        rows += page.rows
        if page.next_cursor is None:
            return rows, True
        asked["cursor"] = page.next_cursor
        pages += 1
    return rows, False


def _in_order(calls: Iterable[Document], now_ms: int) -> list[Unfinished]:
    ordered = sorted(calls, key=lambda call: -stuck_s(call, now_ms))
    return [Unfinished(call, why_stuck(call, now_ms)) for call in ordered]


def _earlier(said: str | None, then_ms: int) -> str:
    """The earlier of a moment that was asked for, if one was, and another."""
    asked = moment(said)
    return iso(then_ms) if said is None or asked is None or asked.timestamp() * 1000 > then_ms else said
