"""Options that say fields of the API."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.frame.fields import (
    country,
    each_of,
    json_object,
    number_up_to,
    one_of,
    phone_number,
    prefix,
    said_of,
    secret,
    text_or_file,
    transfer_target,
    whole,
)
from cli.model.failures import Usage


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (whole(1, 9), "9", 9), (number_up_to(2), "1.5", 1.5), (phone_number, "+1 (415) 555-0123", "+14155550123"),
        (country, "us", "US"), (prefix, "+1415", "+1415"), (one_of("a", "b"), "b", "b"),
        (transfer_target, "+15550100200", {"type": "sip", "config": {"number": "+15550100200"}}),
        (each_of(transfer_target), "desk,end", [{"type": "agent", "config": {"agent_id": "desk"}}, "end"]),
        (each_of(prefix), "+1, +44", ["+1", "+44"]), (each_of(prefix), "none", []), (json_object, '{"a": 1}', {"a": 1}),
    ],
)  # fmt: skip
def test_a_text_becomes_its_value(read: Callable[[str], Any], text: str, value: Any) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (whole(1, 9), "10"), (whole(1, 9), "-1"), (whole(1, 9), "two"), (number_up_to(2), "3"), (number_up_to(2), "x"),
        (phone_number, "415"), (country, "XX"), (prefix, "1415"), (one_of("a"), "b"), (each_of(prefix), "+1,x"),
        (json_object, "[1]"), (json_object, "{"), (json_object, "@/nowhere"), (text_or_file, "@/nowhere"),
    ],
)  # fmt: skip
def test_a_text_that_cannot_be_one_is_refused(read: Callable[[str], Any], text: str) -> None:
    with pytest.raises(typer.BadParameter):
        read(text)


def test_texts_objects_and_secrets_are_read_from_files(tmp_path: Path) -> None:
    file = tmp_path / "said"
    file.write_text('{"a": 1}\n')
    assert json_object(f"@{file}") == {"a": 1}
    assert text_or_file(f"@{file}") == '{"a": 1}\n'
    assert secret(f"@{file}") == '{"a": 1}', "a password's line has an end that is none of its own"


def test_any_other_field_is_said_in_json_or_as_text() -> None:
    given: dict[str, Any] = {"set_fields": ["a.b=1", "a.c=x y", "d=null", "e=[true]", "f="]}
    assert said_of((), given) == {"a": {"b": 1, "c": "x y"}, "d": None, "e": [True], "f": ""}
    for wrong in ("a", "=1"):
        with pytest.raises(Usage):
            said_of((), {"set_fields": [wrong]})
