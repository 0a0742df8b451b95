"""Schemas of somebody else's: which are taken, and that checking against one always comes to an end."""

import os
import subprocess
import sys
from typing import Any

import pytest

from ringline.json_text import DEEPEST
from ringline.runtime.json_schemas import MOST_SCHEMA_BYTES, misfit, schema_fault


def nested(depth: int) -> dict[str, Any]:
    return {"type": "object"} if depth <= 1 else {"properties": {"a": nested(depth - 2)}}


def doubling(levels: int) -> dict[str, Any]:
    """Each level refers to the next one twice."""
    levels_of = {
        f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n + 1}"}, {"$ref": f"#/$defs/l{n + 1}"}]} for n in range(levels)
    }
    return {"$ref": "#/$defs/l0", "$defs": levels_of | {f"l{levels}": {}}}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"pattern": {"type": "string"}, "$ref": {"type": "integer"}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"enum": [{"pattern": "x"}]}}},
        {"const": {"$id": "a value"}},
        nested(DEEPEST - 1),
    ],
)
def test_a_schema_is_taken(schema: dict[str, Any]) -> None:
    assert schema_fault(schema) is None


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "sentence"}, "is no JSON Schema"),
        ({"$ref": "https://schemas.example.com/x"}, "outside of itself"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "outside of itself"),
        ({"$ref": 7}, "outside of itself"),
        ({"allOf": [{"pattern": "(a+)+$"}]}, "uses pattern"),
        ({"patternProperties": {"(a+)+$": {}}}, "uses patternProperties"),
        ({"$id": "https://schemas.example.com/x"}, "uses $id"),
        ({"$defs": {"a": {"$dynamicRef": "#a"}}}, "uses $dynamicRef"),
        ({"description": "x" * MOST_SCHEMA_BYTES}, "is larger"),
        (nested(DEEPEST + 1), "is nested deeper"),
    ],
)
def test_a_schema_that_cannot_be_used_is_named(schema: dict[str, Any], why: str) -> None:
    fault = schema_fault(schema)
    assert fault is not None
    assert why in fault
    assert misfit(schema, {}) == f"the schema {fault}"


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"a": 1}, None),
        ({"a": "1"}, "a: '1' is not of type 'integer'"),
        ({}, "'a' is a required property"),
        ("a", "'a' is not of type 'object'"),
    ],
)
def test_a_misfit_is_told_with_its_place(value: Any, error: str | None) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    assert misfit(schema, value) == error


@pytest.mark.parametrize("schema", [{"$ref": "#"}, doubling(60), {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}])
def test_references_without_end_are_given_up(schema: dict[str, Any]) -> None:
    assert misfit(schema, {}) == "the schema follows more than 500 references"


def test_a_reference_to_nothing_is_a_misfit() -> None:
    assert misfit({"$ref": "#/$defs/nothing"}, {}) == "the schema cannot be used: _WrappedReferencingError"


def test_a_value_is_bounded_as_well() -> None:
    value: dict[str, Any] = {}
    for _ in range(DEEPEST):
        value = {"a": value}
    assert misfit({}, value) == f"is nested deeper than {DEEPEST}"
    assert len(misfit({"const": 1}, "x" * 10_000) or "") < 400


def test_jsonschema_is_not_loaded_before_it_is_needed() -> None:
    program = "import sys, ringline.runtime.json_schemas; sys.exit('jsonschema' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", program], check=False, env=environment).returncode == 0
