"""Which records an event source gives to its function, as Lambda reads the patterns of a mapping's FilterCriteria.
Standard library alone: the emulator reads it in an environment of its own.

A pattern is a tree whose leaves are lists of what the value there may be: a value, or a rule. A record passes if one of
the patterns holds, and a pattern holds if all of its leaves do. `exists` asks for a leaf: false holds, too, where
nothing at all is on the way to it."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MOST_PATTERNS = 5
"""How many a mapping may have, unless AWS has allowed it more."""


def passes(record: Mapping[str, Any], patterns: Sequence[Mapping[str, Any]]) -> bool:
    """Raises ValueError for a rule that is not known here."""
    return any(_holds(pattern, record) for pattern in patterns)


def read_patterns(criteria: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The patterns of FilterCriteria, as a template or a mapping has them."""
    return [json.loads(each["Pattern"]) for each in criteria["Filters"]]


def _holds(pattern: Mapping[str, Any], record: Any) -> bool:
    there = record if isinstance(record, Mapping) else {}
    return all(
        _holds(below, there.get(name)) if isinstance(below, Mapping) else _allows(below, name in there, there.get(name))
        for name, below in pattern.items()
    )


def _allows(leaf: Sequence[Any], is_there: bool, value: Any) -> bool:
    return any(
        _follows(each, is_there, value) if isinstance(each, Mapping) else is_there and value == each for each in leaf
    )


def _follows(rule: Mapping[str, Any], is_there: bool, value: Any) -> bool:
    ((name, says),) = rule.items()
    if name == "exists":
        return is_there is says
    if name not in _RULES:
        raise ValueError(f"no rule for {name}")
    return is_there and _RULES[name](value, says)


_RULES: dict[str, Callable[[Any, Any], bool]] = {
    "anything-but": lambda value, says: value not in (says if isinstance(says, list) else [says]),
    "prefix": lambda value, says: isinstance(value, str) and value.startswith(says),
}
