"""The account itself, on one page: what it may, what it has under way, and why nothing rings.

Some ten reads, whatever the account has: its own rows, a page of its queue, the trunks that the first calls wait for,
and who is there. What would cost more is left open, and the page says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringline.accounts.rates import USUAL_REQUESTS_PER_MINUTE
from ringline.accounts.store import AccountStore
from ringline.agents.model.presence import is_live
from ringline.agents.model.records import Runner
from ringline.agents.tables.registry import Registry
from ringline.calls.capacity.days import Daily, Use, next_day_at
from ringline.calls.model.call import Direction, State
from ringline.calls.progress.capacity import Capacity, Known
from ringline.calls.tables.agent_rests import AgentRest
from ringline.calls.tables.livekit_rest import Rest
from ringline.calls.tables.paces import Pace, TrunkPaces
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.store import CallStore, Gate, QueueEntry
from ringline.calls.tables.wanted import Wanted
from ringline.calls.views.call_view import STATES_OF_STATUS
from ringline.calls.views.queue_place import MOST_COUNTED, full_of
from ringline.calls.views.waiting import Block, Full, Standing, blocks, next_start_at
from ringline.resources.overview.limits import limits
from ringline.resources.overview.own_caps import SetOwnCaps, in_units
from ringline.runtime.clock import MS_PER_S, Clock, iso, iso_or_none
from ringline.runtime.web.api import json_response
from ringline.runtime.web.problems import not_found
from ringline.runtime.web.routes import Request, Route

type FailingEndpoints = Callable[[str], list[dict[str, Any]]]
"""An account's webhook endpoints that fail, as they are shown."""

LOOKED_AT = 100
"""How many of the first waiting calls are asked what they wait for."""

MOST_TRUNKS = 10
"""How many trunks are looked at: each takes a read."""

MOST_LINES_READ = 200
"""With more of its own calls on a line than this, an account's callers are not counted among them."""

_CALLERS = Wanted(
    states=STATES_OF_STATUS["ringing"] | STATES_OF_STATUS["active"] | {State.RINGING}, direction=Direction.INBOUND
)


