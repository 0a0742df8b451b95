"""The page of end reasons says what the code does."""

from local.pages.reasons import PAGE, page


def test_the_page_of_end_reasons_is_what_the_code_does() -> None:
    assert PAGE.read_text() == page(), "run `make reasons-page`"
