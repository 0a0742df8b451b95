"""An entry of the audit log, and what of a change is told in it.

Secrets never are, nor what was said in calls: an entry names fields of what customers set up, with their values before
and after. A text that is long, as a prompt is, is told by its length and hash, which say whether it is the same.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass, field
from typing import Any

from ringline.later import Carried, StoredWord

MOST_FIELDS = 60
"""Of one change; what is beyond it is counted."""
_LONGEST_VALUE = 200

_MORE_DIGITS_THAN_KEPT = 10**38
_LARGER_THAN_KEPT = 1e126
_SMALLEST_KEPT = 1e-130
"""DynamoDB keeps numbers of up to 38 digits, between these two or zero."""

_SECRET = re.compile(r"secret|password|token|raw_key|headers|authorization", re.IGNORECASE)
_MOVES_BY_ITSELF = frozenset({"revision", "modified", "last_used_at", "last_used_from", "in_use"})
"""Fields of what is shown that change without anybody's wish."""


class Outcome(StoredWord):
    """What became of a change. One that is `begun` and stays so was cut off: whether it was made is to be looked up."""

    BEGUN = "begun"
    DONE = "done"
    REFUSED = "refused"
    """Nothing was changed."""
    FAILED = "failed"
    """It may have been made in part."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A field with its value before and after, as JSON has it. Of a secret neither is told."""

    name: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True)
class Entry:
    """`who` is the key's id, or the AWS caller of an operator's command line; `name` the key's. `resource` is what was
    changed, `pipes/pipe_1`. Moments in milliseconds."""

    audit_id: str
    account_id: str
    at: int
    action: str
    resource: str
    who: str
    name: str | None = None
    source_ip: str | None = None
    request_id: str | None = None
    outcome: Outcome = Outcome.BEGUN
    status: int | None = None
    code: str | None = None
    changes: tuple[Changed, ...] = ()
    left_out: int = 0
    carried: Carried = field(default=(), compare=False, repr=False)

    def ended(
        self,
        outcome: Outcome,
        *,
        changes: tuple[Changed, ...] = (),
        resource: str | None = None,
        status: int | None = None,
        code: str | None = None,
    ) -> "Entry":
        """The entry when it is known what became of the change."""
        return replace(
            self,
            outcome=outcome,
            resource=resource or self.resource,
            status=status,
            code=code,
            changes=changes[:MOST_FIELDS],
            left_out=max(0, len(changes) - MOST_FIELDS),
        )


def changes_between(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[Changed, ...]:
    """The fields that differ, by their names with dots for what lies within. None is what is not there, or is gone."""
    old, new = _flat(before or {}), _flat(after or {})
    names = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    return tuple(_changed(name, old.get(name), new.get(name)) for name in names)


def _changed(name: str, before: Any, after: Any) -> Changed:
    return Changed(name) if _SECRET.search(name) else Changed(name, _told(before), _told(after))


def _flat(shown: Mapping[str, Any], within: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in shown.items():
        if name in _MOVES_BY_ITSELF:
            continue
        if isinstance(value, Mapping) and value and not _SECRET.search(name):
            flat |= _flat(value, f"{within}{name}.")
        else:
            flat[f"{within}{name}"] = value
    return flat


def _told(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    if len(text) <= _LONGEST_VALUE:
        return _storable(value)
    return {"characters": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def _storable(value: Any) -> Any:
    """With numbers that DynamoDB refuses as text: a customer's JSON Schema may name them."""
    match value:
        case bool():
            return value
        case int() if abs(value) >= _MORE_DIGITS_THAN_KEPT:
            return str(value)
        case float() if value and not _SMALLEST_KEPT <= abs(value) < _LARGER_THAN_KEPT:
            return str(value)
        case Mapping():
            return {name: _storable(each) for name, each in value.items()}
        case list() | tuple():
            return [_storable(each) for each in value]
    return value