_SHOWN_USES = {"calls": Use.CALLS, "minutes": Use.TALK_MS, "new_numbers": Use.NEW_NUMBERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    accounts: AccountStore
    store: CallStore
    pages: CallPages
    paces: TrunkPaces
    capacity: Capacity
    registry: Registry
    set_own_caps: SetOwnCaps
    failing_endpoints: FailingEndpoints
    clock: Clock

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/v1/account",
                self.show,
                summary="Shows the account: its lines, what waits and why, its trunks and agents, its limits",
                answer="ringline.resources.answers.overview.account:ShownAccount",
                problems=("account_not_found",),
            ),
            Route(
                "PATCH",
                "/v1/account",
                self.change,
                summary="Changes the account's own daily caps, which may be lower than the operator's",
                body="ringline.accounts.bodies:OwnCaps",
                answer="ringline.resources.answers.overview.account:ShownAccount",
                problems=("account_not_found", "contended"),
            ),
        )

    def change(self, request: Request) -> Response[str]:
        from ringline.accounts.bodies import OwnCaps
        from ringline.runtime.web.bodies import read_body

        said = read_body(OwnCaps, request.json_object())
        self.set_own_caps.run(request.account_id, said, self.store.gate(request.account_id).daily)
        return self.show(request)

    def show(self, request: Request) -> Response[str]:
        account = self.accounts.account(request.account_id)
        if account is None:
            raise not_found("account_not_found", "There is no such account")
        now = self.clock()
        queued = self.store.first_queued(account.account_id, MOST_COUNTED)
        standing, runners = self._standing(account.account_id, queued[:LOOKED_AT], now)
        callers = self._callers(account.account_id, standing.gate, now)
        return json_response(
            200,
            {
                "account_id": account.account_id,
                "name": account.name,
                "org_handle": account.org_handle,
                "country": account.country,
                "allowed_prefixes": standing.gate.allowed_prefixes,
                "lines": _lines(standing.gate),
                "daily": _daily(standing.gate.daily, now),
                "callers": callers,
                "waiting": _waiting(queued, standing, now),
                "blocked_by": [_block(each) for each in blocks(queued[:LOOKED_AT], standing, now)],
                "trunks": self._trunks(standing.paces, now),
                "agents": _agents(queued[:LOOKED_AT], standing.rests, runners, now),
                "livekit": _livekit(standing.livekit, now),
                "failing_endpoints": self.failing_endpoints(account.account_id),
                "limits": limits() | {"lines": account.cap} | _own_limits(standing.gate),
                "not_known": _not_known(queued, standing, callers),
            },
        )

    def _standing(
        self, account_id: str, first: Sequence[QueueEntry], now: int
    ) -> tuple[Standing, dict[str, list[Runner]]]:
        """How it stands with all that the first calls need, and the account's runners by agent."""
        runners: dict[str, list[Runner]] = {}
        for runner in self.registry.runners(account_id):
            runners.setdefault(runner.agent_id, []).append(runner)
        wanted = {entry.runner_of for entry in first if entry.runner_of is not None}
        trunks = list(dict.fromkeys([None, *(entry.trunk_id for entry in first)]))
        looked = {trunk: self.paces.look(trunk) for trunk in trunks[:MOST_TRUNKS]}
        gate = self.store.gate(account_id)
        standing = Standing(
            gate=gate,
            livekit=self.paces.livekit.look(),
            livekits_turn_at=self.paces.budget.next_turn_at(),
            # A trunk that is not looked at is taken for one that rests no call.
            paces={trunk: looked.get(trunk, Pace(0, 0)) for trunk in trunks},
            rests=self.paces.agents.of_account(account_id),
            without_place=frozenset(
                agent for agent in wanted if not any(_has_place(each, now) for each in runners.get(agent, []))
            ),
            full=self._full(account_id, first, gate),
            speech_is_full=any(entry.brain is not None for entry in first) and self.registry.speech_is_full(),
        )
        return standing, runners

    def _full(self, account_id: str, first: Sequence[QueueEntry], gate: Gate) -> dict[str, Full]:
        """What has no room for which of these calls. The counters of all of them are read at once."""
        known = Known()
        if gate.caps_version:
            known.counters |= self.capacity.counters.look_at(
                account_id, (name for entry in first for name in entry.counters)
            )
        named = {entry.call_id: self.capacity.what_is_full(account_id, entry, gate, known) for entry in first}
        return {call_id: Full(full_of(name), name.partition("#")[2]) for call_id, name in named.items() if name}

    def _callers(self, account_id: str, gate: Gate, now: int) -> dict[str, Any] | None:
        """How many people ring in or talk who called themselves. Found among all calls on a line, which are read for
        it: an account with many of its own gets no count."""
        if gate.in_use > MOST_LINES_READ:
            return None
        page = self.pages.in_flight(account_id, limit=MOST_LINES_READ, cursor=None, wanted=_CALLERS, now=now)
        if page is None:
            return None
        return {"on_a_line": len(page.calls), "counts_all": page.next_cursor is None}

    def _trunks(self, paces: Mapping[str | None, Pace], now: int) -> list[dict[str, Any]]:
        """Calls that name no trunk go through the usual one, which others name."""
        named = {self.paces.trunk(trunk_id): pace for trunk_id, pace in paces.items()}
        return [_trunk(trunk_id, pace, now) for trunk_id, pace in named.items()]


def _trunk(trunk_id: str, pace: Pace, now: int) -> dict[str, Any]:
    interval_ms = pace.interval_at(now)
    return {
        "trunk_id": trunk_id,
        "takes_calls": pace.is_near(now),
        "next_turn_at": iso_or_none(pace.next_at if pace.next_at > now else None),
        "calls_per_second": round(MS_PER_S / interval_ms, 3) if interval_ms else None,
        "is_slowed_until": iso_or_none(pace.slow_until if pace.slow_until > now else None),
    }


def _own_limits(gate: Gate) -> dict[str, int]:
    """What an operator may have set for this account."""
    return {
        "requests_per_minute": gate.requests_per_minute or USUAL_REQUESTS_PER_MINUTE,
        "waiting_calls": gate.most_waiting,
    }


