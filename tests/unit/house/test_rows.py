"""Rows are shared by releases that are one apart (`ringline.later`, `ringline.runtime.rows`): what holds for every
record that is kept, and for every module that reads or writes rows."""

import ast
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from local.tools.places import ROOT
from ringline.accounts.account import ApiKey
from ringline.agents.model.records import Assignment
from ringline.calls.model.call import Call
from ringline.calls.outcomes.outcome import KeptOutcome
from ringline.later import StoredWord
from ringline.record import Record, names_of
from ringline.routing.records import Agent, Number, Pipe, Trunk
from ringline.trunking.model.lines import CarrierTrunk, Link
from ringline.voices.profiles import VoiceProfile
from ringline.webhooks.model.delivery import Delivery
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.replay import Replay

CORE = ROOT / "layers" / "core" / "ringline"

KEPT: tuple[type, ...] = (
    Call, Pipe, Agent, Number, Trunk, CarrierTrunk, Link, Endpoint, Delivery, Replay, VoiceProfile, Assignment, ApiKey,
)  # fmt: skip
"""The records that are put again whole when they change."""

REPLACED_ONLY: tuple[type, ...] = (KeptOutcome,)
"""Records of which each put tells everything anew: nothing of the one before is to be carried into it."""

NO_ATTRIBUTES_OF_THEIR_OWN = {"Evidence", "DeliveryId", "Note"}
"""Parts that are laid out flat in the row itself, which carries for them, or are no map."""

WITHOUT_NUMBER = {
    "calls/tables/watchlist.py",
    "calls/tables/livekit_rest.py",
    "webhooks/tables/failing.py",
    "upgrading/store.py",
}
"""Hints and cursors, which no migration has anything to do about (`runtime.rows`)."""

REFUSES_WHAT_IT_DOES_NOT_KNOW = {
    ("calls/views/listing.py", "Direction"),
    ("calls/views/listing.py", "EndReason"),
    ("calls/transfers/ask.py", "TransferMode"),
    ("composition/dial_next.py", "AnswerFrom"),
    ("calls/rules/unanswered.py", "Refusal"),
}
"""Where a word comes from a customer, the operator, or a list of ours, and not from a row."""


def parts_of(kind: type) -> Iterator[type]:
    """A kind of record, and the kinds of what is in it."""
    yield kind
    for hint in get_type_hints(kind).values():
        for each in types_in(hint):
            if is_record(each):
                yield from parts_of(each)


def types_in(hint: Any) -> Iterator[type]:
    if isinstance(hint, type) and not get_args(hint):
        yield hint
    for each in get_args(hint):
        yield from types_in(each)


def named(kind: type) -> str:
    return kind.__name__


def is_record(kind: type) -> bool:
    return is_dataclass(kind) or issubclass(kind, Record)


def all_parts_of(kinds: tuple[type, ...]) -> list[type]:
    found: set[type] = {part for kind in kinds for part in parts_of(kind)}
    return sorted(found, key=named)


PARTS = all_parts_of((*KEPT, *REPLACED_ONLY))


@pytest.mark.parametrize("part", PARTS, ids=named)
def test_every_word_that_a_record_keeps_may_be_one_of_a_later_release(part: type) -> None:
    for name, hint in get_type_hints(part).items():
        for each in types_in(hint):
            assert not issubclass(each, Enum) or issubclass(each, StoredWord), f"{part.__name__}.{name}"


@pytest.mark.parametrize("part", all_parts_of(KEPT), ids=named)
def test_every_record_carries_what_it_does_not_know(part: type) -> None:
    names = [each.name for each in fields(part)] if is_dataclass(part) else names_of(part)
    assert "carried" in names or part.__name__ in NO_ATTRIBUTES_OF_THEIR_OWN or part.__name__ == "Referred"


MODULES = {path.relative_to(CORE).as_posix(): path for path in sorted(CORE.rglob("*.py"))}


def words(kind: type[StoredWord] = StoredWord) -> Iterator[str]:
    for each in kind.__subclasses__():
        yield each.__name__
        yield from words(each)


@pytest.mark.parametrize("module", MODULES)
def test_no_row_is_read_by_a_class_that_refuses_words(module: str) -> None:
    kinds = set(words()) - {"Kind"}
    text = MODULES[module].read_text()
    if not any(f"{kind}(" in text for kind in kinds):
        return  # most modules name none of them, and reading their trees takes a second
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds:
            place = (module, node.func.id)
            assert place in REFUSES_WHAT_IT_DOES_NOT_KNOW, f"{module}:{node.lineno} refuses words: use `.kept`"


def puts_in(path: Path) -> bool:
    text = path.read_text()
    return "put_item(" in text or '"Put":' in text


@pytest.mark.parametrize("module", [name for name, path in MODULES.items() if puts_in(path)])
def test_whoever_puts_a_row_numbers_it(module: str) -> None:
    text = MODULES[module].read_text()
    is_numbered = "to_row(" in text or "call_to_item(" in text or "self._companions" in text
    assert is_numbered or module in WITHOUT_NUMBER or module == "calls/tables/writes/transactions.py"


def test_the_rules_see_what_they_are_about() -> None:
    """None of them holds because it looks at nothing."""
    assert {"Call", "Transfer", "Target", "Attempt", "Sound", "DeliveryId"} <= {part.__name__ for part in PARTS}
    assert {"State", "EndReason", "EventType", "TransferState", "DeliveryStatus", "Brain"} - set(words()) == {"Brain"}
    assert {"webhooks/tables/deliveries.py", "calls/tables/store.py"} <= {
        name for name, path in MODULES.items() if puts_in(path)
    }
