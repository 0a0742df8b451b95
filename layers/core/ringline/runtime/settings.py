"""Settings: environment variables as a checked model, read once at import, so that a misconfigured function fails
before it does half a job.

    class DeliverySettings(SettingsModel):
        queue_url: str = required_url("DELIVERY_QUEUE_URL")
        allow_private: bool = flag("ALLOW_PRIVATE_WEBHOOKS")

    settings = read(DeliverySettings)

A class of settings is a frozen dataclass to those who use it and to mypy. It is not made by `dataclasses`, which takes
a millisecond of every function's start for each class.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self, dataclass_transform
from urllib.parse import urlsplit


class SettingsError(RuntimeError):
    """Settings are missing or malformed; the message names each variable."""


class _Variable:
    """A field that is read from an environment variable. `check` makes its value of the text, or raises
    SettingsError."""

    def __init__(self, name: str, check: Callable[[str, str], Any]) -> None:
        self.name = name
        self.check = check


class _Secret:
    """A field that is asked for each time it is read, and never stands in the environment. `variable` says where it is
    kept. A value that somebody gave by hand goes before."""

    def __init__(self, variable: str, value: Callable[[], Any]) -> None:
        self.name = variable
        self.check = _not_empty
        self._value = value

    def __get__(self, settings: Any, _owner: Any = None) -> Any:
        return self if settings is None else self._value()


class _Group:
    """A field that is a model of settings itself."""

    def __init__(self, model: "type[SettingsModel]") -> None:
        self.model = model


def required(name: str) -> Any:
    """A variable that must be set and not empty."""
    return _Variable(name, _not_empty)


def required_url(name: str) -> Any:
    """A variable that must hold an absolute http(s) or ws(s) URL."""
    return _Variable(name, _url)


def optional(name: str) -> Any:
    """A variable that may be missing: the field is empty then."""
    return _Variable(name, _text)


def secret(variable: str, value: Callable[[], Any]) -> Any:
    """What `value` tells each time, from where the variable says. The variable must be set."""
    return _Secret(variable, value)


def flag(name: str) -> Any:
    """A variable that says `true`; anything else is false."""
    return _Variable(name, _flag)


def number(name: str) -> Any:
    """A variable that holds a number of 0 or more; 0 where it is not set."""
    return _Variable(name, _number)


def group(model: "type[SettingsModel]") -> Any:
    """A field that holds other settings, which several functions share."""
    return _Group(model)


@dataclass_transform(
    frozen_default=True,
    kw_only_default=True,
    field_specifiers=(required, required_url, optional, secret, flag, number, group),
)
class SettingsModel:
    """Base of all settings. A subclass declares its fields, and may `check` what must hold between them."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"settings are read once: {name} cannot be changed")

    def __replace__(self, /, **changes: Any) -> Self:
        """For `copy.replace`, as of a dataclass."""
        return type(self)(**(self.__dict__ | changes))

    def check(self) -> None:
        """Raises SettingsError for values that do not go together."""


def read[Model: SettingsModel](model: type[Model], environ: Mapping[str, str] = os.environ) -> Model:
    """The settings as the environment says them. Raises SettingsError that names every variable that is wrong."""
    values: dict[str, Any] = {}
    faults: list[str] = []
    for name, declared in _fields_of(model):
        try:
            if isinstance(declared, _Group):
                values[name] = read(declared.model, environ)
            elif isinstance(declared, _Secret):
                declared.check(declared.name, environ.get(declared.name, "").strip())
            else:
                values[name] = declared.check(declared.name, environ.get(declared.name, "").strip())
        except SettingsError as error:
            faults.append(str(error))
    if faults:
        raise SettingsError("; ".join(dict.fromkeys(faults)))
    settings = model(**values)
    settings.check()
    return settings


def variables_of(model: type[SettingsModel]) -> frozenset[str]:
    """The names of all variables that the model reads."""
    names: set[str] = set()
    for _, declared in _fields_of(model):
        names |= variables_of(declared.model) if isinstance(declared, _Group) else {declared.name}
    return frozenset(names)


def _fields_of(model: type[SettingsModel]) -> Iterator[tuple[str, _Variable | _Secret | _Group]]:
    """The fields that are read, those of base classes first. A subclass may read what its base has a default for."""
    declared: dict[str, Any] = {}
    for each in reversed(model.__mro__):
        declared |= vars(each)
    for name, value in declared.items():
        if isinstance(value, (_Variable, _Secret, _Group)):
            yield name, value


def _text(_name: str, value: str) -> str:
    return value


def _not_empty(name: str, value: str) -> str:
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def _url(name: str, value: str) -> str:
    parts = urlsplit(_not_empty(name, value))
    if parts.scheme not in {"http", "https", "ws", "wss"} or not parts.netloc:
        raise SettingsError(f"{name} is not an absolute URL")
    return value


def _flag(_name: str, value: str) -> bool:
    return value.lower() == "true"


def _number(name: str, value: str) -> float:
    try:
        amount = float(value or "0")
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        raise SettingsError(f"{name} is not a number of 0 or more")
    return amount
