"""What a release changes in the texts of the repository: its version, where it stands, and the changelog's heading."""

import re

_VERSION = re.compile(r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)")
_UNRELEASED = "## [Unreleased]\n"

WHERE = {
    "pyproject.toml": 'version = "{}"\n',
    "layers/core/ringline/version.py": 'VERSION = "{}"\n',
    "speech/worker/version.py": 'VERSION = "{}"\n',
    "template.yaml": '    Value: "{}"\n',
}
"""The files that say the version, and how: tests/unit/house/test_version.py holds them to each other."""


class NotReady(Exception):
    """The release cannot be made. The message says what is to be done first."""


def as_numbers(version: str) -> tuple[int, ...]:
    """Raises NotReady for what is no version, x.y.z."""
    if not _VERSION.fullmatch(version):
        raise NotReady(f"{version!r} is no version: say VERSION=x.y.z")
    return tuple(int(number) for number in version.split("."))


def with_version(path: str, text: str, old: str, new: str) -> str:
    """The file of WHERE with the new version. Raises NotReady where it does not say the old one, once."""
    said = WHERE[path].format(old)
    if text.count(said) != 1:
        raise NotReady(f"{path} does not say {said.strip()!r} once")
    return text.replace(said, WHERE[path].format(new))


def cut(changelog: str, version: str, day: str) -> str:
    """The changelog whose unreleased entries are this version's, of that day (YYYY-MM-DD). Raises NotReady where there
    are none: then nobody would see a difference."""
    before, heading, after = changelog.partition(_UNRELEASED)
    if not heading:
        raise NotReady("CHANGELOG.md has no heading [Unreleased]")
    if f"## [{version}]" in after:
        raise NotReady(f"CHANGELOG.md has {version} already")
    if not re.search(r"^- ", after.partition("\n## ")[0], re.MULTILINE):
        raise NotReady("CHANGELOG.md has nothing below [Unreleased]")
    return f"{before}{heading}\n## [{version}] - {day}\n{after}"
