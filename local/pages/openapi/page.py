"""docs/api.md: the document as a page to read."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local.pages.openapi.operations import COMMON_CODES

type Document = Mapping[str, Any]

_HEAD = """\
# The API

Written by `make openapi` from the routes and from the models that check bodies and answers; a test holds it to them.
The same as [OpenAPI 3.1](openapi.json), which a deployment also serves, without a key, at `GET /openapi.json`. What
the official SDK does with it: [sdk.md](sdk.md).
"""

_COMMON = f"""\
Any route may refuse with what is wrong with its proof, its body or its parameters, which is not repeated below:
{", ".join(f"`{code}`" for code in sorted(COMMON_CODES))}. What each [code](#problem-codes) means stands at the end.
"""

_METHODS = ("get", "post", "put", "patch", "delete")


def page(document: Document) -> str:
    """The page as it should be."""
    return "\n".join(
        [
            _HEAD,
            document["info"]["description"],
            "",
            *_security(document),
            _COMMON,
            *_routes(document),
            *_webhooks(document),
            *_codes(document),
            *_models(document),
        ]
    )


def _security(document: Document) -> Iterator[str]:
    yield "## Who asks\n"
    for name, scheme in document["components"]["securitySchemes"].items():
        yield f"- **{name}**: {scheme['description']}"
    yield ""


def _routes(document: Document) -> Iterator[str]:
    tag = None
    for path, operations in document["paths"].items():
        for method in _METHODS:
            operation = operations.get(method)
            if operation is None:
                continue
            if operation["tags"][0] != tag:
                tag = operation["tags"][0]
                yield f"## {tag}\n"
            yield from _route(document, method, path, operation)


def _route(document: Document, method: str, path: str, operation: Document) -> Iterator[str]:
    proofs = [" with ".join([name, *roles]) for each in operation["security"] for name, roles in each.items()]
    yield f"### `{method.upper()} {path}`\n"
    yield f"{operation['summary']}. {f'Proof: {proofs[0]}.' if proofs else 'Needs no key.'}\n"
    parameters = [each for each in operation.get("parameters", []) if each["in"] != "path"]
    if parameters:
        yield "| parameter | type | says |\n|---|---|---|"
        for each in parameters:
            where = " (header)" if each["in"] == "header" else ""
            yield f"| `{each['name']}`{where} | {_type(each['schema'])} | {each['description']} |"
        yield ""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        yield f"Body: {_type(body['schema'])}\n"
    for status, answer in operation["responses"].items():
        shown = answer.get("content", {}).get("application/json")
        if "$ref" not in answer:
            yield f"- {status}: {'no body' if shown is None else _type(shown['schema'])}"
    refused = [answer["$ref"].rsplit("/", 1)[-1] for answer in operation["responses"].values() if "$ref" in answer]
    codes = [f"`{code}`" for name in refused for code in name.split("-") if code not in COMMON_CODES]
    if codes:
        yield f"- refused with {', '.join(codes)}"
    yield ""


def _webhooks(document: Document) -> Iterator[str]:
    yield "## Webhooks\n"
    yield "| event | when | body |\n|---|---|---|"
    for name, operations in document["webhooks"].items():
        schema = operations["post"]["requestBody"]["content"]["application/json"]["schema"]
        yield f"| `{name}` | {operations['post']['summary']} | {_type(schema)} |"
    yield ""


def _codes(document: Document) -> Iterator[str]:
    yield "## Problem codes\n"
    yield "| code | status | says |\n|---|---|---|"
    for code, meaning in document["x-problem-codes"].items():
        yield f"| `{code}` | {meaning['status']} | {meaning['says']} |"
    yield ""


def _models(document: Document) -> Iterator[str]:
    yield "## Models\n"
    for name, schema in document["components"]["schemas"].items():
        yield f"### {name}\n"
        if "description" in schema:
            yield f"{_in_line(schema['description'])}\n"
        if "properties" in schema:
            yield from _fields(schema)
        else:
            yield _type(schema)
        yield ""


def _fields(schema: Document) -> Iterator[str]:
    yield "| field | type | |\n|---|---|---|"
    required = set(schema.get("required", ()))
    for name, each in schema["properties"].items():
        words = [] if name in required else ["may be left out"]
        if "default" in each and each["default"] not in (None, [], {}):
            words = [f"usually `{_plain(each['default'])}`"]
        words += [_in_line(each["description"])] if "description" in each else []
        yield f"| `{name}` | {_type(each)} | {'; '.join(words)} |"


def _type(schema: Document) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    for one_of in ("anyOf", "oneOf"):
        if one_of in schema:
            return _several(schema[one_of])
    if "const" in schema or "enum" in schema:
        return _several_words(schema["enum"] if "enum" in schema else [schema["const"]])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return f"{schema.get('format') or schema.get('type') or 'anything'}{_bounds(schema)}"


def _several(schemas: Iterable[Document]) -> str:
    return " or ".join(dict.fromkeys(_type(each) for each in schemas))


def _several_words(words: Iterable[Any]) -> str:
    return ", ".join(f"`{_plain(word)}`" for word in words)


def _bounds(schema: Document) -> str:
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    if least is not None and most is not None:
        return f", {least} to {most}"
    if least is not None:
        return f" from {least}"
    if "maxLength" in schema:
        return f", {schema['maxLength']} characters"
    return ""


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _in_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
