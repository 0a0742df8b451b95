"""The README says what the sandbox does."""

from local.pages.sandbox import README, with_numbers


def test_the_readmes_telephone_book_is_the_sandboxs() -> None:
    assert README.read_text() == with_numbers(README.read_text()), "run `make sandbox-table`"
