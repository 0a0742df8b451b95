"""A call's events as bars over time: what lasted, from when to when. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.words.moments import moment

type Event = Mapping[str, Any]

WIDE = 1000
"""Units from the first moment to the last."""
_NARROWEST = 4


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasted, in milliseconds since 1970; `until` is None while it lasts."""

    says: str
    kind: str
    since: int
    until: int | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A span as it is drawn: `left` and `width` of WIDE units."""

    says: str
    kind: str
    left: float
    width: float
    length_s: float
    is_open: bool


_ENDS_A_DIAL = frozenset({"attempt_ended", "ended", "not_sent", "deferred", "livekit_away"})
_ENDS_TALK = frozenset({"leg_left", "handed_over", *_ENDS_A_DIAL})


def bars(events: Sequence[Event], now_ms: int, is_over: bool) -> list[Bar]:
    """What lasted, in the order in which it began. What has not ended lasts until now, or until the last event of a
    call that is over."""
    moments = [at for each in events if (at := _at(each)) is not None]
    if not moments:
        return []
    first, last = min(moments), max(moments)
    end = last if is_over else max(last, now_ms)
    whole = max(1, end - first)
    drawn = []
    for span in sorted(_spans(events), key=lambda each: each.since):
        until = end if span.until is None else span.until
        left = (span.since - first) * WIDE / whole
        width = max(_NARROWEST, (until - span.since) * WIDE / whole)
        left = min(left, WIDE - width)
        is_open = span.until is None and not is_over
        drawn.append(Bar(span.says, span.kind, left, width, (until - span.since) / 1000, is_open))
    return drawn


def _spans(events: Sequence[Event]) -> Iterator[Span]:
    dials = sorted({each["dial"] for each in events if each.get("what") == "dialed" and "dial" in each})
    waits_since = next((_at(each) for each in events if each.get("what") == "accepted"), None)
    for dial in dials:
        of_dial = [each for each in events if each.get("dial") == dial]
        which = f" (dial {dial})" if len(dials) > 1 else ""
        dialed = _first(of_dial, {"dialed"})
        if waits_since is not None and dialed is not None and dialed > waits_since:
            yield Span(f"waited{which}", "wait", waits_since, dialed)
        yield from _of_a_dial(of_dial, events, which)
        waits_since = _first(of_dial, _ENDS_A_DIAL) if dial != dials[-1] else None
    ended = _first(events, {"ended"})
    if waits_since is not None and not dials:
        yield Span("waits" if ended is None else "waited", "wait", waits_since, ended)


def _of_a_dial(of_dial: Sequence[Event], events: Sequence[Event], which: str) -> Iterator[Span]:
    over = _first(of_dial, _ENDS_A_DIAL)
    over = over if over is not None else _first(events, {"ended"})
    dialed, answered = _first(of_dial, {"dialed"}), _first(of_dial, {"answered"})
    if dialed is not None:
        yield Span(f"on its way{which}", "ring", dialed, answered if answered is not None else over)
    if answered is not None:
        left = _first(of_dial, _ENDS_TALK)
        yield Span(f"phone on the line{which}", "talk", answered, left if left is not None else over)
    joined = _first(of_dial, {"agent_joined"})
    if joined is not None:
        left = _first(of_dial, {"agent_left"})
        yield Span(f"agent there{which}", "agent", joined, left if left is not None else over)
    yield from _transfers(of_dial, over)


def _transfers(of_dial: Sequence[Event], over: int | None) -> Iterator[Span]:
    for asked in (each for each in of_dial if each.get("what") == "transfer_requested"):
        of_it = [each for each in of_dial if each.get("transfer_id") == asked.get("transfer_id")]
        after = (at for each in of_it if each is not asked and (at := _at(each)) is not None)
        since = _at(asked)
        if since is not None:
            yield Span(f"transfer to {asked.get('to')}", "transfer", since, max(after, default=over))


def _first(events: Iterable[Event], words: Collection[str]) -> int | None:
    return next((_at(each) for each in events if each.get("what") in words), None)


def _at(event: Event) -> int | None:
    at = moment(event.get("at"))
    return None if at is None else round(at.timestamp() * 1000)
