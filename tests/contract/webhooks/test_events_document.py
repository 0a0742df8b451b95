"""docs/asyncapi.json by AsyncAPI's own schema, which `make test-receivers` fetches."""

import json

from jsonschema import Draft7Validator

from local.tools.places import LOCAL, ROOT

SCHEMAS = LOCAL / "receivers/javascript/node_modules/@asyncapi/specs/schemas"


def test_the_document_is_asyncapi_3() -> None:
    document = json.loads((ROOT / "docs" / "asyncapi.json").read_text())
    validator = Draft7Validator(json.loads((SCHEMAS / "3.0.0-without-$id.json").read_text()))
    assert [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document)] == []
    assert not validator.is_valid({**document, "operations": {"tell": {"action": "shout"}}})
