"""Frozen records that are quick to define.

A frozen dataclass takes 0.5 to 1 ms to make, because its methods are compiled for it, and every function's start pays
for each one that it imports. A `Record` reads and behaves like one, to mypy as well, and takes a fiftieth of that: its
methods are written once, here. Instances take a little longer to make, which a call does a few dozen times.

Use it for what many functions import and few make many of: events, results, outcomes. What is stored (`Call` and its
parts) stays a dataclass, whose fields the table's records are read from.
"""

from dataclasses import FrozenInstanceError
from typing import Any, Self, dataclass_transform


@dataclass_transform(frozen_default=True)
class _RecordType(type):
    """Turns annotations into slots, and their values into defaults."""

    _names: tuple[str, ...]
    _defaults: dict[str, Any]

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> "_RecordType":
        own = tuple(namespace.get("__annotations__", {}))
        defaults = {field: namespace.pop(field) for field in own if field in namespace}
        parent = next((base for base in bases if isinstance(base, _RecordType)), None)
        names = own if parent is None else (*parent._names, *own)
        made = super().__new__(cls, name, bases, {**namespace, "__slots__": own, "__match_args__": names})
        made._names = names
        made._defaults = defaults if parent is None else {**parent._defaults, **defaults}
        return made


class Record(metaclass=_RecordType):
    """Give the fields by annotations, in their order, defaults last."""

    def __init__(self, *values: Any, **named: Any) -> None:
        names = type(self)._names
        given = dict(zip(names, values, strict=False))
        given.update(named)
        if len(given) < len(values) + len(named):
            raise TypeError(f"{type(self).__name__} takes {', '.join(names)}, each once")
        if len(given) < len(names):
            given = type(self)._defaults | given
        try:
            self._fill(given)
        except KeyError:
            missing = [name for name in names if name not in given and name not in type(self)._defaults]
            needs = f"needs {', '.join(missing)}" if missing else f"takes {', '.join(names)}, each once"
            raise TypeError(f"{type(self).__name__} {needs}") from None
        if len(given) > len(names):
            raise TypeError(f"{type(self).__name__} takes {', '.join(names)}, each once")

    def _fill(self, given: dict[str, Any]) -> None:
        setattr_of_anything = object.__setattr__
        for name in type(self)._names:
            setattr_of_anything(self, name, given[name])

    def _given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in type(self)._names}

    def __replace__(self, /, **changes: Any) -> Self:
        return type(self)(**self._given() | changes)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._given() == self._given()

    def __hash__(self) -> int:
        return hash((type(self), *self._given().values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._given().items())})"

    def __setattr__(self, name: str, value: Any) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __getstate__(self) -> dict[str, Any]:
        return self._given()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._fill(state)


def names_of(kind: type[Record]) -> tuple[str, ...]:
    """The fields of a kind of record, in their order."""
    return kind._names