def _daily(daily: Daily, now: int) -> dict[str, Any]:
    return {"resets_at": iso(next_day_at(now))} | {
        name: {
            "used": round(in_units(use, daily.used(use, now)) or 0, 3),
            "cap": in_units(use, daily.cap(use)),
            "own_cap": in_units(use, daily.own_cap(use)),
        }
        for name, use in _SHOWN_USES.items()
    }


def _lines(gate: Gate) -> dict[str, Any]:
    mean_ms = gate.mean_line_ms
    return {
        "cap": gate.cap,
        "in_use": gate.in_use,
        "free": max(0, gate.cap - gate.in_use),
        "mean_line_s": None if mean_ms is None else round(mean_ms / MS_PER_S, 3),
    }


def _waiting(queued: Sequence[QueueEntry], standing: Standing, now: int) -> dict[str, Any]:
    first = queued[0] if queued else None
    waits_ms = None if first is None or first.eligible_at > now else now - first.eligible_at
    return {
        "calls": len(queued),
        "counts_all": len(queued) < MOST_COUNTED,
        "due": sum(entry.eligible_at <= now for entry in queued),
        "first_call_id": None if first is None else first.call_id,
        "longest_wait_s": None if waits_ms is None else waits_ms / MS_PER_S,
        "next_start_at": iso_or_none(next_start_at(queued[:LOOKED_AT], standing, now)),
    }


def _block(block: Block) -> dict[str, Any]:
    return {
        "what": block.what.value,
        "calls": block.calls,
        "until": iso_or_none(block.until),
        "names": sorted(block.names),
    }


def _agents(
    first: Sequence[QueueEntry], rests: Mapping[str, AgentRest], runners: dict[str, list[Runner]], now: int
) -> list[dict[str, Any]]:
    """The agents that calls wait for, that were missed within a day, or whose runners were there within one."""
    named = {entry.agent_id for entry in first} | {entry.runner_of for entry in first} | {*rests, *runners}
    return [
        {
            "agent_id": agent_id,
            "rests_until": iso_or_none(rest.next_at if not rest.is_over(now) else None),
            "missing_since": iso_or_none(rest.missing_since),
            "runners": _places(runners[agent_id], now) if agent_id in runners else None,
        }
        for agent_id in sorted(name for name in named if name)
        for rest in (rests.get(agent_id, AgentRest()),)
    ]


def _places(runners: Sequence[Runner], now: int) -> dict[str, int]:
    there = [each for each in runners if is_live(each, now) and each.takes_calls]
    return {
        "there": len(there),
        "places": sum(each.max_concurrent for each in there),
        "in_use": sum(each.in_use for each in there),
    }


def _has_place(runner: Runner, now: int) -> bool:
    return runner.takes_calls and runner.has_free_place and is_live(runner, now)


def _livekit(rest: Rest, now: int) -> dict[str, Any]:
    return {
        "is_away": not rest.is_over(now),
        "tried_again_at": iso_or_none(rest.next_at if not rest.is_over(now) else None),
        "last_failed_at": iso_or_none(rest.failed_at or None),
    }


def _not_known(queued: Sequence[QueueEntry], standing: Standing, callers: dict[str, Any] | None) -> list[str]:
    """What this page leaves open, in words."""
    left_open = {
        f"how many calls wait beyond the first {MOST_COUNTED}": len(queued) >= MOST_COUNTED,
        f"what calls wait for beyond the first {LOOKED_AT}": len(queued) > LOOKED_AT,
        f"how it stands with more than {MOST_TRUNKS} trunks": len(standing.paces) > MOST_TRUNKS,
        "how many callers are on a line, among so many calls": callers is None,
        "when a line falls free, for no call of the account has ended yet": (
            not standing.gate.has_free_line and standing.gate.mean_line_ms is None
        ),
        "when a runner has a place again": bool(standing.without_place),
        "when what has reached its cap has room again": bool(standing.full),
        "whether workers of your own are there, before a call waits for them: LiveKit tells nobody": True,
        "how many calls the carriers take: they tell by refusing": True,
    }
    return [words for words, is_open in left_open.items() if is_open]
