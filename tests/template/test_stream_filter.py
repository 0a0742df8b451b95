"""Which changes of the table start the relay: the filter of its event source."""

from copy import replace
from typing import Any

import pytest

from local.aws.event_filter import MOST_PATTERNS, passes, read_patterns
from local.aws.template import read_template
from local.tools.places import TEMPLATE
from ringline.calls.model.call import Call, State
from ringline.calls.model.events import Claimed, EndAsked, LegLeft, TranscriptKept
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.limits.reached import LIMIT_KIND
from ringline.calls.tables.records import call_to_item
from ringline.runtime.items import Item
from tests.builders import a_call, an_answered_call, at, moved

SOURCE = read_template(TEMPLATE)["Resources"]["RelayCallChangesFunction"]["Properties"]["Events"]["Changes"]
PATTERNS = read_patterns(SOURCE["Properties"]["FilterCriteria"])


def starts_the_relay(before: Item | None, after: Item | None) -> bool:
    images = {} if before is None else {"OldImage": before}
    return passes({"dynamodb": images | ({} if after is None else {"NewImage": after})}, PATTERNS)


def told(before: Call | None, after: Call) -> bool:
    return starts_the_relay(None if before is None else call_to_item(before), call_to_item(after))


def without_mark(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in {"due_at", "due_shard"}}


QUEUED = a_call(State.QUEUED)
DIALING = moved(QUEUED, Claimed(at(1)))
ENDED = moved(a_call(State.QUEUED), EndAsked(at(1), EndReason.CALL_CANCELED))


def test_there_are_not_more_patterns_than_aws_takes() -> None:
    assert len(PATTERNS) <= MOST_PATTERNS


def test_a_claim_starts_no_relay() -> None:
    assert not told(QUEUED, DIALING)


def test_the_removal_of_an_ends_mark_starts_none_and_the_end_does() -> None:
    assert ENDED.end_is_untold and told(QUEUED, ENDED)
    assert not starts_the_relay(call_to_item(ENDED), without_mark(call_to_item(ENDED)))


def test_what_comes_after_an_end_was_told_is_told_too() -> None:
    with_transcript = moved(ENDED, TranscriptKept(at(9), ENDED.attempt, 4, "kept-there"))
    before, after = without_mark(call_to_item(ENDED)), call_to_item(with_transcript)
    assert starts_the_relay(before, after) and starts_the_relay(before, without_mark(after))
    assert starts_the_relay(call_to_item(ENDED), after), "also where the end itself is not told yet"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, QUEUED),
        (None, a_call(State.RINGING)),
        (DIALING, moved(DIALING, LegLeft(at(3), 1, "PA_leg", "USER_REJECTED", "ringing"))),
        (DIALING, replace(DIALING, state=State.QUEUED)),
        (DIALING, an_answered_call()),
    ],
)
def test_other_changes_start_it(before: Call | None, after: Call) -> None:
    assert told(before, after)


def test_a_state_of_a_later_release_starts_it() -> None:
    later = call_to_item(QUEUED) | {"state": {"S": "awaiting_callback"}}
    assert starts_the_relay(call_to_item(QUEUED), later) and starts_the_relay(later, call_to_item(DIALING))


def test_a_limit_that_was_met_starts_it_and_nothing_else_does() -> None:
    assert starts_the_relay(None, {"item_kind": {"S": LIMIT_KIND}})
    assert not starts_the_relay(None, {"item_kind": {"S": "delivery"}, "state": {"S": "failed"}})
    assert not starts_the_relay(None, {"in_use": {"N": "1"}})
    assert not starts_the_relay(call_to_item(QUEUED), None)


@pytest.mark.parametrize(
    ("leaf", "value", "passed"),
    [
        ([{"exists": False}], {}, True),
        ([{"exists": False}], {"a": {}}, True),
        ([{"exists": False}], {"a": {"b": 1}}, False),
        ([{"exists": True}], {}, False),
        ([{"exists": True}], {"a": {"b": None}}, True),
        ([{"anything-but": ["x"]}], {"a": {"b": "y"}}, True),
        ([{"anything-but": ["x"]}], {"a": {"b": "x"}}, False),
        ([{"anything-but": ["x"]}], {}, False),
        (["x", {"prefix": "z"}], {"a": {"b": "zebra"}}, True),
        (["x"], {"a": "x"}, False),
    ],
)
def test_rules_are_read_as_lambda_reads_them(leaf: list[Any], value: dict[str, Any], passed: bool) -> None:
    assert passes(value, [{"a": {"b": leaf}}]) is passed


def test_a_rule_that_is_not_known_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="numeric"):
        passes({"a": 1}, [{"a": [{"numeric": [">", 0]}]}])
