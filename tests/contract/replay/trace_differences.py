"""Where a replay differs from a recorded trace.

Compared are the order, the fields and the values of webhooks and API answers, what the participants' attributes were
one after the other, what the caller's phone heard, and the moments, coarsely. Ids and times are masked, but one id
stays one id.

The real servers do not always do the same thing in the same order. What is tolerated, and only there:
- events of different subjects (two participants, the room, a client's request) closer than `CLOSE_S` in the trace may
  change places: `participant_left` and the dialer's answer come in either order, so do `room_started` and the answer
  of CreateRoom, and the members of a deleted room;
- a leg that leaves within `CLOSE_S` of joining may or may not publish its track;
- a room is finished within a second or so of its departure time-out, as the server looks once a second;
- everything may be late by MOMENT_TOLERANCE_S: the machine that replays has other work;
- a room's counts, written every 5 s, are not compared when someone left, or the room ended, within `CLOSE_S` of that;
- a running job may be missing from the first answers to ListDispatch.
"""

import re
from collections import Counter
from copy import replace
from dataclasses import dataclass
from typing import Any

type Event = dict[str, Any]

CLOSE_S = 0.25
MOMENT_TOLERANCE_S = 3.0
ROOM_FINISHED_TOLERANCE_S = 5.0
COUNTS_EVERY_S = 5.0
_OUTSIDE = ("client", "end")
_ACTIVE, _SIP = 2, 3
BRIEF_S = 0.12  # a state shorter than this escapes the trace's polling

_TIMES = frozenset(
    ("createdAt", "joinedAt", "joinedAtMs", "creationTime", "creationTimeMs", "unixMicro", "startedAt", "updatedAt")
)
_MASKED = frozenset(("id", "sip.callIDFull", "sip.callTag", "sip.trunkID", "sip.ruleID", "workerId", "dispatchId"))
_LEFT_OUT = frozenset(("turnPassword", "enabledCodecs", "permission", "tracks"))
_JOB_ID = re.compile(r"\bAJ_(?!lab)\w+")
_INBOUND_ROOM = re.compile(r"^(in_\+\d+_)\w+$")
_ID_LETTERS = re.compile(r"[A-Za-z0-9]+$")
_ID = re.compile(r"^(PA|RM|TR|SCL)_\w+$")


@dataclass(frozen=True, slots=True)
class Fact:
    """One comparable event: who it is about, what happened, and everything said of it."""

    at_s: float
    subject: str
    what: str
    said: Any

    @property
    def key(self) -> tuple[str, str]:
        return self.subject, self.what


def differences(trace: Event, replay: Event) -> list[str]:
    """Every difference in words; empty when the replay is true to the trace."""
    expected, actual = _facts(trace), _facts(replay)
    # Some traces were made by clients that did not write down their own requests, or looked no more at the end.
    unwritten = {fact.subject for fact in actual if fact.subject.startswith(_OUTSIDE)}
    unwritten -= {fact.subject for fact in expected}
    actual = [fact for fact in actual if fact.subject not in unwritten]
    brief = _brief_legs(expected)
    expected, actual = _without_tracks_of(expected, brief), _without_tracks_of(actual, brief)
    expected, actual = _without_unsure_counts(expected, actual)
    found = _differences_by_subject(expected, actual)
    if not found:
        found = _differences_of_order(expected, actual)
    return found + _differences_of_states(trace, replay)


def _differences_by_subject(expected: list[Fact], actual: list[Fact]) -> list[str]:
    found = []
    for subject in sorted({fact.subject for fact in expected + actual}):
        wanted = [fact for fact in expected if fact.subject == subject]
        got = [fact for fact in actual if fact.subject == subject]
        if [fact.what for fact in wanted] != [fact.what for fact in got]:
            found.append(f"{subject}: {[fact.what for fact in got]} instead of {[fact.what for fact in wanted]}")
            continue
        for one, other in zip(wanted, got, strict=True):
            found += _differences_of(one, other)
    return found


def _differences_of(wanted: Fact, got: Fact) -> list[str]:
    name = f"{wanted.subject} {wanted.what} at {wanted.at_s:.2f}"
    found = [f"{name}: {line}" for line in _unequal(wanted.said, got.said)]
    tolerance_s = ROOM_FINISHED_TOLERANCE_S if _waits_for_a_look(wanted) else MOMENT_TOLERANCE_S
    if wanted.subject != "end" and abs(wanted.at_s - got.at_s) > tolerance_s:
        found.append(f"{name}: happened at {got.at_s:.2f}")
    return found


