"""Claims of one account that are committed together, and the same claims of another account that are committed one by
one: what both drew is the same, and so must be what comes of it. The same of their ends."""

from collections.abc import Sequence
from copy import replace
from itertools import chain
from typing import Any
from unittest import mock
from uuid import uuid4

from hypothesis import strategies as st

from ringline.calls.capacity.counters import Kind, counter_name, day_of
from ringline.calls.capacity.days import Use, cap_attribute, count_attribute, own_cap_attribute
from ringline.calls.model.call import RUNNER, Call, State
from ringline.calls.model.events import Answered, Claimed, DialNotSent, DialRefused, Event, FoundOver
from ringline.calls.model.results import Moved
from ringline.calls.model.retries import RetryPolicy
from ringline.calls.rules.lifecycle import apply
from ringline.calls.tables.store import CallStore, Change, Committed
from ringline.calls.tables.writes.companions import gate_key
from ringline.calls.tables.writes.counting import counter_key, day_attribute
from ringline.runtime.items import from_item, to_item
from ringline.runtime.table import (
    OF_THE_DEPLOYMENT,
    called_pk,
    calls_pk,
    caps_pk,
    gate_pk,
    queue_pk,
    runner_sk,
    runners_pk,
    speech_places_sk,
)
from tests.builders import a_call, at

TODAY = day_of(at(1))
COUNTERS = (
    counter_name(Kind.AGENT, "AGENT_1"),
    counter_name(Kind.PIPE, "PIPE_1"),
    counter_name(Kind.NUMBER, "+15550100000"),
)
RUNNERS = ("bot#1", "bot#2")
NUMBERS = ("+15550100200", "+15550100201", "+15550100202")

few = st.integers(0, 5)
perhaps = st.none() | few
mostly = st.one_of(st.just(9), st.just(9), few)
"""Room for all, more often than not."""

gates = st.fixed_dictionaries(
    {
        "cap": mostly,
        "in_use": st.sampled_from([0, 0, 1, 3]),
        "outbound_cap": st.none() | mostly,
        "caps_version": st.sampled_from([None, 1]),
        cap_attribute(Use.CALLS): st.none() | mostly,
        own_cap_attribute(Use.CALLS): st.none() | mostly,
        count_attribute(Use.CALLS, TODAY): st.none() | st.integers(-1, 3),
        cap_attribute(Use.NEW_NUMBERS): st.none() | mostly,
        count_attribute(Use.NEW_NUMBERS, TODAY): perhaps,
        own_cap_attribute(Use.TALK_MS): st.none() | few,
        count_attribute(Use.TALK_MS, TODAY): st.none() | st.integers(0, 3),
        count_attribute(Use.CALLS, TODAY - 3): st.none() | st.just(7),
    }
)
counters = st.fixed_dictionaries(
    {
        "max_calls": st.none() | mostly,
        "in_use": st.none() | st.integers(0, 3),
        "calls_per_day": st.none() | mostly,
        day_attribute(TODAY): st.none() | st.integers(-1, 3),
    }
)
runners = st.fixed_dictionaries({"max_concurrent": mostly, "in_use": st.integers(0, 2)})
accounts = st.fixed_dictionaries(
    {
        "gate": gates,
        "counters": st.tuples(*[counters] * len(COUNTERS)),
        "runners": st.tuples(*[runners] * len(RUNNERS)),
        "speech_places": st.integers(1, 6),
        "speech_held": st.integers(0, 3),
    }
)
claims = st.fixed_dictionaries(
    {
        "counters": st.lists(st.sampled_from(COUNTERS), unique=True).map(tuple),
        "runner": st.sampled_from([None, *RUNNERS]),
        "speaks": st.booleans(),
        "number": st.sampled_from(NUMBERS),
        "is_new_number": st.sampled_from([False, False, False, True]),
        "caps_version": st.sampled_from([None, None, None, 0, 1]),
        "was_changed": st.sampled_from([False] * 8 + [True]),
        "from_pool": st.booleans(),
        "retries": st.booleans(),
    }
)
alike = st.tuples(claims, st.integers(2, 4)).map(lambda drawn: [drawn[0]] * drawn[1])
several = st.lists(alike | claims.map(lambda one: [one]), min_size=1, max_size=4).map(
    lambda lists: [*chain(*lists)][:10]
)
ends = st.lists(
    st.sampled_from(["over", "over", "talked", "talked", "busy", "unwanted", "not rung"]), min_size=10, max_size=10
)
disturbances = st.sampled_from(
    ["nothing", "nothing", "cap lowered", "cap raised", "lines taken", "lines reserved", "caps set", "call changed"]
)


