"""JSON Schemas that customers give (draft 2020-12): whether one can be used, and whether something fits.

A schema is a program of somebody else's. So that checking always comes to an end, and soon: nothing is fetched,
references stay within the schema and are followed so many times at most, no regular expression of theirs is run, and
schema and value are bounded.

    schema_fault(schema) -> "uses pattern, ..."      at the API, before a schema is taken
    misfit(schema, value) -> "priority: 'x' is not of type 'integer'"

Importing this is cheap; either function loads jsonschema, which takes a tenth of a second.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ringline.json_text import DEEPEST, depth

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

MOST_SCHEMA_BYTES = 16 * 1024
MOST_REFERENCES = 500
"""How often references are followed in one check: each may lead to two more."""

LONGEST_ERROR = 300

_NOT_USED = frozenset({"pattern", "patternProperties", "$dynamicRef", "$recursiveRef", "$id", "$vocabulary"})
"""A regular expression may take for ever, and the others lead somewhere else than they say."""

_NAMES_ARE_FREE = frozenset({"properties", "$defs", "definitions", "dependentSchemas", "dependentRequired"})
"""Below these, keys are names of the customer's own."""

_VALUES = frozenset({"const", "enum", "default", "examples"})
"""Below these, everything is a value."""


class _TooManyReferences(Exception):
    """The check was given up."""


def schema_fault(schema: dict[str, Any]) -> str | None:
    """Why the schema cannot be used; None if it can."""
    if len(json.dumps(schema, ensure_ascii=False).encode()) > MOST_SCHEMA_BYTES:
        return f"is larger than {MOST_SCHEMA_BYTES} bytes"
    if depth(schema) > DEEPEST:
        return f"is nested deeper than {DEEPEST}"
    for keyword, value in _keywords(schema):
        if keyword in _NOT_USED:
            return f"uses {keyword}, which is not used here"
        if keyword == "$ref" and not (isinstance(value, str) and value.startswith("#")):
            return "refers to something outside of itself"
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return _told(f"is no JSON Schema: {error.message}")
    return None


def misfit(schema: dict[str, Any], value: Any) -> str | None:
    """What keeps the value from fitting, with where that is; None if it fits. A schema that cannot be used is a misfit
    of everything."""
    fault = schema_fault(schema)
    if fault is not None:
        return f"the schema {fault}"
    if depth(value) > DEEPEST:
        return f"is nested deeper than {DEEPEST}"
    try:
        error = next(_validator(schema).iter_errors(value), None)
    except (_TooManyReferences, RecursionError):
        return f"the schema follows more than {MOST_REFERENCES} references"
    except Exception as error:
        # Whatever a foreign schema brings about is told, and loses nothing.
        return _told(f"the schema cannot be used: {type(error).__name__}")
    if error is None:
        return None
    where = ".".join(str(part) for part in error.absolute_path)
    return _told(f"{where}: {error.message}" if where else error.message)


def _validator(schema: dict[str, Any]) -> "Validator":
    """A validator that counts the references which it follows, and knows no other document."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend
    from referencing import Registry

    follow = Draft202012Validator.VALIDATORS["$ref"]
    followed = 0

    def follow_counted(validator: Any, reference: str, instance: Any, at: Any) -> Iterator[Any]:
        nonlocal followed
        followed += 1
        if followed > MOST_REFERENCES:
            raise _TooManyReferences
        yield from follow(validator, reference, instance, at) or ()

    counting: Any = extend(Draft202012Validator, {"$ref": follow_counted})  # type: ignore[no-untyped-call]
    validator: Validator = counting(schema, registry=Registry())
    return validator


def _keywords(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every keyword of a schema and of those within, with its value."""
    if isinstance(schema, list):
        for each in schema:
            yield from _keywords(each)
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        yield keyword, value
        if keyword in _VALUES:
            continue
        within = value.values() if keyword in _NAMES_ARE_FREE and isinstance(value, dict) else [value]
        for each in within:
            yield from _keywords(each)


def _told(words: str) -> str:
    return words if len(words) <= LONGEST_ERROR else f"{words[:LONGEST_ERROR]}..."