def _waits_for_a_look(fact: Fact) -> bool:
    """Whether it happens when the server looks for idle rooms. A track's end does not say why, its owner's does."""
    if fact.what in ("room_finished", "track_unpublished"):
        return True
    return fact.what == "participant_left" and fact.said["participant"]["disconnectReason"] == "ROOM_CLOSED"


def _without_unsure_counts(expected: list[Fact], actual: list[Fact]) -> tuple[list[Fact], list[Fact]]:
    """Leaves out counts that may fall on either side of being written."""
    ends = [fact.at_s for fact in expected + actual if fact.what in ("participant_left", "room_finished")]
    near = any(min(at_s % COUNTS_EVERY_S, -at_s % COUNTS_EVERY_S) < CLOSE_S for at_s in ends)
    rounds = {at_s // COUNTS_EVERY_S for at_s in _moments_of("room_finished", expected + actual)}
    if not near and len(rounds) <= 1:
        return expected, actual
    return [_uncounted(fact) for fact in expected], [_uncounted(fact) for fact in actual]


def _moments_of(what: str, facts: list[Fact]) -> list[float]:
    return [fact.at_s for fact in facts if fact.what == what]


def _uncounted(fact: Fact) -> Fact:
    if not isinstance(fact.said, dict) or "room" not in fact.said:
        return fact
    room = {key: value for key, value in fact.said["room"].items() if key not in ("numParticipants", "numPublishers")}
    return replace(fact, said=fact.said | {"room": room})


def _differences_of_order(expected: list[Fact], actual: list[Fact]) -> list[str]:
    """Events further apart than CLOSE_S in the trace keep their order, whoever they are about."""
    place = {key: index for index, key in enumerate(_numbered(actual))}
    keys = _numbered(expected)
    return [
        f"{later} came before {earlier}"
        for index, (fact, earlier) in enumerate(zip(expected, keys, strict=True))
        for follower, later in zip(expected[index + 1 :], keys[index + 1 :], strict=True)
        if follower.at_s - fact.at_s > CLOSE_S and place[later] < place[earlier]
    ]


def _numbered(facts: list[Fact]) -> list[tuple[str, str, int]]:
    seen: Counter[tuple[str, str]] = Counter()
    keys = []
    for fact in facts:
        seen[fact.key] += 1
        keys.append((*fact.key, seen[fact.key]))
    return keys


def _differences_of_states(trace: Event, replay: Event) -> list[str]:
    """The states each participant was seen in, one after the other."""
    wanted, got = _states(trace, BRIEF_S), _states(replay, CLOSE_S)
    found = []
    for identity in sorted(set(wanted) | set(got)):
        expected, actual = wanted.get(identity, []), got.get(identity, [])
        if expected != actual:
            # A short state may have been polled in the trace, or slipped through here.
            all_expected, all_actual = _states(trace, 0).get(identity, []), _states(replay, 0).get(identity, [])
            if not (_is_within(expected, all_actual) and _is_within(actual, all_expected)):
                found.append(f"{identity} was seen as {actual} instead of {expected}")
    return found


def _is_within(some: list[Any], whole: list[Any]) -> bool:
    rest = iter(whole)
    return all(each in rest for each in some)


def _states(trace: Event, shortest_s: float) -> dict[str, list[Any]]:
    labels = _Labels()
    seen = [event for event in _in_order(trace) if event["kind"] == "participants"]
    ends_at_s = [*(event["t"] for event in seen[1:]), float("inf")][: len(seen)]
    states: dict[str, list[Any]] = {}
    for event, until_s in zip(seen, ends_at_s, strict=True):
        for identity, shown in event["now"].items():
            # Some traces looked at the kind, some at the state, all at the rest.
            state = labels.masked(identity, {"state": _ACTIVE, "kind": _SIP} | shown)
            so_far = states.setdefault(_JOB_ID.sub("AJ_*", identity), [])
            if until_s - event["t"] >= shortest_s and (not so_far or so_far[-1] != state):
                so_far.append(state)
    return {identity: shown for identity, shown in states.items() if shown}


def _facts(trace: Event) -> list[Fact]:
    labels = _Labels()
    facts = []
    for event in _in_order(trace):
        fact = _fact(event, labels)
        if fact is not None:
            facts.append(fact)
    return facts


def _in_order(trace: Event) -> list[Event]:
    return sorted(trace["events"], key=lambda event: float(event["t"]))


def _fact(event: Event, labels: "_Labels") -> Fact | None:
    at_s = float(event["t"])
    match event:
        case {"kind": "webhook", "body": body}:
            identity = body.get("participant", {}).get("identity", "room")
            said = labels.masked(identity, body) | {"content_type": event["content_type"]}
            subject = said["participant"]["sid"] if "participant" in said else "room"
            return Fact(at_s, subject, body["event"], said | {"signature_ok": event.get("signature_ok", True)})
        case {"kind": "api_answer", "method": "ListDispatch", "ok": dispatches}:
            return Fact(at_s, "client", "ListDispatch", labels.masked("client", dispatches))
        case {"kind": "api_answer", "method": method}:
            return Fact(at_s, f"client's {method}", method, _answer(event, labels))
        case {"kind": "phone", "sent": signal} | {"kind": "phone", "got": signal}:
            return Fact(at_s, "phone", f"{'sent' if 'sent' in event else 'got'} {signal}", None)
        case {"kind": "check", "left_in_room": identities}:
            left = sorted(_JOB_ID.sub("AJ_*", each) for each in identities)
            return Fact(at_s, "room", "looked at", left)
        case {"kind": "end", "room_exists": exists}:
            return Fact(at_s, "end", "room exists", exists)
    return None


def _answer(event: Event, labels: "_Labels") -> Any:
    said = {key: value for key, value in event.items() if key not in ("t", "kind", "method", "to", "identity")}
    if "code" not in said and "error" in said and "message" not in said:
        return {"message": said["error"]}  # some traces kept the text only
    return labels.masked("client", said)


def _unequal(wanted: Any, got: Any, path: str = "") -> list[str]:
    """Where two masked values differ, field by field."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        if set(wanted) == {"message"}:
            got = {"message": got.get("message")}
        return [
            line
            for key in sorted(set(wanted) | set(got))
            for line in _unequal(wanted.get(key), got.get(key), f"{path}.{key}")
        ]
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        pairs = zip(wanted, got, strict=True)
        return [line for index, (one, other) in enumerate(pairs) for line in _unequal(one, other, f"{path}[{index}]")]
    if path.endswith("state.jobs") and wanted is None:
        return []  # shown late by the real server
    return [] if wanted == got else [f"{path} is {got!r} instead of {wanted!r}"]


def _brief_legs(facts: list[Fact]) -> set[str]:
    """Subjects that leave as soon as they have joined."""
    joined = {fact.subject: fact.at_s for fact in facts if fact.what == "participant_joined"}
    left = {fact.subject: fact.at_s for fact in facts if fact.what == "participant_left"}
    return {subject for subject, at_s in left.items() if at_s - joined[subject] < CLOSE_S}


def _without_tracks_of(facts: list[Fact], subjects: set[str]) -> list[Fact]:
    return [fact for fact in facts if fact.subject not in subjects or not fact.what.startswith("track_")]


class _Labels:
    """Names for ids: the first sid of an identity is `PA#1 of <identity>`, whatever its letters."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def masked(self, owner: str, value: Any) -> Any:
        """`value` with ids and times replaced by what they are."""
        owner = _JOB_ID.sub("AJ_*", owner)
        if isinstance(value, dict):
            return {key: self._field(owner, key, each) for key, each in value.items() if key not in _LEFT_OUT}
        if isinstance(value, list):
            return [self.masked(owner, each) for each in value]
        return self._text(owner, value) if isinstance(value, str) else value

    def _field(self, owner: str, key: str, value: Any) -> Any:
        if key in _TIMES:
            return "a time" if str(value).isdecimal() else value
        if key in _MASKED:
            return _ID_LETTERS.sub("*", str(value))
        return self.masked(owner, value)

    def _text(self, owner: str, text: str) -> str:
        text = _INBOUND_ROOM.sub(r"\1*", _JOB_ID.sub("AJ_*", text))
        if (found := _ID.match(text)) is None:
            return text
        if text not in self._names:
            holder = owner if found[1] in ("PA", "TR") else ""
            self._counts[(found[1], holder)] += 1
            self._names[text] = f"{found[1]}#{self._counts[(found[1], holder)]} of {holder or 'the call'}"
        return self._names[text]
