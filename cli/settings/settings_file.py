"""The settings file: `ringline/config.toml` in the user's configuration folder, or the file that RINGLINE_CONFIG names.

    current = "production"

    [profiles.production]
    api_url = "https://..."
    api_key = "sk_..."
    stack = "ringline"

It holds keys, so that only its owner may read it.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.model.failures import Usage
from cli.model.profiles import FIELDS, LOCAL, Profile
from cli.settings.replaced_file import check_replaceable, replacing

_OWNER_ONLY = 0o600
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the file says. `current` is the profile that is used where none is named."""

    current: str | None = None
    profiles: Mapping[str, Profile] = field(default_factory=dict)


class SettingsFile:
    """Raises Usage for a file that is not what it should be."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.path = _path(environ)

    def read(self) -> Settings:
        try:
            document = tomllib.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return Settings()
        except PermissionError as error:
            # In a folder that is closed to them somebody else's file may be, as with another user's HOME: never theirs.
            if not os.access(self.path.parent, os.X_OK):
                return Settings()
            raise Usage(f"{self.path} cannot be read: {error}") from None
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise Usage(f"{self.path} cannot be read: {error}") from None
        sections = document.get("profiles", {})
        if not isinstance(sections, dict) or not all(isinstance(section, dict) for section in sections.values()):
            raise Usage(f"{self.path}: profiles is not a table of tables")
        return Settings(document.get("current"), {name: self._profile(name, said) for name, said in sections.items()})

    def write(self, settings: Settings) -> None:
        """Replaces the file in one step. It is its owner's alone from its first byte on."""
        with self._writing(), replacing(self.path, _OWNER_ONLY) as file:
            file.write(_toml(settings))

    def check_writable(self) -> None:
        """Raises Usage where `write` would: whoever makes something that only the file will know looks before."""
        with self._writing():
            check_replaceable(self.path)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            raise Usage(f"{self.path} cannot be written: {error.strerror}") from None

    def _profile(self, name: str, said: Mapping[str, Any]) -> Profile:
        for word, value in said.items():
            if word not in FIELDS or not isinstance(value, str):
                raise Usage(f"{self.path}: profiles.{name}.{word} is not one of {', '.join(FIELDS)}, as a text")
        return Profile(name=name, **said)


def check_name(name: str, field: str = "name") -> None:
    """Raises Usage, which names `field`, for what no profile may be called."""
    if name == LOCAL:
        raise Usage(f"{LOCAL} is the stack that is up on this machine, which needs no settings", field)
    if not _NAME.fullmatch(name):
        raise Usage("is not a name of 1 to 40 letters, digits, _ and -", field)


def _path(environ: Mapping[str, str]) -> Path:
    if environ.get("RINGLINE_CONFIG"):
        return Path(environ["RINGLINE_CONFIG"]).expanduser()
    home = environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "ringline" / "config.toml"


def _toml(settings: Settings) -> str:
    """Its texts are written as JSON's, whose escapes TOML has too."""
    lines = [] if settings.current is None else [f"current = {json.dumps(settings.current)}", ""]
    for name, profile in sorted(settings.profiles.items()):
        said = {word: getattr(profile, word) for word in FIELDS if getattr(profile, word) is not None}
        lines += [f"[profiles.{name}]", *(f"{word} = {json.dumps(value)}" for word, value in said.items()), ""]
    return "\n".join(lines)
