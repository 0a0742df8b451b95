"""Writes the sandbox's telephone book into the README, between its markers: `python -m local.pages.sandbox`."""

import re

from local.phones.numbers.book import table_markdown
from local.tools.places import ROOT

README = ROOT / "README.md"
_BLOCK = re.compile(r"(<!-- numbers:[^\n]*-->\n).*(<!-- /numbers -->)", re.DOTALL)


def with_numbers(readme: str) -> str:
    """The README's text with the present telephone book. Raises ValueError if the markers are gone."""
    if not _BLOCK.search(readme):
        raise ValueError("README.md has lost its numbers markers")
    return _BLOCK.sub(lambda found: f"{found[1]}\n{table_markdown()}\n{found[2]}", readme)


if __name__ == "__main__":
    README.write_text(with_numbers(README.read_text()))
