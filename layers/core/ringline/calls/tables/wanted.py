"""Which calls a list shows, as a question to the table and as a question to a call that was read already.

Each condition stands once, in `Wanted._conditions`, and each kind of condition says itself in both forms.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from ringline.calls.model.call import Call, Direction, State, assert_whole
from ringline.calls.model.reasons import EndReason
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import to_item
from ringline.runtime.table import calls_pk

_FIRST_ID, _LAST_ID = "+", "~"
"""Before and behind every id."""

_ID_MAY_BE_OFF_S = 3600
"""A call that rang in was created when its caller arrived, and its id was made when LiveKit's event did."""

_LAST_MOMENT_OF_IDS = 2**48 - 1

_TIME_IN_ID_CHARS = 10
"""The first characters of a ULID, which tell the moment it was made."""

_IN_FLIGHT = frozenset(state for state in State if state.is_in_flight)


class Having(StrEnum):
    """What every call of a page must have."""

    DIAL = "dial"
    TRANSCRIPT = "transcript"
    RECORDING = "recording"


_SHOWN_BY = {
    Having.DIAL: ("attempt",),
    Having.TRANSCRIPT: ("transcript_turns",),
    # Of a recording that was paused and went on the new segment may not have begun.
    Having.RECORDING: ("recorded", "former_recordings"),
}


@dataclass(frozen=True, slots=True)
class _Filter:
    """A part of a FilterExpression, with the names and values that it uses."""

    expression: str
    names: dict[str, str]
    values: dict[str, Any]


class _Condition(Protocol):
    def holds(self, call: Call) -> bool: ...

    def as_filter(self) -> _Filter: ...


@dataclass(frozen=True, slots=True)
class _IsOneOf:
    attribute: str
    words: frozenset[str]

    def holds(self, call: Call) -> bool:
        return getattr(call, self.attribute) in self.words

    def as_filter(self) -> _Filter:
        values = {f":{self.attribute}{n}": word for n, word in enumerate(sorted(self.words))}
        # Some attributes bear words that DynamoDB keeps for itself, such as `state`.
        name = f"#{self.attribute}"
        return _Filter(f"{name} IN ({', '.join(values)})", {name: self.attribute}, values)


@dataclass(frozen=True, slots=True)
class _CreatedFrom:
    moment: int

    def holds(self, call: Call) -> bool:
        return call.created_at >= self.moment

    def as_filter(self) -> _Filter:
        return _Filter("created_at >= :created_from", {}, {":created_from": self.moment})


@dataclass(frozen=True, slots=True)
class _CreatedBefore:
    moment: int

    def holds(self, call: Call) -> bool:
        return call.created_at < self.moment

    def as_filter(self) -> _Filter:
        return _Filter("created_at < :created_before", {}, {":created_before": self.moment})


@dataclass(frozen=True, slots=True)
class _Has:
    """What a call has not is not stored: no attempt, no turns, no recording. One of the attributes is enough."""

    attributes: tuple[str, ...]

    def holds(self, call: Call) -> bool:
        return any(getattr(call, attribute) for attribute in self.attributes)

    def as_filter(self) -> _Filter:
        there = " OR ".join(f"attribute_exists({attribute})" for attribute in self.attributes)
        return _Filter(f"({there})", {}, {})


