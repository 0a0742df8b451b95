"""How rows are written and read, so that a release and the one before it can share them (`ringline.later`).

Each row that is put bears the number of the schema that its writer knew. Rows from before there was a number have none:
they are of schema 1. The number is not asked before a row is read: what a row has is read, and what it lacks has a
value that stands for "written before". It tells `ringline migrate` which rows are behind.

Items that are only ever added up, and hints (gates' counts, counters of caps, paces, rests, beats, the sweep's place),
are not put but updated, and bear none: their attributes never change their meaning.
"""

from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from ringline.later import Carried, carried_from
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import Item, to_item

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SCHEMA = 2
"""What this release writes. It grows by one with each change of a row's layout that a migration has to follow."""

SCHEMA_BEFORE_NUMBERS = 1
_DAY_S = 24 * 3600
SCHEMA_NAME = "schema"

OF_EVERY_ROW = frozenset({"pk", "sk", "item_kind", "due_shard", SCHEMA_NAME})
"""What rows have beside what their records tell."""


def to_row(attributes: Mapping[str, Any]) -> Item:
    """A row as it is put, with the number of this release's schema."""
    return to_item({**attributes, SCHEMA_NAME: SCHEMA})


def schema_of(found: Mapping[str, Any]) -> int:
    """The schema that a row's last writer knew. A number that is none was not written by a release."""
    schema = found.get(SCHEMA_NAME)
    return int(schema) if isinstance(schema, int | float) else SCHEMA_BEFORE_NUMBERS


def expires_at_s(since_ms: int, kept_days: float) -> int:
    """When a row goes that is kept for so many days: what `ttl_at_s` says. DynamoDB removes it within days of that."""
    return since_ms // MS_PER_S + round(kept_days * _DAY_S)


def attributes_of(record: "DataclassInstance") -> dict[str, Any]:
    """A record's fields as attributes, those of the records in it as maps, and what it carries among them."""
    carried: Carried = getattr(record, "carried", ())
    names = (each.name for each in fields(record) if each.name != "carried")
    return dict(carried) | {name: _attribute(getattr(record, name)) for name in names}


def _attribute(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_attribute(each) for each in value]
    return attributes_of(value) if is_dataclass(value) and not isinstance(value, type) else value


def known_to(
    kind: "type[DataclassInstance]", found: Mapping[str, Any], besides: Collection[str] = OF_EVERY_ROW
) -> dict[str, Any]:
    """The arguments that make a record of a row: the fields that this release knows, and what it is to carry. `besides`
    are attributes that are no field, and are written by whoever writes the row."""
    names = {each.name for each in fields(kind)}
    known = {name: found[name] for name in names if name in found}
    return known | {"carried": carried_from(found, names | set(besides))}
