"""JSON as strangers send it, read so that whatever is taken can be written again, kept and shown."""

import json
import math
from typing import Any

DEEPEST = 32
"""How deep objects and arrays may lie within each other. DynamoDB's own documents go as deep, and nobody writes more by
hand; what is nested some thousands deep can be read once and then breaks every list that holds it."""


class TooDeep(ValueError):
    """A document that is JSON, and nested deeper than DEEPEST."""


def read_json(text: str | bytes) -> Any:
    """The document in a text. Raises TooDeep, and ValueError for what is not JSON, for a number that JSON cannot say
    again (NaN, Infinity, 1e400) and for half a character (`"\\ud800"`), which nothing that is kept or sent can hold."""
    try:
        document = json.loads(text, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise TooDeep(f"nested deeper than {DEEPEST}") from None
    if depth(document) > DEEPEST:
        raise TooDeep(f"nested deeper than {DEEPEST}")
    json.dumps(document, ensure_ascii=False).encode()
    return document


def depth(value: Any) -> int:
    """How many objects and arrays lie within each other at most; 0 for a bare value. Never recurses."""
    deepest, level = 0, [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        deepest += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return deepest


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number