@dataclass(frozen=True, slots=True)
class MetadataIs:
    """The call's `metadata` has that key at its top, with the value that `word` writes: the text itself, or the number,
    or `true` or `false`."""

    key: str
    word: str

    def holds(self, call: Call) -> bool:
        if call.metadata_apart:
            assert_whole(call)
        value = call.metadata.get(self.key)
        if isinstance(value, str):
            return value == self.word
        if isinstance(value, bool):
            return self.word == str(value).lower()
        return isinstance(value, int | float) and value == _number(self.word)

    def as_filter(self, place: int) -> _Filter:
        """The table keeps metadata as text. What it lets pass is looked at once more (`Wanted.fits`): the text may
        stand elsewhere in it."""
        key, text = (json.dumps(each, ensure_ascii=False) for each in (self.key, self.word))
        may_be_plain = self.word in {"true", "false"} or _number(self.word) is not None
        name = f":metadata{place}"
        written = f"{key}:" if may_be_plain else f"{key}:{text}"
        # Where it is long it has a row of its own.
        return _Filter(f"(contains(metadata, {name}) OR attribute_exists(metadata_apart))", {}, {name: written})


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The calls that have all of what is not None. `created_from` and `created_before` are moments in milliseconds; a
    call that was created at the latter itself is not wanted. Of several numbers any will do."""

    states: frozenset[State] | None = None
    pipe_id: str | None = None
    agent_id: str | None = None
    direction: Direction | None = None
    end_reasons: frozenset[EndReason] | None = None
    to_number: str | frozenset[str] | None = None
    from_number: str | frozenset[str] | None = None
    metadata: tuple[MetadataIs, ...] = ()
    created_from: int | None = None
    created_before: int | None = None
    having: Having | None = None

    @property
    def is_in_flight(self) -> bool:
        """Whether only calls on a line are wanted."""
        return self.states is not None and self.states <= _IN_FLIGHT

    def fits(self, call: Call) -> bool:
        """Whether a call is wanted. `as_query` finds all that are, and may find others: what metadata says is told by
        its text there."""
        return self.may_fit(call) and all(each.holds(call) for each in self.metadata)

    def may_fit(self, call: Call) -> bool:
        """The same, whatever its metadata says."""
        return all(each.holds(call) for each in self._conditions())

    def as_query(self, account_id: str) -> dict[str, Any]:
        """The query of the account's calls that finds those that fit, and few others."""
        first_id, last_id = self.id_range()
        filters = [condition.as_filter() for condition in self._conditions()]
        filters += [condition.as_filter(place) for place, condition in enumerate(self.metadata)]
        names: dict[str, str] = {}
        values: dict[str, Any] = {":pk": calls_pk(account_id), ":first": first_id, ":last": last_id}
        for each in filters:
            names |= each.names
            values |= each.values
        query: dict[str, Any] = {
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": to_item(values),
        }
        if filters:
            query["FilterExpression"] = " AND ".join(each.expression for each in filters)
        if names:
            query["ExpressionAttributeNames"] = names
        return query

    def _conditions(self) -> Iterator[_Condition]:
        one_of: dict[str, frozenset[str] | None] = {
            "state": self.states,
            "pipe_id": _only(self.pipe_id),
            "agent_id": _only(self.agent_id),
            "to_number": _only(self.to_number),
            "from_number": _only(self.from_number),
            "direction": _only(self.direction),
            "end_reason": self.end_reasons,
        }
        for attribute, words in one_of.items():
            if words is not None:
                yield _IsOneOf(attribute, frozenset(str(word) for word in words))
        if self.created_from is not None:
            yield _CreatedFrom(self.created_from)
        if self.created_before is not None:
            yield _CreatedBefore(self.created_before)
        if self.having is not None:
            yield _Has(_SHOWN_BY[self.having])

    def id_range(self) -> tuple[str, str]:
        """Ids between which all that are wanted lie, so that a list of last month does not read this one's calls."""
        spare_ms = _ID_MAY_BE_OFF_S * MS_PER_S
        return (
            _FIRST_ID if self.created_from is None else _id_made_at(self.created_from - spare_ms),
            _LAST_ID if self.created_before is None else _id_made_at(self.created_before + spare_ms),
        )


EVERY_CALL = Wanted()


def _only(word: str | frozenset[str] | None) -> frozenset[str] | None:
    return frozenset({word}) if isinstance(word, str) else word


def _id_made_at(moment: int) -> str:
    """Where the ids of calls of that moment begin."""
    # ULID takes 10 ms to import, and most lists have no filter by time.
    from ulid import ULID

    made = ULID.from_timestamp(max(0, min(moment, _LAST_MOMENT_OF_IDS)))
    return f"call_{str(made)[:_TIME_IN_ID_CHARS]}"
