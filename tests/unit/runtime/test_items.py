"""Plain values to DynamoDB's typed form and back."""

from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given
from hypothesis import strategies as st

from ringline.runtime.items import from_item, to_item

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, width=32) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(min_size=1), _JSON, max_size=6))
def test_what_json_can_hold_comes_back_as_it_went_in(fields: dict[str, Any]) -> None:
    assert from_item(to_item(fields)) == {name: value for name, value in fields.items() if value is not None}


@given(st.dictionaries(st.text(min_size=1), _JSON.filter(lambda value: not _has_float(value)), max_size=6))
def test_boto3_reads_the_same(fields: dict[str, Any]) -> None:
    read = TypeDeserializer().deserialize({"M": to_item(fields)})
    assert read == {name: value for name, value in fields.items() if value is not None}


def _has_float(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_float(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_has_float(inner) for inner in value)
    return isinstance(value, float)


@pytest.mark.parametrize(("text", "number"), [("1E+2", 100), ("1.50", 1.5), ("-3", -3), ("2.0", 2)])
def test_numbers_are_read_however_dynamodb_writes_them(text: str, number: float) -> None:
    assert from_item({"n": {"N": text}}) == {"n": number}


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        to_item({"n": {1, 2}})
