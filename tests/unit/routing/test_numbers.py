"""What is a phone number, and what only looks like one."""

import pytest

from ringline.routing.numbers import is_e164


@pytest.mark.parametrize("text", ["+15550100200", "+442071838750", "+1234567", "+123456789012345"])
def test_numbers_with_plus_country_and_digits_are_e164(text: str) -> None:
    assert is_e164(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "15550100200",
        "+05550100200",
        "+123456",
        "+1234567890123456",
        "+1 555 010 0200",
        "+1-555-010-0200",
        "+1555010020a",
        "+15550100200\n",
        " +15550100200",
        "+١٥٥٥٠١٠٠٢٠٠",
        "sip:+15550100200@example.com",
    ],
)
def test_anything_else_is_not(text: str) -> None:
    assert not is_e164(text)
