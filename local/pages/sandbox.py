"""Writes the sandbox's telephone book from what its phones do: the whole of it as docs/sandbox.md, and the numbers that
one wants first between the markers of the README.

    python -m local.pages.sandbox
"""

import re

from local.phones.numbers import beyond
from local.phones.numbers.book import CHAPTERS, MOST_USED, NUMBERS
from local.phones.numbers.sandbox_number import Chapter
from local.phones.numbers.table import beyond_table, families_table, table_of
from local.tools.places import ROOT

README = ROOT / "README.md"
PAGE = ROOT / "docs" / "sandbox.md"

_BLOCK = re.compile(r"(<!-- numbers:[^\n]*-->\n).*(<!-- /numbers -->)", re.DOTALL)

_INTRODUCTION = f"""# The sandbox's numbers

Written by `make sandbox-table` from `local/phones/numbers/`; a test holds it to them.

The phone network of the one-machine stack stands in for LiveKit, the carrier and the agent. The number that you dial
chooses what happens, and with which reason the call ends ([all reasons](end-reasons.md)). There are {len(NUMBERS)}
numbers, and three families of them for every SIP code. `make outcomes` calls each number and compares how its call
ended with this page. How to see [what no number brings about](#what-no-number-brings-about) stands here, too.
"""

_FAMILIES = """## Any SIP code, and any other number

`NNN` is a SIP code from 300 to 699. Which reason it becomes, and how long the phone had rung then, is in
[why calls end](end-reasons.md#what-a-sip-code-becomes).
"""


def page() -> str:
    """The whole telephone book as it should be."""
    chapters = [_chapter(each) for each in CHAPTERS]
    others = f"## {beyond.TITLE}\n\n{beyond.TEXT}\n{beyond_table()}"
    return "\n".join([_INTRODUCTION, *chapters, others, _FAMILIES, families_table()])


def _chapter(chapter: Chapter) -> str:
    text = f"{chapter.text}\n" if chapter.text else ""
    return f"## {chapter.title}\n\n{text}{table_of(chapter.entries)}"


def with_most_used(readme: str) -> str:
    """The README's text with the numbers that one wants first. Raises ValueError if the markers are gone."""
    if not _BLOCK.search(readme):
        raise ValueError("README.md has lost its numbers markers")
    return _BLOCK.sub(lambda found: f"{found[1]}\n{table_of(MOST_USED)}\n{found[2]}", readme)


if __name__ == "__main__":
    PAGE.write_text(page())
    README.write_text(with_most_used(README.read_text()))
