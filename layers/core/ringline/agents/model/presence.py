"""Who is there, and who takes a call next."""

from collections.abc import Collection, Iterable
from enum import StrEnum

from ringline.agents.model.records import Runner
from ringline.calls.model.timing import MS_PER_S, RUNNER_GONE_S, RUNNER_OVERDUE_S


class Presence(StrEnum):
    LIVE = "live"
    OVERDUE = "overdue"
    """Connected, and silent: it may be draining, and must be left alone."""
    GONE = "gone"


def presence_of(runner: Runner, now: int) -> Presence:
    if runner.seen_at is None or runner.heard_on != runner.connection_id:
        return Presence.GONE
    silent_ms = now - runner.seen_at
    if silent_ms < RUNNER_OVERDUE_S * MS_PER_S:
        return Presence.LIVE
    return Presence.OVERDUE if silent_ms < RUNNER_GONE_S * MS_PER_S else Presence.GONE


def is_live(runner: Runner, now: int) -> bool:
    """Whether frames may be sent to it."""
    return presence_of(runner, now) is Presence.LIVE


def least_loaded(runners: Iterable[Runner], now: int) -> Runner | None:
    """The runner with a free place of whose places the smallest part is taken."""
    able = (each for each in runners if each.takes_calls and each.has_free_place and is_live(each, now))
    return min(able, key=_load, default=None)


def next_for(
    runners: Iterable[Runner], now: int, *, holder: str | None, lost: str | None, passed_over: Collection[str]
) -> Runner | None:
    """The runner to assign a call to. `holder` is the runner whose place the call has, and comes first; `lost` is the
    one whose bridge broke, and comes last, though it may be the only one that is there."""
    able = [
        each
        for each in runners
        if each.takes_calls
        and each.worker_id not in passed_over
        and (each.has_free_place or each.worker_id == holder)
        and is_live(each, now)
    ]
    return min(able, key=lambda each: (each.worker_id == lost, each.worker_id != holder, *_load(each)), default=None)


def has_room(worker: Runner, now: int) -> bool:
    """Whether a speech worker takes one call more, as its last beat tells: LiveKit chooses whom it gives a call."""
    return is_live(worker, now) and worker.active_jobs < worker.max_concurrent


def last_seen(runners: Iterable[Runner], now: int) -> int | None:
    """When a runner that takes calls was there last, which is now where one is; None if none ever was. One without any
    places takes none: whoever waited for it would wait for ever."""
    moments = [
        now if is_live(each, now) else each.seen_at or each.registered_at
        for each in runners
        if each.takes_calls and each.max_concurrent > 0
    ]
    return max(moments, default=None)


def _load(runner: Runner) -> tuple[float, int, str]:
    return runner.in_use / max(runner.max_concurrent, 1), runner.in_use, runner.worker_id
