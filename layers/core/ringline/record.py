"""Frozen records that are quick to define.

A frozen dataclass takes 0.5 to 1 ms to make, because its methods are compiled for it, and every function's start pays
for each one that it imports. A `Record` reads and behaves like one, to mypy as well, and takes a fiftieth of that: its
methods are written once, here. Instances take a little longer to make, which a call does a few dozen times.

Use it for what many functions import and few make many of: events, results, outcomes. What is stored (`Call` and its
parts) is a dataclass, whose fields the table's records are read from; `stored` makes one in a fifth of the time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from functools import partial
from operator import attrgetter
from typing import Any, Self, dataclass_transform, overload


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


_NOT_HERE = {"__init__", "__post_init__", "__repr__", "__eq__", "__hash__"}


@overload
def stored[Kind](kind: type[Kind]) -> type[Kind]: ...


@overload
def stored[Kind](*, kw_only: bool) -> Callable[[type[Kind]], type[Kind]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def stored[Kind](kind: type[Kind] | None = None, *, kw_only: bool = False) -> Any:
    """A frozen dataclass with slots whose methods are not compiled for it: they are made of its fields, which takes a
    fifth of the time. For what rows are read into, which has many fields, and which most functions import. Raises
    TypeError for what a dataclass may have besides: methods of its own in place of these, and fields that are not
    given."""
    if kind is None:
        return partial(_made, kw_only=kw_only)
    return _made(kind, kw_only=kw_only)


def _made[Kind](kind: type[Kind], *, kw_only: bool) -> type[Kind]:
    made = dataclass(frozen=True, slots=True, init=False, repr=False, eq=False, kw_only=kw_only)(kind)
    own = fields(made)  # type: ignore[arg-type]
    if _NOT_HERE & vars(kind).keys() or not all(each.init for each in own):
        raise TypeError(f"{kind.__name__} needs a dataclass")
    for method in (_init_of(made, own), _repr_of(own), *_comparisons_of(own)):
        setattr(made, method.__name__, method)
    return made


def _init_of(kind: type, own: tuple[Field[Any], ...]) -> Callable[..., None]:
    placed = tuple(each.name for each in own if not each.kw_only)
    defaults = {each.name: each.default for each in own if each.default is not MISSING}
    factories = {each.name: each.default_factory for each in own if each.default_factory is not MISSING}
    setters = tuple((each.name, getattr(kind, each.name).__set__) for each in own)

    def __init__(self: object, *values: Any, **named: Any) -> None:
        given = {**defaults, **named}
        if values:
            _place(kind.__name__, given, named, placed, values)
        for name, make in factories.items():
            if name not in given:
                given[name] = make()
        try:
            for name, put in setters:
                put(self, given[name])
        except KeyError as missing:
            raise TypeError(f"{kind.__name__} needs {missing.args[0]}") from None
        if len(given) > len(setters):
            raise TypeError(f"{kind.__name__} has no {', '.join(given.keys() - dict(setters).keys())}")

    return __init__


def _place(
    kind: str, given: dict[str, Any], named: Mapping[str, Any], placed: Sequence[str], values: Sequence[Any]
) -> None:
    """Gives the values their names."""
    positional = dict(zip(placed, values, strict=False))
    if len(positional) < len(values) or positional.keys() & named.keys():
        raise TypeError(f"{kind} takes {', '.join(placed)}, each once")
    given.update(positional)


def _repr_of(own: tuple[Field[Any], ...]) -> Callable[[object], str]:
    names = tuple(each.name for each in own if each.repr)

    def __repr__(self: object) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return __repr__


def _comparisons_of(own: tuple[Field[Any], ...]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    names = [each.name for each in own if each.compare]
    compared: Callable[[object], Any] = attrgetter(*names) if names else lambda _none: ()

    def __eq__(self: object, other: object) -> Any:
        return compared(self) == compared(other) if type(other) is type(self) else NotImplemented

    def __hash__(self: object) -> int:
        return hash(compared(self))

    return __eq__, __hash__
