"""Pydantic models, named as `module:Model`, as the schemas of one document."""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

type Schema = dict[str, Any]
type Model = type[BaseModel]

_OBJECTS = {"metadata"}
"""Parameters that are told key by key: `metadata[customer]=C1`."""

_REFERENCE = "#/components/schemas/{model}"


class _WithoutTitles(GenerateJsonSchema):
    """Titles that only repeat a field's name say nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def model_named(name: str) -> Model:
    """The model of `module:Model`."""
    module, _, model = name.partition(":")
    found: Model = getattr(importlib.import_module(module), model)
    return found


def plain_reference(model: str) -> Schema:
    return {"$ref": _REFERENCE.format(model=model)}


@dataclass(frozen=True, slots=True)
class Schemas:
    """`components` are the schemas of the document; `of` says how one of the models is referred to."""

    components: dict[str, Schema]
    references: dict[Model, Schema]

    def of(self, model: Model) -> Schema:
        return self.references[model]


def schemas_of(models: Iterable[Model]) -> Schemas:
    once = sorted(set(models), key=lambda model: model.__name__)
    references, document = models_json_schema(
        [(model, "validation") for model in once], ref_template=_REFERENCE, schema_generator=_WithoutTitles
    )
    components: dict[str, Schema] = document["$defs"]
    for name in components:
        components[name] = {key: value for key, value in components[name].items() if key != "title"}
    return Schemas(
        {name: components[name] for name in sorted(components)},
        {model: references[model, "validation"] for model in once},
    )


def fields_of(model: Model) -> dict[str, FieldInfo]:
    return model.model_fields


def parameters_of(model: Model) -> list[Schema]:
    """A model's fields as parameters behind the question mark. A null cannot be said there."""
    properties = model.model_json_schema(ref_template=_REFERENCE, schema_generator=_WithoutTitles)
    definitions = properties.pop("$defs", {})
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.pop("description", ""),
            "schema": _without_null(schema, definitions),
        }
        | ({"style": "deepObject", "explode": True} if name in _OBJECTS else {})
        for name, schema in properties["properties"].items()
    ]


def _without_null(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    options = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    chosen = options[0] if len(options) == 1 else schema
    if "$ref" in chosen:
        chosen = definitions[chosen["$ref"].rsplit("/", 1)[-1]]
    return {key: value for key, value in chosen.items() if (key, value) != ("default", None)}
