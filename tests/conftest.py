"""Each test belongs to one category, which is the folder it lies in: what lies elsewhere is not collected but
refused."""

from pathlib import Path

import pytest

CATEGORIES = {"unit", "property", "component", "contract", "template", "stack"}
_TESTS = Path(__file__).parent


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> None:
    if file_path.name.startswith("test_") and file_path.suffix == ".py" and category_of(file_path) is None:
        raise pytest.UsageError(f"{file_path} is in none of tests/{{{','.join(sorted(CATEGORIES))}}}")


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker(category_of(item.path) or "unit")


def category_of(path: Path) -> str | None:
    """The category of a test module, or None if it lies outside of the six folders."""
    if not path.is_relative_to(_TESTS):
        return None
    folder = path.relative_to(_TESTS).parts[0]
    return folder if folder in CATEGORIES else None
