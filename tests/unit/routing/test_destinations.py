"""Where an account may call."""

import pytest

from ringline.routing.destinations import is_prefix, may_be_called, place_of

OWN = ("+14155550199", "+442071838750")


def without_list(number: str) -> bool:
    return may_be_called(number, None, lambda: OWN)


@pytest.mark.parametrize("number", ["+12125550123", "+18005550100", "+447400123456"])
def test_without_a_list_the_countries_of_the_own_numbers_may_be_called(number: str) -> None:
    assert without_list(number)


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("+19005550100", "premium rate"),
        ("+449012345678", "premium rate"),
        ("+448712345678", "shared cost or dearer"),
        ("+447012345678", "a personal number"),
        ("+18765550100", "Jamaica, behind the same code as the United States"),
        ("+14165550100", "Canada, which has none of the numbers"),
        ("+447911123456", "Guernsey, behind the same code as the United Kingdom"),
        ("+491711234567", "another country"),
        ("+881612345678", "a satellite"),
        ("+8835100012345", "an international network"),
        ("+97912345678", "international premium rate"),
        ("+80812345678", "international shared cost"),
        ("+870772001234", "ships"),
        ("+8821612345678", "a satellite"),
    ],
)
def test_without_a_list_what_is_elsewhere_or_dear_is_not_called(number: str, why: str) -> None:
    assert not without_list(number), why


@pytest.mark.parametrize("number", ["+15550100200", "+16795550123", "+14575550123"])
def test_a_range_that_is_too_new_to_be_known_is_of_the_main_country_of_its_code(number: str) -> None:
    # As the sandbox's is, too: +1 555 is no place.
    assert without_list(number)
    assert may_be_called("+13135550123", None, lambda: [number])


@pytest.mark.parametrize(
    ("number", "listed", "may"),
    [
        ("+491711234567", ("+49",), True),
        ("+491711234567", ("+1", "+44"), False),
        ("+14155550100", (), False),
        ("+18765550100", ("+1",), True),
        ("+19005550100", ("+1",), False),
        ("+19005550100", ("+1", "+1900"), True),
        ("+4918012345", ("+491",), False),
        ("+4918012345", ("+49180",), True),
        ("+881612345678", ("+881",), True),
        ("+881612345678", ("+88",), False),
        ("+881612345678", ("+8",), False),
    ],
)
def test_a_list_says_it_all_and_dear_ranges_by_their_own_prefix(
    number: str, listed: tuple[str, ...], may: bool
) -> None:
    assert may_be_called(number, listed, lambda: OWN) is may


def test_own_numbers_are_asked_for_only_where_they_matter() -> None:
    def unasked() -> list[str]:
        raise AssertionError("asked")

    assert not may_be_called("+19005550100", None, unasked)
    assert may_be_called("+14155550100", ("+1",), unasked)


def test_what_is_no_number_is_a_place_of_its_own() -> None:
    assert place_of("+999") == ("+999", False) or not without_list("+999")
    assert all(map(is_prefix, ("+1", "+4420")))
    assert not any(map(is_prefix, ("+", "1", "+0", "+1\n", "+" + "1" * 16)))
