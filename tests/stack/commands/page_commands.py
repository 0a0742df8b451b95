"""Commands of a page of the documentation, and what the page says that they print."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Shown:
    """A command as it is printed, without its `$`, and the lines below it."""

    command: str
    prints: tuple[str, ...]

    @property
    def is_refused(self) -> bool:
        return any(line.startswith("error: ") for line in self.prints)

    def missing_in(self, printed: str) -> list[str]:
        """Lines that the page shows and the command did not print, in their order. `...` stands for anything, one
        space for as many as there are."""
        lines, missing = iter(printed.splitlines()), []
        for line in self.prints:
            pattern = ".*".join(_loosely(part) for part in line.split("..."))
            if not any(re.fullmatch(pattern, each.strip()) for each in lines):
                missing.append(line)
                break
        return missing


def commands_of(page: Path, heading: str) -> Iterator[Shown]:
    """The commands of all console blocks below a heading, up to the next heading of its level."""
    section = page.read_text().partition(f"\n{heading}\n")[2]
    assert section, f"{page} has no heading {heading}"
    level = heading.partition(" ")[0]
    for block in _BLOCK.findall(re.split(rf"^{level} ", section, flags=re.MULTILINE)[0]):
        for each in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *prints = each.rstrip("\n").split("\n")
            yield Shown(command, tuple(prints))


def _loosely(text: str) -> str:
    return r"\s*".join(re.escape(word) for word in text.split()) if text.strip() else r"\s*"
