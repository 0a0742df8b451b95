"""Writes the SDK's methods between the markers of docs/sdk.md, from the tour that calls each of them:
`python -m local.pages.sdk`."""

import re

from local.tools.places import ROOT
from local.trips.sdk.methods import NOT_SERVED, SERVED

PAGE = ROOT / "docs" / "sdk.md"

_BLOCK = re.compile(r"(<!-- methods:[^\n]*-->\n).*(<!-- /methods -->)", re.DOTALL)


def with_methods(page: str) -> str:
    """The page with what becomes of each method. Raises ValueError if the markers are gone."""
    if not _BLOCK.search(page):
        raise ValueError("docs/sdk.md has lost its methods markers")
    return _BLOCK.sub(lambda found: f"{found[1]}\n{_table()}\n{found[2]}", page)


def _table() -> str:
    rows = [f"| {_names([stop.method for stop in SERVED])} | served |"]
    for instead in dict.fromkeys(NOT_SERVED.values()):
        methods = [stop.method for stop, why in NOT_SERVED.items() if why == instead]
        rows.append(f"| {_names(methods)} | 501: {instead} |")
    served, refused = len(SERVED), len(NOT_SERVED)
    title = f"{served + refused} methods: {served} served, {refused} out of scope.\n"
    return "\n".join([title, "| method | |", "|---|---|", *rows, ""])


def _names(methods: list[str]) -> str:
    """Methods of one resource stand together: `calls.create` `get` `list`."""
    resources: dict[str, list[str]] = {}
    for method in methods:
        resource, _, verb = method.rpartition(".")
        resources.setdefault(resource, []).append(verb)
    named = []
    for resource, verbs in resources.items():
        first, *others = sorted(verbs)
        named.append(" ".join([f"`{resource}.{first}`", *(f"`{verb}`" for verb in others)]))
    return ", ".join(named)


if __name__ == "__main__":
    PAGE.write_text(with_methods(PAGE.read_text()))