class Side:
    """One of two accounts in which the same things lie and the same is wanted."""

    def __init__(
        self, dynamodb: Any, table_name: str, drawn: dict[str, Any], wanted: Sequence[dict[str, Any]], account_id: str
    ) -> None:
        self.dynamodb = dynamodb
        self.table_name = table_name
        self.account_id = account_id
        self.store = CallStore(dynamodb, table_name, pause=lambda _: None)
        self.row = speech_places_sk("", self.account_id, 0, drawn["speech_places"])
        self.put(gate_key(self.account_id), drawn["gate"])
        for name, counter in zip(COUNTERS, drawn["counters"], strict=True):
            self.put(counter_key(self.account_id, name), counter)
        for runner_id, runner in zip(RUNNERS, drawn["runners"], strict=True):
            self.put(to_item({"pk": runners_pk(self.account_id), "sk": runner_sk("AGENT_1", runner_id)}), runner)
        held = {f"somebody/{number}" for number in range(drawn["speech_held"])}
        if held:
            self.put(to_item({"pk": runners_pk(OF_THE_DEPLOYMENT), "sk": self.row}), {"held": held})
        self.changes = [self.change(place, claim) for place, claim in enumerate(wanted)]

    def put(self, key: dict[str, Any], fields: dict[str, Any]) -> None:
        self.dynamodb.put_item(TableName=self.table_name, Item=key | to_item(fields))

    def change(self, place: int, claim: dict[str, Any]) -> Change:
        call = a_call(
            State.QUEUED,
            account_id=self.account_id,
            call_id=f"call_{place}",
            to_number=claim["number"],
            brain=RUNNER if claim["runner"] else "prompt" if claim["speaks"] else None,
            from_pool=claim["from_pool"],
            retry=RetryPolicy(3) if claim["retries"] else None,
        )
        self.store.create(replace(call, version=call.version + 1) if claim["was_changed"] else call)
        counted_on = TODAY if COUNTERS[2] in claim["counters"] else None
        event = Claimed(
            at(1),
            runner_id=claim["runner"],
            speech_row=self.row if claim["speaks"] else None,
            counters=claim["counters"],
            counted_on=counted_on,
        )
        return Change(call, _moved(call, event), claim["caps_version"], claim["is_new_number"])

    def step(self, expression: str, **values: int) -> None:
        self.dynamodb.update_item(
            TableName=self.table_name,
            Key=gate_key(self.account_id),
            UpdateExpression=expression,
            ExpressionAttributeValues=to_item({f":{name}": value for name, value in values.items()}),
        )

    def disturb(self, how: str) -> None:
        match how:
            case "cap lowered":
                self.step("SET cap = :cap", cap=2)
            case "cap raised":
                self.step("SET cap = :cap", cap=20)
            case "lines taken":
                self.step("ADD in_use :two", two=2)
            case "lines reserved":
                self.step("SET outbound_cap = :cap", cap=2)
            case "caps set":
                self.step("ADD caps_version :one", one=1)
            case "call changed":
                call = self.changes[len(self.changes) // 2].before
                self.store.commit(call, replace(call, version=call.version + 1))

    def alone(self, change: Change) -> Committed:
        return self.store.commit(change.before, change.after, change.caps_version, is_new_number=change.is_new_number)

    def one_by_one(self, how: str) -> tuple[int, Committed]:
        self.disturb(how)
        for place, change in enumerate(self.changes):
            committed = self.alone(change)
            if committed is not Committed.DONE:
                return place, committed
        return len(self.changes), Committed.DONE

    def together(self, how: str) -> tuple[int, Committed, int]:
        """As above, and in how many transactions. What is disturbed is disturbed when the first is on its way."""
        asked, transactions = self.dynamodb.transact_write_items, 0

        def transact(**transaction: Any) -> Any:
            nonlocal transactions
            transactions += 1
            if transactions == 1:
                with mock.patch.object(self.dynamodb, "transact_write_items", asked):
                    self.disturb(how)
            return asked(**transaction)

        written = 0
        with mock.patch.object(self.dynamodb, "transact_write_items", transact):
            while written < len(self.changes):
                several = self.store.commit_together(self.changes[written:])
                if not several and (committed := self.alone(self.changes[written])) is not Committed.DONE:
                    return written, committed, transactions
                written += several or 1
        return written, Committed.DONE, transactions

    def ends(self, hows: Sequence[str]) -> list[Change]:
        """Ends of the calls, which are all claimed: how each of them ends is drawn."""
        return [
            self._end(change.after, how, place)
            for place, (change, how) in enumerate(zip(self.changes, hows, strict=False))
        ]

    def _end(self, call: Call, how: str, place: int) -> Change:
        over: Event = FoundOver(at(60 + place), call.attempt)
        match how:
            case "not rung":
                over = DialNotSent(at(2), call.attempt, "unavailable", "unavailable", 5)
            case "unwanted":
                over = DialRefused(at(3 + place), call.attempt, 607, "Unwanted", None, None)
            case "busy":
                over = DialRefused(at(3 + place), call.attempt, 486, "Busy Here", None, None)
            case "talked":
                answered = _moved(call, Answered(at(5 + place), call.attempt, f"PA_{place}", f"SCL_{place}", None))
                assert self.store.commit(call, answered) is Committed.DONE
                call = answered
        return Change(call, _moved(call, over))

    def written_together(self, changes: Sequence[Change]) -> int:
        """All of them, and in how many transactions."""
        transactions = written = 0
        while written < len(changes):
            several = self.store.commit_together(changes[written:])
            if not several:
                assert self.alone(changes[written]) is Committed.DONE
            written += several or 1
            transactions += 1
        return transactions

    def partition(self, pk: str) -> list[Any]:
        asked = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": to_item({":pk": pk})}
        answer = self.dynamodb.query(TableName=self.table_name, ConsistentRead=True, **asked)
        return list(answer["Items"])

    def rows(self) -> list[str]:
        """All that lies in the account, and the row of its speech worker, without its name."""
        partitions = [of(self.account_id) for of in (gate_pk, caps_pk, calls_pk, queue_pk, called_pk, runners_pk)]
        own = [from_item(item) for pk in partitions for item in self.partition(pk)]
        own += [
            item for item in map(from_item, self.partition(runners_pk(OF_THE_DEPLOYMENT))) if item["sk"] == self.row
        ]
        told = [
            sorted((name, sorted(each) if isinstance(each, set) else each) for name, each in item.items())
            for item in own
        ]
        return sorted(repr(each).replace(self.account_id, "ACCOUNT") for each in told)


def _moved(call: Call, event: Event) -> Call:
    moved = apply(call, event)
    assert isinstance(moved, Moved)
    return moved.call


def a_claim(**fields: Any) -> dict[str, Any]:
    usual = {"counters": (), "runner": None, "speaks": False, "number": NUMBERS[0], "is_new_number": False}
    return usual | {"caps_version": None, "was_changed": False, "from_pool": False, "retries": False} | fields


def an_account(**gate: Any) -> dict[str, Any]:
    """One with room for ten calls."""
    return {
        "gate": {"cap": 10, "in_use": 0} | gate,
        "counters": ({"max_calls": 10, "calls_per_day": 10},) * 3,
        "runners": ({"max_concurrent": 10, "in_use": 0},) * 2,
        "speech_places": 10,
        "speech_held": 0,
    }


def in_both(
    dynamodb: Any, table_name: str, drawn: dict[str, Any], wanted: Sequence[dict[str, Any]]
) -> tuple[Side, Side]:
    name = uuid4().hex[:8]
    one, other = (Side(dynamodb, table_name, drawn, wanted, f"acct_{name}_{side}") for side in "ab")
    return one, other
