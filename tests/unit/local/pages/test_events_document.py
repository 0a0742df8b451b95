"""The document of webhooks says what is sent. AsyncAPI's own schema is asked by `make test-receivers`."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from local.pages.openapi.document import document
from local.pages.openapi.events import events_document
from ringline.resources.answers.webhook_events import EVENTS

WRITTEN = events_document()


def at(reference: str) -> Any:
    found: Any = WRITTEN
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def test_whatever_is_referred_to_is_there() -> None:
    references = re.findall(r'"\$ref": "([^"]+)"', json.dumps(WRITTEN))
    assert references
    for each in references:
        assert at(each) is not None


def test_each_event_is_a_message_and_a_webhook_of_the_api_with_the_same_body() -> None:
    told = document()["webhooks"]
    assert list(WRITTEN["components"]["messages"]) == list(told) == [each.value for each in EVENTS]
    for name, message in WRITTEN["components"]["messages"].items():
        body = told[name]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert message["payload"]["allOf"][0] == body
        assert at(body["$ref"])


EXAMPLES = [
    (name, example["payload"])
    for name, message in WRITTEN["components"]["messages"].items()
    for example in message.get("examples", [])
]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_an_example_is_what_its_message_says_and_no_other_messages(name: str, example: Any) -> None:
    def fits(message: str) -> bool:
        schema = {**WRITTEN["components"]["messages"][message]["payload"], "components": WRITTEN["components"]}
        return bool(Draft202012Validator(schema).is_valid(example))

    assert fits(name)
    assert not any(fits(other) for other in WRITTEN["components"]["messages"] if other != name)
