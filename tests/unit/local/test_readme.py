"""README and docs/sandbox.md say what the sandbox does."""

from local.pages.sandbox import PAGE, README, page, with_most_used


def test_the_pages_telephone_book_is_the_sandboxs() -> None:
    assert PAGE.read_text() == page(), "run `make sandbox-table`"


def test_the_readmes_numbers_are_the_sandboxs() -> None:
    assert README.read_text() == with_most_used(README.read_text()), "run `make sandbox-table`"
