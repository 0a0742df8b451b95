"""What strangers send as JSON: either it can be kept and shown again, or it is refused before anything is done."""

import json

import pytest

from ringline.json_text import DEEPEST, TooDeep, depth, read_json


def nested(levels: int, pair: str = "[]") -> str:
    """`levels` arrays, or objects, within each other."""
    opened, closed = ("[", "]") if pair == "[]" else ('{"a":', "}")
    return opened * levels + "1" + closed * levels


@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_a_document_may_be_nested_so_deep_and_no_deeper(pair: str) -> None:
    assert depth(read_json(nested(DEEPEST, pair))) == DEEPEST
    for levels in (DEEPEST + 1, 900, 9_989, 60_000):
        with pytest.raises(TooDeep):
            read_json(nested(levels, pair))


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", '{"a":-Infinity}', "1e400", '"\\ud800"', "{", "", "[1] 2", b"\xff"]
)
def test_what_cannot_be_said_again_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        read_json(text)


def test_what_is_read_is_what_was_said() -> None:
    document = {"a": [1, 2.5, None, True, "ä"], "b": {"c": {}}}
    assert read_json(json.dumps(document)) == document
    assert (depth(document), depth("bare"), depth([])) == (3, 0, 1)
